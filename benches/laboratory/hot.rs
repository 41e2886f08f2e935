//! Few keys that are overwritten again and again: reading them costs about what it costs when they are fresh.

use std::{path::Path, time::Duration};

use siltstone::{Clock, Db, Durability, OsClock, Settings};

use super::Outcome;

const KEYS: u32 = 50;
const OVERWRITES: u32 = 20_000;
const SCANS: usize = 201;

/// Prints the time of a scan over the keys when they are fresh, after the overwrites, and after a flush.
///
/// # Errors
///
/// When a scan takes more than three times as long as that of the fresh keys.
pub(crate) fn run(folder: &Path) -> Outcome {
    let settings = Settings { durability: Durability::Buffered, ..Settings::default() };
    let db = Db::builder(folder.join("hot")).settings(settings).open()?;
    let put_all = |round: u32| {
        (0..KEYS).try_for_each(|key| db.put(format!("hot{key:013}"), [round.to_le_bytes()[0]; 100]).map(drop))
    };
    put_all(0)?;
    let fresh = scan(&db)?;
    (1..=OVERWRITES).try_for_each(put_all)?;
    let before_flush = scan(&db)?;
    db.flush()?;
    let after_flush = scan(&db)?;
    println!(
        "{KEYS} keys, overwritten {OVERWRITES} times each: a scan takes {fresh:?} fresh, {before_flush:?} before the flush, {after_flush:?} after it"
    );
    db.close()?;
    if before_flush.max(after_flush) > 3 * fresh {
        Err("a scan takes more than three times as long".into())
    } else {
        Ok(())
    }
}

/// The median time of a scan over everything.
fn scan(db: &Db) -> Outcome<Duration> {
    let mut times = Vec::new();
    for _ in 0..SCANS {
        let started = OsClock.monotonic();
        let count = db.range(..).try_fold(0, |count, entry| entry.map(|_| count + 1))?;
        times.push(OsClock.monotonic().saturating_sub(started));
        if count != KEYS {
            return Err(format!("{count} keys instead of {KEYS}").into());
        }
    }
    times.sort_unstable();
    times.get(SCANS / 2).copied().ok_or_else(|| "no scan".into())
}
