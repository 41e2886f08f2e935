//! Closing against everything else, and against other handles that go.

use shuttle::rand::{Rng, thread_rng};
use siltstone::Durability;

use crate::{
    Checked,
    database::{Database, switch, tiny},
    explore::explore,
    history::{History, is_closed},
    part::Parts,
    said,
    view::{View, look},
};

const WRITERS: usize = 2;
const ROUNDS: usize = 2;

/// Writers, a reader with a snapshot, flush and compaction; one thread closes the database, or the last handle that goes does.
pub(crate) fn run() -> Checked {
    let (database, history) = (Database::open(tiny())?, History::default());
    let fs = database.fs.clone();
    let is_closed_by_hand = thread_rng().gen_bool(0.5);
    let mut parts = Parts::default();
    for writer in 0..WRITERS {
        let (database, history) = (database.clone(), history.clone());
        parts.start("writer", move || write(&database, &history, writer));
    }
    {
        let (database, history) = (database.clone(), history.clone());
        parts.start("reader", move || read(&database, &history));
    }
    {
        let database = database.clone();
        parts.start("maintenance", move || {
            let flushed = database.db.flush();
            let outcome = flushed.and_then(|()| database.db.compact().map(drop));
            outcome.or_else(|error| if is_closed(&error) { Ok(()) } else { Err(said(error)) })
        });
    }
    parts.start("closer", move || {
        // All of it, so that no handle stays behind.
        let database = database;
        (0..thread_rng().gen_range(0..100)).for_each(|_| switch());
        // Otherwise this is only one more handle that goes.
        if is_closed_by_hand { database.db.close().map_err(said) } else { Ok(()) }
    });
    parts.join()?;
    check_what_is_left(&fs, &history)
}

fn write(database: &Database, history: &History, writer: usize) -> Checked {
    for round in 0..ROUNDS {
        let durability =
            if (writer + round).is_multiple_of(2) { Durability::Sync } else { Durability::Buffered };
        match history.write(database, writer, durability) {
            Ok(()) => {}
            Err(error) if is_closed(&error) => return Ok(()),
            Err(error) => return Err(format!("a write failed: {error}")),
        }
    }
    Ok(())
}

fn read(database: &Database, history: &History) -> Checked {
    let floor = history.acknowledged();
    let snapshot = database.db.snapshot();
    let before = View::by_get(&snapshot, database)?;
    before.check(history, &floor)?;
    match database.db.get("x") {
        Ok(_) => {}
        Err(error) if is_closed(&error) => {}
        Err(error) => return Err(said(error)),
    }
    // Also when the database was closed meanwhile.
    let after = View::by_range(&snapshot, database)?;
    if after == before { Ok(()) } else { Err(format!("a snapshot changed from {before:?} to {after:?}")) }
}

/// Exactly what was acknowledged: a write that was refused was not carried out.
fn check_what_is_left(fs: &siltstone_vfs::MemFs, history: &History) -> Checked {
    let found = Database::reopened_on(fs)?;
    if !found.db.recovery().was_closed {
        return Err("the database was not closed cleanly".to_owned());
    }
    let acknowledged = history.acknowledged();
    let view = look(&found, history, &acknowledged)?;
    if view.rounds() != acknowledged {
        return Err(format!("{view:?} was found, and {acknowledged:?} acknowledged"));
    }
    found.db.close().map_err(said)
}

#[test]
fn closing_agrees_with_everything_that_goes_on() {
    explore("close", run);
}
