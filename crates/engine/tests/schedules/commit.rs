//! Writers against each other: groups, the hand-over of the lead, syncs that serve many, and one that fails.

use shuttle::rand::{Rng, thread_rng};
use siltstone::{Durability, Error};

use crate::{
    Checked,
    database::{Database, roomy, switch},
    explore::explore,
    history::{History, WRITERS},
    part::Parts,
    said,
    view::look,
};

const ROUNDS: usize = 2;

/// Three writers, synced and buffered; in half of the runs a sync fails at some moment.
pub(crate) fn run() -> Checked {
    let (database, history) = (Database::open(roomy())?, History::default());
    let fails = thread_rng().gen_bool(0.5);
    let mut parts = Parts::default();
    for writer in 0..WRITERS {
        let (database, history) = (database.clone(), history.clone());
        parts.start("writer", move || write(&database, &history, writer, fails));
    }
    if fails {
        let fs = database.fs.clone();
        parts.start("saboteur", move || {
            (0..thread_rng().gen_range(0..40)).for_each(|_| switch());
            fs.fail_next_syncs(1);
            Ok(())
        });
    }
    let outcome = parts.join();
    // What a power cut and what a kill would leave of it now.
    let (cut, killed) = (database.fs.power_cut_worst(), database.fs.clone_now());
    database.fs.fail_next_syncs(0);
    let closed = database.db.close();
    outcome?;
    history.check_nothing_after_a_failure()?;
    if !fails {
        closed.map_err(said)?;
    }
    look(&Database::found_on(&cut)?, &history, &history.durable())?;
    look(&Database::found_on(&killed)?, &history, &history.acknowledged())?;
    Ok(())
}

fn write(database: &Database, history: &History, writer: usize, fails: bool) -> Checked {
    for round in 0..ROUNDS {
        let durability =
            if (writer + round).is_multiple_of(2) { Durability::Sync } else { Durability::Buffered };
        match history.write(database, writer, durability) {
            Ok(()) => {
                look(database, history, &history.acknowledged())?;
            }
            Err(Error::Io { .. } | Error::Poisoned { .. }) if fails => {}
            Err(error) => return Err(format!("a write failed: {error}")),
        }
    }
    Ok(())
}

#[test]
fn what_is_acknowledged_is_there_in_order_and_whole_and_nobody_is_forgotten() {
    explore("commit", run);
}
