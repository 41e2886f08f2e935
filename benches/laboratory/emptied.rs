//! Everything is deleted: the space comes back, and nothing is slow because of what was there.

use std::{fs, path::Path, time::Duration};

use siltstone::{Clock, Db, Durability, OsClock, Settings};

use super::{Outcome, strategies};

const KEYS: u64 = 1_000_000;

/// Fills, deletes everything and compacts; prints what is left on disk, and how long it takes to see that the database is empty.
///
/// # Errors
///
/// When more than 1 MB is left, or either question takes a millisecond or longer.
pub(crate) fn run(folder: &Path) -> Outcome {
    for (name, compaction) in strategies::chosen() {
        let settings = Settings { compaction, durability: Durability::Buffered, ..Settings::default() };
        let dir = folder.join(name);
        let db = Db::builder(&dir).settings(settings).open()?;
        for number in 0..KEYS {
            db.put(number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes(), [7; 100])?;
        }
        db.flush()?;
        for number in 0..KEYS {
            db.delete(number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes())?;
        }
        let before = bytes_of(&dir)?;
        let report = db.compact()?;
        let (is_empty, to_see) = timed(|| db.is_empty())?;
        let (first, to_find) = timed(|| db.first())?;
        if !is_empty || first.is_some() {
            return Err(format!("{name}: the database is not empty").into());
        }
        db.close()?;
        let left = bytes_of(&dir)?;
        println!(
            "{name}: {before} bytes before; {} entries removed in {:?}; {left} bytes left; is empty: {to_see:?}, first key: {to_find:?}",
            report.entries_removed, report.duration,
        );
        if left >= 1_000_000 || to_see.max(to_find) >= Duration::from_millis(1) {
            return Err(format!("{name}: the space did not come back, or is searched").into());
        }
    }
    Ok(())
}

fn timed<T>(ask: impl FnOnce() -> siltstone::Result<T>) -> Outcome<(T, Duration)> {
    let started = OsClock.monotonic();
    let answer = ask()?;
    Ok((answer, OsClock.monotonic().saturating_sub(started)))
}

/// All files below a folder.
fn bytes_of(dir: &Path) -> Outcome<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { bytes_of(&entry.path())? } else { metadata.len() };
    }
    Ok(bytes)
}
