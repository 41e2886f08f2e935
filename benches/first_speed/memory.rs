//! What a database with little memory takes of it, at most, while it is filled, asked and walked over.

use std::{fs, path::Path};

use siltstone::{Settings, Stats};

use crate::{
    Outcome,
    keys::{self, Values},
    open,
};

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
    let values = Values::new();
    let before = peak()?;
    let settings =
        Settings { memtable_bytes_max: LIMIT_BYTES, cache_bytes: LIMIT_BYTES, ..Settings::default() };
    let db = open(dir, settings)?;
    for number in keys::shuffled(count, 1) {
        db.put(keys::present(number), values.of(number))?;
    }
    let fill = peak()?;
    for number in keys::shuffled(count, 2).take(GET_COUNT) {
        let found = db.get_with(keys::present(number), |value| value == values.of(number))?;
        if found != Some(true) {
            return Err(format!("key {number} does not have its value").into());
        }
    }
    let gets = peak()?;
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
    let scan = peak()?;
    drop(cursor);
    let stats = db.stats()?;
    db.close()?;
    Ok(Peaks { before, fill, gets, scan, stats })
}

/// The most memory that this process ever had resident, in bytes. Linux only.
fn peak() -> Outcome<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .ok_or("/proc/self/status has no VmHWM")?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib << 10)
}
