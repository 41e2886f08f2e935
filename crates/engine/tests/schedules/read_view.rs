//! Readers against writers, rotations, flushes and compactions.

use siltstone::{Durability, Settings};

use crate::{
    Checked,
    database::{Database, tiny},
    explore::explore,
    history::History,
    part::Parts,
    said,
    view::{View, glance, look},
};

const WRITERS: usize = 2;
const ROUNDS: usize = 3;
const LOOKS: usize = 2;
/// Reads without a snapshot, the shortest: a schedule may keep them waiting between any two of their steps.
const GLANCES: usize = 3;

/// Two writers, of which every other write makes the memtables full (so that flushes have old versions to drop), and a reader who looks again and again.
pub(crate) fn run() -> Checked {
    let (database, history) =
        (Database::open(Settings { memtable_entries_max: 3, ..tiny() })?, History::default());
    history.write(&database, 0, Durability::Buffered).map_err(said)?;
    let mut parts = Parts::default();
    for writer in 0..WRITERS {
        let (database, history) = (database.clone(), history.clone());
        parts.start("writer", move || {
            (0..ROUNDS).try_for_each(|_| history.write(&database, writer, Durability::Buffered)).map_err(said)
        });
    }
    {
        let (database, history) = (database.clone(), history.clone());
        parts.start("reader", move || read(&database, &history));
    }
    let outcome = parts.join();
    let closed = database.db.close().map_err(said);
    outcome?;
    closed
}

fn read(database: &Database, history: &History) -> Checked {
    // Before there is a snapshot: it would keep what these reads must not miss.
    (0..GLANCES).try_for_each(|_| glance(database, history))?;
    let old = database.db.snapshot();
    let before = View::by_get(&old, database)?;
    before.check(history, &[0; 3])?;
    let mut newest = before.clone();
    for _ in 0..LOOKS {
        let floor = history.acknowledged();
        let view = look(database, history, &floor)?;
        view.check_not_before(&newest)?;
        newest = view;
    }
    let after = View::by_range(&old, database)?;
    if after != before {
        return Err(format!("a snapshot changed from {before:?} to {after:?}"));
    }
    drop(old);
    (0..GLANCES).try_for_each(|_| glance(database, history))
}

/// The same with reads that take no snapshot, and little else: what a short read can miss shows only when it is kept waiting at the one step where it
/// matters, while everything else goes on.
pub(crate) fn run_without_snapshots() -> Checked {
    let (database, history) =
        (Database::open(Settings { memtable_entries_max: 3, ..tiny() })?, History::default());
    history.write(&database, 0, Durability::Buffered).map_err(said)?;
    let mut parts = Parts::default();
    {
        let (database, history) = (database.clone(), history.clone());
        parts.start("writer", move || {
            (0..ROUNDS).try_for_each(|_| history.write(&database, 0, Durability::Buffered)).map_err(said)
        });
    }
    {
        let (database, history) = (database.clone(), history.clone());
        parts.start("reader", move || (0..GLANCES).try_for_each(|_| glance(&database, &history)));
    }
    let outcome = parts.join();
    let closed = database.db.close().map_err(said);
    outcome?;
    closed
}

#[test]
fn no_read_without_a_snapshot_misses_what_was_acknowledged() {
    explore("plain reads", run_without_snapshots);
}

#[test]
fn no_reader_sees_half_a_batch_or_goes_back() {
    explore("read view", run);
}
