//! Says where a lookup looked, and why it looked no further.

use std::fmt;

use siltstone_sstable::{BlockSource, FilterAnswer, ReadTrace};
use siltstone_types::Slice;

use crate::{Db, KeyspaceId, Result, tree::OpenTable, version::Slot};

/// Is told what happens during a lookup; does nothing by default. `()` is the one that does not listen.
pub(crate) trait GetTrace: ReadTrace {
    /// A memtable was asked.
    fn memtable(&mut self, slot: &Slot, found: bool) {
        let _ = (slot, found);
    }
    /// A table is going to be asked: the only one of its run that may hold the key.
    fn table(&mut self, table: &OpenTable) {
        let _ = table;
    }
    /// The table that was asked last has answered.
    fn answered(&mut self, found: bool) {
        let _ = found;
    }
}

impl GetTrace for () {}

/// One place where a lookup looked. A tombstone counts as found, and so does what has expired: they end the search.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ReadStep {
    /// A memtable.
    Memtable {
        /// How many entries it had.
        entries: u64,
        /// Whether it had the key.
        found: bool,
    },
    /// The one table of a run whose range of keys holds the key.
    Table {
        /// Its file's number.
        number: u64,
        /// Its level.
        level: u32,
        /// What its filter said.
        filter: FilterAnswer,
        /// Where the block came from; `None` when none was looked into.
        block: Option<BlockSource>,
        /// Whether it had the key.
        found: bool,
    },
}

impl fmt::Display for ReadStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |found: bool| if found { "found" } else { "not there" };
        match *self {
            ReadStep::Memtable { entries, found } => {
                write!(f, "memtable of {entries} entries: {}", said(found))
            }
            ReadStep::Table { number, level, filter, block, found } => {
                write!(f, "level {level}, table {number}: ")?;
                match filter {
                    FilterAnswer::No => return f.write_str("not there, says its filter"),
                    FilterAnswer::Maybe => f.write_str("maybe, says its filter; ")?,
                    FilterAnswer::Absent => f.write_str("no filter; ")?,
                }
                match block {
                    Some(BlockSource::Cache) => f.write_str("block from the cache; ")?,
                    Some(BlockSource::File) => f.write_str("block from the file; ")?,
                    None => {}
                }
                f.write_str(said(found))
            }
        }
    }
}

/// The answer of a lookup, and how it came about.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// What [`Db::get`] returns.
    pub value: Option<Slice>,
    /// Where it looked, in this order: newest data first.
    pub steps: Vec<ReadStep>,
}

/// Writes down each step.
#[derive(Default)]
struct Steps(Vec<ReadStep>);

impl ReadTrace for Steps {
    fn filter(&mut self, said: FilterAnswer) {
        if let Some(ReadStep::Table { filter, .. }) = self.0.last_mut() {
            *filter = said;
        }
    }

    fn block(&mut self, source: BlockSource, _raw_bytes: usize) {
        if let Some(ReadStep::Table { block, .. }) = self.0.last_mut() {
            *block = Some(source);
        }
    }
}

impl GetTrace for Steps {
    fn memtable(&mut self, slot: &Slot, found: bool) {
        self.0.push(ReadStep::Memtable { entries: slot.table.entry_count(), found });
    }

    fn table(&mut self, table: &OpenTable) {
        self.0.push(ReadStep::Table {
            number: table.record.number,
            level: table.record.level,
            filter: FilterAnswer::Absent,
            block: None,
            found: false,
        });
    }

    fn answered(&mut self, answer: bool) {
        if let Some(ReadStep::Table { found, .. }) = self.0.last_mut() {
            *found = answer;
        }
    }
}

impl Db {
    /// Looks a key up as [`Db::get`] does, and says where it looked. It is not counted among the reads.
    ///
    /// # Errors
    ///
    /// As for [`Db::get`].
    pub fn explain_get(&self, key: impl AsRef<[u8]>) -> Result<Explanation> {
        let mut steps = Steps::default();
        let value = self.inner().view()?.get_traced(KeyspaceId::DEFAULT, key.as_ref(), &mut steps)?;
        Ok(Explanation { value, steps: steps.0 })
    }
}
