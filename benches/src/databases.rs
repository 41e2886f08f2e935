//! Databases in memory, on one thread, that are the same in every run: what the engine costs without a disk.

use std::sync::Arc;

use siltstone::{CompactionStrategy, Db, Durability, Fifo, Inline, Result, Settings, TestClock, vfs::MemFs};

use crate::Pairs;

/// An empty database. Nothing is synced, no time passes, identities come from a seed, and nothing is merged unless it is asked for: every flush leaves a run.
///
/// # Errors
///
/// Those of the engine.
pub fn create() -> Result<Db> {
    create_with(Fifo::default())
}

/// The same with a strategy that may merge.
///
/// # Errors
///
/// Those of the engine.
pub fn create_with(strategy: impl CompactionStrategy + 'static) -> Result<Db> {
    let settings = Settings {
        durability: Durability::Buffered,
        // Runs that stay must not hold writers up.
        level0_runs_slow: u32::MAX,
        level0_runs_stop: u32::MAX,
        ..Settings::default()
    };
    Db::builder("/database")
        .settings(settings)
        .compaction(strategy)
        .fs(Arc::new(MemFs::new()))
        .clock(Arc::new(TestClock::new(1_700_000_000_000)))
        .executor(Arc::new(Inline::new(1)))
        .seed(1)
        .open()
}

/// Puts all pairs, in a random order.
///
/// # Errors
///
/// Those of the engine.
pub fn fill(db: &Db, pairs: &Pairs) -> Result<()> {
    let mut order: Vec<(&[u8], &[u8])> = pairs.iter().collect();
    siltstone_testkit::Rng::new(18).shuffle(&mut order);
    order.into_iter().try_for_each(|(key, value)| db.put(key, value))
}

/// A database whose pairs are all in its memtable.
///
/// # Errors
///
/// Those of the engine.
pub fn in_memtable(pairs: &Pairs) -> Result<Db> {
    let db = create()?;
    fill(&db, pairs)?;
    Ok(db)
}

/// A database whose pairs are in one run of tables, all of whose blocks are in the cache.
///
/// # Errors
///
/// Those of the engine.
pub fn in_one_run(pairs: &Pairs) -> Result<Db> {
    in_runs(pairs, 1)
}

/// A database whose pairs are in so many runs, neighbours in different ones, all of whose blocks are in the cache.
///
/// # Errors
///
/// Those of the engine.
pub fn in_runs(pairs: &Pairs, runs: usize) -> Result<Db> {
    let db = create()?;
    for run in 0..runs {
        pairs.iter().skip(run).step_by(runs).try_for_each(|(key, value)| db.put(key, value))?;
        db.flush()?;
    }
    scan(&db)?;
    Ok(db)
}

/// Reads everything forward. Returns how many bytes of keys and values it saw.
///
/// # Errors
///
/// Those of the engine.
pub fn scan(db: &Db) -> Result<usize> {
    let mut cursor = db.cursor()?;
    let mut bytes = 0;
    cursor.first()?;
    while cursor.valid() {
        bytes += cursor.key().len() + cursor.value().len();
        cursor.next()?;
    }
    Ok(bytes)
}

/// Reads everything backward. Returns how many bytes of keys and values it saw.
///
/// # Errors
///
/// Those of the engine.
pub fn scan_backward(db: &Db) -> Result<usize> {
    let mut cursor = db.cursor()?;
    let mut bytes = 0;
    cursor.last()?;
    while cursor.valid() {
        bytes += cursor.key().len() + cursor.value().len();
        cursor.prev()?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(db: &Db) -> u64 {
        db.stats().unwrap().keyspaces.values().map(|keyspace| keyspace.runs).sum()
    }

    #[test]
    fn pairs_are_where_they_are_said_to_be() {
        let pairs = Pairs::new(1000);
        let bytes = 1000 * (20 + crate::VALUE_BYTES);
        for (db, expected) in [(in_memtable(&pairs), 0), (in_one_run(&pairs), 1), (in_runs(&pairs, 4), 4)]
            .map(|(db, runs)| (db.unwrap(), runs))
        {
            assert_eq!(
                (runs(&db), scan(&db).unwrap(), scan_backward(&db).unwrap()),
                (expected, bytes, bytes)
            );
        }
        let db = in_runs(&pairs, 4).unwrap();
        db.compact().unwrap();
        assert_eq!((runs(&db), scan(&db).unwrap()), (1, bytes));
    }
}
