//! Waits until the background has nothing left to do.

use std::{thread, time::Duration};

use siltstone::{Clock, Db, OsClock};

use crate::Outcome;

/// Flushes, and waits until no compaction is due. Returns how long that took.
///
/// # Errors
///
/// When it takes more than ten minutes.
pub fn settle(db: &Db) -> Outcome<Duration> {
    let started = OsClock.monotonic();
    db.flush()?;
    while is_in_debt(db)? {
        if OsClock.monotonic().saturating_sub(started) > Duration::from_mins(10) {
            return Err("the debt is not paid after ten minutes".into());
        }
        thread::sleep(Duration::from_millis(2));
    }
    Ok(OsClock.monotonic().saturating_sub(started))
}

/// Whether a compaction is due or under way.
pub fn is_in_debt(db: &Db) -> Outcome<bool> {
    Ok(db.stats()?.keyspaces.values().any(|keyspace| keyspace.debt_bytes > 0))
}
