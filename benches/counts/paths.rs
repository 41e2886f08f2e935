//! The hot paths by name, and what an operation of each is.

mod engine;
mod log;
mod memtable;
mod table;

use siltstone_benches::Outcome;

/// A path that is counted.
pub(crate) struct HotPath {
    pub(crate) name: &'static str,
    /// What an operation is.
    pub(crate) about: &'static str,
    /// Makes what the work needs.
    pub(crate) prepare: fn() -> Outcome<Prepared>,
}

/// The work itself. Returns something that depends on all of it, so that none is left out.
pub(crate) type Work = dyn FnMut() -> Outcome<usize>;

/// A path that is ready to run. It does the same in every run: it has one thread, no clock, and inputs from fixed seeds.
pub(crate) struct Prepared {
    /// Operations of the work.
    pub(crate) operations: u64,
    pub(crate) work: Box<Work>,
}

impl Prepared {
    /// Refuses work that is none: it could not be divided by its operations.
    fn new(operations: usize, work: impl FnMut() -> Outcome<usize> + 'static) -> Outcome<Prepared> {
        if operations == 0 {
            return Err("there is nothing to do".into());
        }
        Ok(Prepared { operations: operations as u64, work: Box::new(work) })
    }
}

macro_rules! paths {
    ($($name:literal: $about:literal = $prepare:path,)*) => {
        /// All of them.
        pub(crate) const PATHS: &[HotPath] = &[$(HotPath { name: $name, about: $about, prepare: $prepare },)*];
    };
}

paths! {
    "crc32c": "the checksum of a block of 4 KiB" = table::crc,
    "filter-add": "adding a key of 10,000, with its share of finishing" = table::filter_add,
    "filter-hit": "asking for a key that is there" = table::filter_hit,
    "filter-miss": "asking for a key that is not there" = table::filter_miss,
    "block-encode": "adding an entry to a table, with its share of the table" = table::encode,
    "block-decode": "checking and walking over an entry of a block" = table::decode,
    "block-seek": "seeking a key of a block" = table::seek,
    "memtable-insert": "inserting one of 10,000 entries in random order, skip list" = memtable::insert,
    "memtable-hit": "finding one of 10,000 entries, skip list" = memtable::hit,
    "memtable-miss": "not finding a key among 10,000, skip list" = memtable::miss,
    "log-append": "appending a record of 100 bytes" = log::append,
    "put": "putting a pair into a database, buffered" = engine::put,
    "get-memtable": "getting a value from the memtable" = engine::get_memtable,
    "get-cached": "getting a value from a table whose blocks are in the cache" = engine::get_cached,
    "get-missing": "getting nothing, which the filter says" = engine::get_missing,
    "scan-forward": "a step of a cursor over one run" = engine::scan_forward,
    "scan-backward": "a step back of a cursor over one run" = engine::scan_backward,
    "scan-merge": "a step of a cursor over four runs" = engine::scan_merge,
    "compact": "merging an entry of four runs into a table" = engine::compact,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_can_be_run() {
        for path in PATHS {
            let mut prepared = (path.prepare)().unwrap();
            assert!(prepared.operations > 0, "{}", path.name);
            assert!((prepared.work)().unwrap() > 0, "{}", path.name);
        }
    }

    #[test]
    fn names_are_unique() {
        for (at, path) in PATHS.iter().enumerate() {
            assert!(PATHS[..at].iter().all(|other| other.name != path.name), "{}", path.name);
        }
    }
}
