//! Readers against writers, rotations, flushes and compactions.

use siltstone::Durability;

use crate::{
    Checked,
    database::{Database, tiny},
    explore::explore,
    history::History,
    part::Parts,
    said,
    view::{View, in_range, look, round_of},
};

const WRITERS: usize = 2;
const ROUNDS: usize = 3;
const LOOKS: usize = 3;

/// Two writers whose every write makes a memtable full, and a reader who looks again and again.
pub(crate) fn run() -> Checked {
    let (database, history) = (Database::open(tiny())?, History::default());
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
    let mut newest: Option<View> = None;
    // An old snapshot stays what it was.
    let old = database.db.snapshot();
    let before = View::by_get(&old, database)?;
    before.check(history, &[0; 3])?;
    for at in 0..LOOKS {
        let floor = history.acknowledged();
        let view = look(database, history, &floor)?;
        if let Some(newest) = &newest {
            view.check_not_before(newest)?;
        }
        let writer = at % WRITERS;
        let key = format!("w{writer}");
        let by_get = round_of(database.db.get(&key).map_err(said)?)?;
        let by_range = round_of(in_range(database.other.range(..), &key)?)?;
        let [seen, begun] = [view.rounds(), history.begun()].map(|rounds| rounds[writer]);
        if !(seen <= by_get && by_get <= by_range && by_range <= begun) {
            return Err(format!(
                "{key} was {seen} in a snapshot, then {by_get} in a get, then {by_range} in a range, of {begun}"
            ));
        }
        newest = Some(view);
    }
    let after = View::by_range(&old, database)?;
    if after == before { Ok(()) } else { Err(format!("a snapshot changed from {before:?} to {after:?}")) }
}

#[test]
fn no_reader_sees_half_a_batch_or_goes_back() {
    explore("read view", run);
}
