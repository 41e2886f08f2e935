//! Opens a database as a function of a seed, and reads all of it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use siltstone::{Db, Range, Settings, TestClock, planted::Bug};
use siltstone_vfs::Fs;

use crate::crash::{
    layer::Counted,
    oracle::{Contents, State},
    plan::{self, Plan},
    run::Options,
};

/// Where the database is, on whatever disk.
const DIR: &str = "/base/db";

/// Opens one database, again and again.
pub(crate) struct Opener {
    settings: Settings,
    bug: Option<Bug>,
    fs: Arc<dyn Fs>,
    jobs: Arc<[AtomicU64; 3]>,
    seed: AtomicU64,
}

impl Opener {
    pub(crate) fn new(plan: &Plan, options: Options, fs: Arc<dyn Fs>, jobs: Arc<[AtomicU64; 3]>) -> Opener {
        Opener { jobs, ..Opener::of_disk(plan, options, fs, plan.seed) }
    }

    /// One that begins with another seed, on another disk.
    pub(crate) fn of_disk(plan: &Plan, options: Options, fs: Arc<dyn Fs>, seed: u64) -> Opener {
        let settings = plan.settings.clone();
        Opener { settings, bug: options.bug, fs, jobs: Arc::default(), seed: AtomicU64::new(seed) }
    }

    /// Opens it. Every time another seed decides about the order of background jobs.
    pub(crate) fn open(&self) -> Result<Db, String> {
        let seed = self.seed.fetch_add(0x1_0000_0001, Ordering::Relaxed);
        let opened = Db::builder(DIR)
            .settings(self.settings.clone())
            .fs(Arc::clone(&self.fs))
            .clock(Arc::new(TestClock::new(plan::NOW_UNIX_MS)))
            .executor(Arc::new(Counted::new(seed, Arc::clone(&self.jobs))))
            .seed(seed)
            .plant(self.bug)
            .open();
        opened.map_err(|error| format!("opening failed: {error} ({error:?})"))
    }
}

/// Collects a range.
pub(crate) fn contents(range: Range) -> siltstone::Result<Contents> {
    range.map(|entry| entry.map(|(key, value)| (key.to_vec(), value.to_vec()))).collect()
}

/// Everything in a database; an error when two ways of reading disagree.
pub(crate) fn state(db: &Db) -> Result<State, String> {
    let told = |error: siltstone::Error| format!("reading failed: {error} ({error:?})");
    let mut state = State::new();
    for name in db.keyspaces().map_err(told)? {
        let keyspace = db.keyspace(&name).map_err(told)?;
        let found = contents(keyspace.range(..)).map_err(told)?;
        for key in (0..plan::KEYS).map(plan::key) {
            let got = keyspace.get(&key).map_err(told)?.map(|value| value.to_vec());
            if got.as_ref() != found.get(&key) {
                let key = String::from_utf8_lossy(&key).into_owned();
                return Err(format!("{name}/{key}: a get and a range disagree"));
            }
        }
        state.insert(name, Arc::new(found));
    }
    Ok(state)
}
