//! Full logs and memtables against the deletion of logs: at any moment a kill or a power cut may come.

use std::sync::{Arc, Mutex, PoisonError};

use shuttle::rand::{Rng, thread_rng};
use siltstone::Durability;
use siltstone_vfs::MemFs;

use crate::{
    Checked,
    database::{Database, switch, tiny},
    explore::explore,
    history::{History, Rounds},
    part::Parts,
    said,
    view::look,
};

const WRITERS: usize = 2;
const ROUNDS: usize = 3;
const KILLS: usize = 2;

/// A disk at one moment, and what must be on it.
struct Image {
    what: &'static str,
    fs: MemFs,
    floor: Rounds,
}

/// Writers, of which each write moves on to another log, the background flushes, and a killer that looks at what is left.
pub(crate) fn run() -> Checked {
    let (database, history) = (Database::open(tiny())?, History::default());
    let images = Arc::new(Mutex::new(Vec::new()));
    let mut parts = Parts::default();
    for writer in 0..WRITERS {
        let (database, history) = (database.clone(), history.clone());
        parts.start("writer", move || {
            for round in 0..ROUNDS {
                let durability =
                    if (writer + round).is_multiple_of(2) { Durability::Sync } else { Durability::Buffered };
                history.write(&database, writer, durability).map_err(said)?;
            }
            Ok(())
        });
    }
    let (fs, seen, kept) = (database.fs.clone(), history.clone(), Arc::clone(&images));
    parts.start("killer", move || {
        for _ in 0..KILLS {
            (0..thread_rng().gen_range(0..150)).for_each(|_| switch());
            let mut images = kept.lock().unwrap_or_else(PoisonError::into_inner);
            images.extend(images_of(&fs, &seen, thread_rng().r#gen()));
        }
        Ok(())
    });
    let outcome = parts.join();
    let mut images = std::mem::take(&mut *images.lock().unwrap_or_else(PoisonError::into_inner));
    images.extend(images_of(&database.fs, &history, 0));
    let closed = database.db.close().map_err(said);
    outcome?;
    closed?;
    for Image { what, fs, floor } in images {
        Database::found_on(&fs)
            .and_then(|found| look(&found, &history, &floor))
            .map_err(|wrong| format!("after {what}: {wrong}"))?;
    }
    look(&Database::found_on(&database.fs)?, &history, &history.acknowledged())?;
    Ok(())
}

fn images_of(fs: &MemFs, history: &History, seed: u64) -> [Image; 3] {
    let (durable, acknowledged) = (history.durable(), history.acknowledged());
    [
        Image { what: "a kill", fs: fs.clone_now(), floor: acknowledged },
        Image { what: "the worst power cut", fs: fs.power_cut_worst(), floor: durable },
        Image { what: "a power cut", fs: fs.power_cut(seed), floor: durable },
    ]
}

#[test]
fn no_log_goes_before_what_it_holds_is_in_tables() {
    explore("rotation", run);
}
