//! Paths through the whole engine, in memory and on one thread.

use std::hint::black_box;

use siltstone::Db;
use siltstone_benches::{Outcome, Pairs, databases};

use super::Prepared;

const ENTRIES: usize = 10_000;

/// Filling an empty database, less than its memtable holds.
pub(super) fn put() -> Outcome<Prepared> {
    let (db, pairs) = (databases::create()?, Pairs::new(ENTRIES));
    Prepared::new(ENTRIES, move || {
        databases::fill(&db, &pairs)?;
        Ok(pairs.present.len())
    })
}

/// Getting what is in the memtable.
pub(super) fn get_memtable() -> Outcome<Prepared> {
    let pairs = Pairs::new(ENTRIES);
    get(databases::in_memtable(&pairs)?, &pairs.present, ENTRIES)
}

/// Getting what is in a table.
pub(super) fn get_cached() -> Outcome<Prepared> {
    let pairs = Pairs::new(ENTRIES);
    get(databases::in_one_run(&pairs)?, &pairs.present, ENTRIES)
}

/// Getting what is nowhere, and lies between what is in a table.
pub(super) fn get_missing() -> Outcome<Prepared> {
    let pairs = Pairs::new(ENTRIES);
    get(databases::in_one_run(&pairs)?, &pairs.absent, 0)
}

fn get(db: Db, keys: &[Vec<u8>], expected: usize) -> Outcome<Prepared> {
    let keys: Vec<Vec<u8>> = Pairs::shuffled(keys).into_iter().map(<[u8]>::to_vec).collect();
    Prepared::new(keys.len(), move || {
        let mut found = 0;
        for key in &keys {
            found += usize::from(black_box(db.get(black_box(key))?).is_some());
        }
        if found != expected {
            return Err(format!("{found} of {expected} keys were found").into());
        }
        Ok(keys.len())
    })
}

/// A cursor over one run.
pub(super) fn scan_forward() -> Outcome<Prepared> {
    let db = databases::in_one_run(&Pairs::new(ENTRIES))?;
    Prepared::new(ENTRIES, move || Ok(databases::scan(&db)?))
}

/// The same from the end.
pub(super) fn scan_backward() -> Outcome<Prepared> {
    let db = databases::in_one_run(&Pairs::new(ENTRIES))?;
    Prepared::new(ENTRIES, move || Ok(databases::scan_backward(&db)?))
}

/// A cursor over runs that take turns.
pub(super) fn scan_merge() -> Outcome<Prepared> {
    let db = databases::in_runs(&Pairs::new(ENTRIES), 4)?;
    Prepared::new(ENTRIES, move || Ok(databases::scan(&db)?))
}

/// One merge of everything.
pub(super) fn compact() -> Outcome<Prepared> {
    let db = databases::in_runs(&Pairs::new(ENTRIES), 4)?;
    Prepared::new(ENTRIES, move || {
        let report = db.compact()?;
        Ok(usize::try_from(report.tables_before)?)
    })
}
