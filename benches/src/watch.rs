//! Looks at a database now and then while something else works with it: what its tree was like at its widest and deepest, and how it became so.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use siltstone::{Clock as _, OsClock, Stats};

use crate::{
    history::{Moments, Sample},
    store::Store,
};

/// How long lies between two looks.
const EVERY: Duration = Duration::from_millis(10);

/// The most of each that was seen at one time.
#[derive(Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, Debug)]
pub struct Seen {
    /// With tables.
    pub levels: u64,
    /// Sorted runs, of all levels.
    pub runs: u64,
    /// Those of level 0.
    pub level0_runs: u64,
    /// That compactions were due to read.
    pub debt_bytes: u64,
    /// What an entry takes in a memtable; 0 when there never were enough to say.
    pub memory_bytes_per_entry: u64,
}

impl Seen {
    fn note(&mut self, stats: &Stats) {
        let runs = |level: u32| stats.levels.get(&level).map_or(0, |level| level.runs);
        self.levels = self.levels.max(stats.levels.len() as u64);
        self.runs = self.runs.max(stats.levels.values().map(|level| level.runs).sum());
        self.level0_runs = self.level0_runs.max(runs(0));
        self.debt_bytes = self.debt_bytes.max(debt_bytes(stats));
        if stats.memtable_entries >= 100 {
            self.memory_bytes_per_entry = stats.memtable_bytes / stats.memtable_entries;
        }
    }
}

fn debt_bytes(stats: &Stats) -> u64 {
    stats.keyspaces.values().map(|keyspace| keyspace.debt_bytes).sum()
}

fn sample(stats: &Stats, after: Duration) -> Sample {
    Sample {
        seconds: after.as_secs_f64(),
        levels: stats.levels.iter().map(|(level, of_level)| (*level, of_level.file_bytes)).collect(),
        level0_runs: stats.levels.get(&0).map_or(0, |level| level.runs),
        debt_bytes: debt_bytes(stats),
        stalled_seconds: (stats.stalls.slowed().time + stats.stalls.stopped().time).as_secs_f64(),
    }
}

/// All that was seen.
#[derive(Default, Debug)]
pub struct Watched {
    /// The most of each.
    pub seen: Seen,
    /// One after the other.
    pub moments: Moments,
}

/// Does the work, and looks at the database every ten milliseconds meanwhile. Moments are counted from the beginning of the call.
///
/// `None` for a store that says nothing of itself: it is not looked at.
pub fn while_watched<S: Store, T>(store: &S, work: impl FnOnce() -> T) -> (T, Option<Watched>) {
    if !matches!(store.stats(), Ok(Some(_))) {
        return (work(), None);
    }
    let began = OsClock.monotonic();
    let watched = Mutex::new(Watched::default());
    let is_over = AtomicBool::new(false);
    let note = || {
        if let Ok(Some(stats)) = store.stats() {
            let mut watched = watched.lock().unwrap_or_else(PoisonError::into_inner);
            watched.seen.note(&stats);
            watched.moments.note(sample(&stats, OsClock.monotonic().saturating_sub(began)));
        }
    };
    let outcome = thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                note();
                thread::sleep(EVERY);
            }
        });
        let outcome = work();
        is_over.store(true, Ordering::Relaxed);
        outcome
    });
    note();
    (outcome, Some(watched.into_inner().unwrap_or_else(PoisonError::into_inner)))
}
