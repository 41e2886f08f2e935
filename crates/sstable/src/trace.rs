//! What a read had to do.

/// Is told what happens during a read; does nothing by default. `()` is the tracer that does not listen.
pub trait ReadTrace {
    /// The filter was asked.
    fn filter(&mut self, answer: FilterAnswer) {
        let _ = answer;
    }
    /// A data block was looked into.
    fn block(&mut self, source: BlockSource, raw_bytes: usize) {
        let _ = (source, raw_bytes);
    }
}

impl ReadTrace for () {}

/// What a filter said.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FilterAnswer {
    /// The table has none, or none that is understood.
    Absent,
    /// The key is not in the table.
    No,
    /// The key may be in the table.
    Maybe,
}

/// Where a block came from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BlockSource {
    /// The block cache.
    Cache,
    /// The file.
    File,
}
