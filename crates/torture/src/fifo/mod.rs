//! First-in-first-out: at every step a database holds its history without some of the oldest tables, and nothing else; and a snapshot holds what it
//! held.
//!
//! Only flushes that are asked for make tables here, so where in history each begins is known, and how many are left says what should be there.

use std::{
    collections::{BTreeMap, VecDeque},
    path::Path,
    sync::Arc,
};

use siltstone::{
    Clock, CompactionSettings, CompactionStrategy, Db, Executor, FifoSettings, Inline, Range, Settings,
    Snapshot, TestClock, WriteBatch, planted::Bug,
};
use siltstone_testkit::Rng;
use siltstone_vfs::MemFs;

/// Different keys: few, so that most of them are overwritten in every table.
const KEYS: u64 = 40;
/// Snapshots that live at a time.
const SNAPSHOTS_MAX: usize = 4;
/// Keys that are looked up by themselves after each step.
const GETS: usize = 4;
const BEGIN_UNIX_MS: u64 = 1_000_000;

/// Which keys are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Keys {
    /// The same few again and again.
    Few,
    /// Each greater than all before it, so that no table overlaps another.
    Ascending,
}

/// What to run.
#[derive(Debug)]
pub struct Plan {
    /// What everything is drawn from.
    pub seed: u64,
    /// How many operations.
    pub operations: usize,
    /// Which keys are written.
    pub keys: Keys,
    /// The limits.
    pub limits: FifoSettings,
    /// A bug of the engine, which must be found.
    pub bug: Option<Bug>,
    /// A strategy in the place of the shipped one: one with a bug, which must be found.
    pub strategy: Option<fn() -> Box<dyn CompactionStrategy>>,
}

/// What a run did.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Report {
    /// Tables that were written.
    pub tables: u64,
    /// Those that are gone.
    pub dropped: u64,
    /// Keys that were seen to be gone with their tables, though nobody had deleted them.
    pub keys_gone: u64,
    /// Comparisons of snapshots, while they lived and when they ended.
    pub snapshots: u64,
    /// Steps after which nothing had gone though there were too many bytes, while a snapshot lived.
    pub held_up: u64,
    /// Times that the database was closed and opened again.
    pub reopens: u64,
}

type Contents = BTreeMap<Vec<u8>, Vec<u8>>;
type Entry = (Vec<u8>, Option<Vec<u8>>);
type Checked = Result<(), String>;

/// A snapshot, what it should hold, and how many tables were gone when it was taken.
struct Held {
    snapshot: Snapshot,
    expected: Contents,
    dropped: usize,
}

struct Run<'a> {
    plan: &'a Plan,
    rng: Rng,
    fs: MemFs,
    clock: Arc<TestClock>,
    db: Db,
    history: Vec<Entry>,
    /// Where in history each table begins that was ever written, and where the next one will.
    begins: Vec<usize>,
    /// Tables that are gone.
    dropped: usize,
    snapshots: VecDeque<Held>,
    stamp: u64,
    report: Report,
}

#[expect(clippy::needless_pass_by_value, reason = "what map_err hands over")]
fn said(error: siltstone::Error) -> String {
    format!("an error: {error:?}")
}

fn collect(range: Range) -> Result<Contents, String> {
    range.map(|entry| entry.map(|(key, value)| (key.to_vec(), value.to_vec())).map_err(said)).collect()
}

fn replay(history: &[Entry]) -> Contents {
    let mut contents = Contents::new();
    for (key, value) in history {
        match value {
            Some(value) => drop(contents.insert(key.clone(), value.clone())),
            None => drop(contents.remove(key)),
        }
    }
    contents
}

fn key(number: u64) -> Vec<u8> {
    format!("k{number:05}").into_bytes()
}

/// Carries a plan out.
///
/// # Errors
///
/// The operation at which a promise was broken, and the promise.
pub fn run(plan: &Plan) -> Result<Report, String> {
    let fs = MemFs::new();
    let clock = Arc::new(TestClock::new(BEGIN_UNIX_MS));
    let db = open(plan, &fs, &clock, 0)?;
    let mut run = Run {
        plan,
        rng: Rng::new(plan.seed),
        fs,
        clock,
        db,
        history: Vec::new(),
        begins: vec![0],
        dropped: 0,
        snapshots: VecDeque::new(),
        stamp: 0,
        report: Report::default(),
    };
    for at in 0..plan.operations {
        let outcome = run.step().and_then(|()| run.check());
        outcome.map_err(|what| format!("operation {at}: {what}"))?;
    }
    run.reopen()?;
    run.report.tables = run.begins.len() as u64 - 1;
    run.report.dropped = run.dropped as u64;
    Ok(run.report)
}

fn open(plan: &Plan, fs: &MemFs, clock: &Arc<TestClock>, opens: u64) -> Result<Db, String> {
    let seed = plan.seed ^ (opens << 32);
    let clock: Arc<dyn Clock> = Arc::clone(clock) as _;
    let executor: Arc<dyn Executor> = Arc::new(Inline::with_clock(seed, Arc::clone(&clock)));
    let builder = Db::builder(Path::new("db"))
        .fs(Arc::new(fs.clone()))
        .settings(Settings {
            block_bytes: 64,
            log_bytes_max: 4000,
            open_tables_max: 4,
            cache_bytes: 0,
            compaction: CompactionSettings::Fifo(plan.limits.clone()),
            ..Settings::default()
        })
        .clock(clock)
        .executor(executor)
        .seed(seed)
        .plant(plan.bug);
    let builder = match plan.strategy {
        None => builder,
        Some(strategy) => builder.compaction(strategy()),
    };
    builder.open().map_err(said)
}

