//! What a database with little memory takes of it, at most, while it is filled, asked and walked over.

use std::path::Path;

use siltstone::{Settings, Stats};
use siltstone_benches::{
    Outcome,
    keys::{self, VALUE_BYTES, Values},
    process::peak_bytes,
};

use crate::open;

/// Memtable and cache, each.
const LIMIT_BYTES: u64 = 16 << 20;
/// Lookups after the fill.
const GET_COUNT: usize = 100_000;

/// Peaks of the process's resident memory, in bytes.
#[derive(Debug)]
pub(crate) struct Peaks {
    /// Before the database was opened: the program's own.
    pub(crate) before: u64,
    pub(crate) fill: u64,
    pub(crate) gets: u64,
    pub(crate) scan: u64,
    /// What the database said of itself at the end.
    pub(crate) stats: Stats,
}

/// Fills a database in random order, looks keys up and scans it. Keys are made on the way: none are kept, which would count as well.
pub(crate) fn peaks(dir: &Path, count: u64) -> Outcome<Peaks> {
    let values = Values::new(VALUE_BYTES);
    let before = peak_bytes()?;
    let settings =
        Settings { memtable_bytes_max: LIMIT_BYTES, cache_bytes: LIMIT_BYTES, ..Settings::default() };
    let db = open(dir, settings)?;
    for number in keys::shuffled(count, 1) {
        db.put(keys::present(number), values.of(number))?;
    }
    let fill = peak_bytes()?;
    for number in keys::shuffled(count, 2).take(GET_COUNT) {
        let found = db.get_with(keys::present(number), |value| value == values.of(number))?;
        if found != Some(true) {
            return Err(format!("key {number} does not have its value").into());
        }
    }
    let gets = peak_bytes()?;
    let mut cursor = db.cursor()?;
    cursor.first()?;
    let mut entries = 0;
    while cursor.valid() {
        entries += 1;
        cursor.next()?;
    }
    if entries != count {
        return Err(format!("the scan met {entries} of {count} entries").into());
    }
    let scan = peak_bytes()?;
    drop(cursor);
    let stats = db.stats()?;
    db.close()?;
    Ok(Peaks { before, fill, gets, scan, stats })
}