impl Run<'_> {
    fn step(&mut self) -> Checked {
        match self.rng.below(100) {
            0..10 => self.flush(),
            10..16 => self.take_snapshot(),
            16..21 => self.release(),
            21..23 => self.reopen(),
            23..33 => {
                self.clock.advance(self.rng.below(60));
                Ok(())
            }
            _ => self.write(),
        }
    }

    fn write(&mut self) -> Checked {
        let mut batch = WriteBatch::new();
        for _ in 0..self.rng.between(1, 4) {
            self.stamp += 1;
            // Some keys are written often, others in one table or two.
            let number = match self.plan.keys {
                Keys::Ascending => self.stamp,
                Keys::Few if self.rng.one_in(2) => self.rng.below(6),
                Keys::Few => self.rng.below(KEYS),
            };
            let (key, stamp) = (key(number), self.stamp);
            let value = (!self.rng.one_in(6)).then(|| format!("{stamp:030}").into_bytes());
            match &value {
                Some(value) => batch.put(&key, value),
                None => batch.delete(&key),
            };
            self.history.push((key, value));
        }
        self.db.write(&mut batch).map(|_| ()).map_err(said)
    }

    fn flush(&mut self) -> Checked {
        self.db.flush().map_err(said)?;
        // A table for what was written since the last one, if there is anything.
        if self.begins.last().is_some_and(|begin| *begin < self.history.len()) {
            self.begins.push(self.history.len());
        }
        Ok(())
    }

    /// The history that is left.
    fn left(&self) -> Contents {
        let begin = self.begins.get(self.dropped).copied().unwrap_or(self.history.len());
        replay(self.history.get(begin..).unwrap_or_default())
    }

    /// Looks at how many tables are left, and at everything that should be in them.
    fn check(&mut self) -> Checked {
        let tables = usize::try_from(self.db.stats().map_err(said)?.tables()).unwrap_or(usize::MAX);
        let written = self.begins.len() - 1;
        let dropped = written.checked_sub(tables);
        let dropped = dropped.ok_or_else(|| format!("{tables} tables of {written}"))?;
        if dropped < self.dropped {
            return Err(format!("{} tables were gone, and now {dropped} are", self.dropped));
        }
        self.note_held_up(dropped);
        let before = if dropped > self.dropped { self.left() } else { Contents::new() };
        self.dropped = dropped;
        let expected = self.left();
        let gone = before.keys().filter(|key| !expected.contains_key(*key)).count();
        self.report.keys_gone += gone as u64;
        let what = |what: &str| format!("{what}, of {written} tables the oldest {dropped} are gone");
        let keys = if self.plan.keys == Keys::Few { KEYS } else { self.stamp + 1 };
        if collect(self.db.range(..))? != expected {
            return Err(what("not what was written without the oldest tables"));
        }
        for key in (0..GETS).map(|_| key(self.rng.below(keys))).collect::<Vec<_>>() {
            let found = self.db.get(&key).map_err(said)?.map(|value| value.to_vec());
            if found.as_ref() != expected.get(&key) {
                return Err(what("a get and a range disagree"));
            }
        }
        let Some(held) = self.snapshots.front() else { return Ok(()) };
        self.report.snapshots += 1;
        held.check()
    }

    fn note_held_up(&mut self, dropped: usize) {
        if dropped == self.dropped && !self.snapshots.is_empty() && self.is_over_limit() {
            self.report.held_up += 1;
        }
    }

    /// Whether a table would go if there were no snapshot, as far as sizes tell.
    fn is_over_limit(&self) -> bool {
        let bytes = self.db.stats().map(|stats| stats.file_bytes());
        bytes.is_ok_and(|bytes| bytes > self.plan.limits.bytes_max)
    }

    fn take_snapshot(&mut self) -> Checked {
        if self.snapshots.len() >= SNAPSHOTS_MAX {
            self.release()?;
        }
        let held = Held { snapshot: self.db.snapshot(), expected: self.left(), dropped: self.dropped };
        self.snapshots.push_back(held);
        Ok(())
    }

    fn release(&mut self) -> Checked {
        let Some(held) = self.snapshots.pop_front() else { return Ok(()) };
        self.report.snapshots += 1;
        held.check()
    }

    fn reopen(&mut self) -> Checked {
        self.flush()?;
        while !self.snapshots.is_empty() {
            self.release()?;
        }
        self.db.close().map_err(said)?;
        self.report.reopens += 1;
        self.db = open(self.plan, &self.fs, &self.clock, self.report.reopens)?;
        self.check()
    }
}

impl Held {
    fn check(&self) -> Checked {
        if collect(self.snapshot.range(..))? == self.expected {
            return Ok(());
        }
        Err(format!("a snapshot has changed, that was taken when {} tables were gone", self.dropped))
    }
}
