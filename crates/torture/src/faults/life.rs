//! The lives of a database on a disk in trouble, beside what is known about it.

use std::{collections::BTreeMap, sync::Arc};

use siltstone::{
    CompactionSettings, Db, Durability, Error, Inline, Keyspace, KeyspaceSettings, LeveledSettings, Settings,
    Snapshot, TestClock, WriteBatch,
};
use siltstone_vfs::{Fault, Fs, MemFs};

use crate::{
    crash::{Contents, Incarnation, Oracle, Outage, State, Written, contents_of, difference, key, state_of},
    faults::{Case, FaultReport, Trouble},
};

const DIR: &str = "/base/db";
/// The keyspaces that a batch is spread over, as far as they exist.
const NAMES: [&str; 3] = ["default", "other", "third"];
const KEYS: u64 = 17;
/// What time it is, all the time.
const NOW_UNIX_MS: u64 = 1_000_000;
/// Steps of a life, each with a write.
const STEPS: u64 = 48;
/// A full disk gets room at the first of these steps after it was noticed.
const LIFT_AT: [u64; 3] = [19, 35, STEPS - 1];

pub(super) struct Run<'a> {
    case: Case<'a>,
    pub(super) disk: MemFs,
    fs: Arc<dyn Fs>,
    fault: Arc<Fault>,
    pub(super) oracle: Oracle,
    pub(super) report: FaultReport,
    /// Handles of the keyspaces that exist.
    live: BTreeMap<&'static str, (Keyspace, Incarnation)>,
    snapshot: Option<Held>,
    /// The last write that failed, unless a later one was acknowledged: after a failed sync it may be found all the same.
    uncertain: Option<Vec<Written>>,
    /// Writes so far.
    number: u64,
    is_poisoned: bool,
}

/// A snapshot, and what it should hold.
struct Held {
    snapshot: Snapshot,
    expected: Vec<(Keyspace, Arc<Contents>)>,
}

type Checked = Result<(), String>;

/// Two keyspaces are leveled, with moves; the other one is size-tiered.
fn settings() -> Settings {
    let tiered =
        KeyspaceSettings { compaction: Some(CompactionSettings::size_tiered(2)), ..Default::default() };
    let leveled = LeveledSettings { ratio: 2, base_bytes: 600, level0_runs: 1, ..LeveledSettings::default() };
    Settings {
        keyspaces: BTreeMap::from([("default".to_owned(), tiered)]),
        memtable_entries_max: 6,
        log_bytes_max: 500,
        manifest_bytes_max: 900,
        block_bytes: 64,
        table_bytes_max: 400,
        compaction: CompactionSettings::Leveled(leveled),
        level0_runs_stop: 3,
        open_tables_max: 2,
        workers: 1,
        cache_bytes: 0,
        ..Settings::default()
    }
}

fn open_at(case: &Case<'_>, dir: &str, fs: Arc<dyn Fs>, seed: u64) -> siltstone::Result<Db> {
    Db::builder(dir)
        .settings(settings())
        .fs(fs)
        .clock(Arc::new(TestClock::new(NOW_UNIX_MS)))
        .executor(Arc::new(Inline::new(seed)))
        .seed(seed)
        .plant(case.bug)
        .open()
}

pub(super) fn open(case: &Case<'_>, fs: Arc<dyn Fs>, seed: u64) -> siltstone::Result<Db> {
    open_at(case, DIR, fs, seed)
}

impl<'a> Run<'a> {
    pub(super) fn new(case: Case<'a>, disk: MemFs, fs: Arc<dyn Fs>, fault: Arc<Fault>) -> Run<'a> {
        let oracle = Oracle::of(&State::from([("default".to_owned(), Arc::default())]));
        Run {
            case,
            disk,
            fs,
            fault,
            oracle,
            report: FaultReport::default(),
            live: BTreeMap::new(),
            snapshot: None,
            uncertain: None,
            number: 0,
            is_poisoned: false,
        }
    }

    /// Two lives of the database, until it is left.
    pub(super) fn live(&mut self) -> Checked {
        for life in 0..2 {
            let mut opened = open(&self.case, Arc::clone(&self.fs), self.case.seed + life);
            if let Err(error) = &opened {
                self.note(error)?;
                if self.lift() {
                    opened = open(&self.case, Arc::clone(&self.fs), self.case.seed + life);
                }
            }
            match opened {
                Ok(db) => self.live_once(&db, life)?,
                Err(error) if self.is_lifted() => {
                    return Err(format!("there is room again, and opening fails: {error:?}"));
                }
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn live_once(&mut self, db: &Db, life: u64) -> Checked {
        self.begin_life(db, life)?;
        for step in 0..STEPS {
            self.write(db)?;
            self.act(db, step).map_err(|what| format!("life {life}, step {step}: {what}"))?;
        }
        self.read(db)?;
        self.check_snapshot()?;
        // Told in memory, whatever the disk does.
        let writes = db.stats().map_err(|error| format!("stats: {error:?}"))?.writes;
        self.report.moves += writes.moves;
        self.report.merges += writes.compactions;
        let closed = db.close();
        if closed.is_ok() {
            self.oracle.make_durable(self.oracle.batches());
        }
        self.call(closed)?;
        if let Some(written) = self.uncertain.take() {
            self.oracle.begin_write(&written);
        }
        self.report.has_stopped |= self.is_poisoned;
        Ok(())
    }

    /// What an earlier life left is recovered, and so durable.
    fn begin_life(&mut self, db: &Db, life: u64) -> Checked {
        (self.is_poisoned, self.live) = (false, BTreeMap::new());
        if life > 0 {
            let left = Arc::new(self.disk.clone_now());
            let copy = open(&self.case, left, self.case.seed).map_err(|error| format!("{error:?}"))?;
            let found = state_of(&copy)?;
            self.oracle.judge(&found, Outage::Process).map_err(|what| format!("opened again: {what}"))?;
            self.oracle = Oracle::of(&found);
        }
        for (name, incarnation) in self.oracle.catalogue() {
            let Some(name) = NAMES.into_iter().find(|known| *known == name) else { continue };
            let keyspace =
                db.keyspace(name).map_err(|error| format!("keyspace {name} is gone: {error:?}"))?;
            self.live.insert(name, (keyspace, incarnation));
        }
        Ok(())
    }

    /// What happens beside the writes.
    fn act(&mut self, db: &Db, step: u64) -> Checked {
        match step {
            2 | 29 => self.create(db, "other")?,
            9 => self.create(db, "third")?,
            23 => self.drop_keyspace(db, "other")?,
            38 => self.drop_keyspace(db, "third")?,
            14 => self.call(db.flush())?,
            6 | 31 => self.take_snapshot(db),
            26 => self.check_snapshot()?,
            25 => self.call(db.compact().map(|_| ()))?,
            20 | 27 => self.read(db)?,
            30 => self.call(db.sync())?,
            33 => self.checkpoint(db)?,
            _ => {}
        }
        if LIFT_AT.contains(&step) && self.fault.hits() > 0 && self.lift() {
            self.go_on(db)?;
        }
        Ok(())
    }

    /// Gives a full disk room again. True when it was full.
    fn lift(&mut self) -> bool {
        let lifts = self.case.trouble == Trouble::Full && !self.is_lifted();
        if lifts {
            self.fault.lift();
        }
        lifts && self.is_lifted()
    }

    fn is_lifted(&self) -> bool {
        self.case.trouble == Trouble::Full && self.fault.is_lifted()
    }

    /// A disk that has room again is written to as before, flushed and compacted, unless writing has stopped.
    fn go_on(&mut self, db: &Db) -> Checked {
        // The first one may be told of a flush that failed meanwhile, or of writing that has stopped.
        self.write(db)?;
        if self.is_poisoned {
            return Ok(());
        }
        let failed = |what: &str, error: &Error| format!("there is room again, and {what} fails: {error:?}");
        let before = self.report.errors;
        for _ in 0..14 {
            self.write(db)?;
        }
        if self.report.errors > before {
            return Err("there is room again, and writes go on failing".to_owned());
        }
        let flushes = |db: &Db| db.stats().map(|stats| stats.writes.flushes);
        let before = flushes(db).map_err(|error| failed("stats", &error))?;
        self.write(db)?;
        db.flush().map_err(|error| failed("a flush", &error))?;
        db.compact().map_err(|error| failed("a compaction", &error))?;
        if flushes(db).map_err(|error| failed("stats", &error))? <= before {
            return Err("there is room again, and nothing is flushed".to_owned());
        }
        self.oracle.make_durable(self.oracle.batches());
        self.report.has_gone_on = true;
        self.read(db)
    }

    fn write(&mut self, db: &Db) -> Checked {
        self.number += 1;
        let number = self.number;
        if self.case.trouble == Trouble::Sync && self.case.nth == number {
            self.disk.fail_next_syncs(1);
        }
        let (mut batch, mut written) = (WriteBatch::new(), Vec::new());
        for (part, (handle, keyspace)) in (0..).zip(self.live.values()) {
            let at = (number * 7 + part * 11) % KEYS;
            let key = key(usize::try_from(at).unwrap_or(0));
            let value = (number % 5 != part).then(|| number.to_le_bytes().repeat(3));
            // Some have expired when they are written, others would later.
            let expires_at = match number % 7 {
                3 => Some(NOW_UNIX_MS),
                5 => Some(NOW_UNIX_MS + 1),
                _ => None,
            };
            match (&value, expires_at) {
                (Some(value), None) => batch.put_in(handle, &key, value),
                (Some(value), Some(expires_at)) => batch.put_expiring_in(handle, &key, value, expires_at),
                (None, _) => batch.delete_in(handle, &key),
            };
            let value = value.filter(|_| expires_at.is_none_or(|expires_at| expires_at > NOW_UNIX_MS));
            written.push(Written { keyspace: *keyspace, key, value });
        }
        let is_sync = !number.is_multiple_of(3);
        let durability = if is_sync { Durability::Sync } else { Durability::Buffered };
        match db.write_with(&mut batch, durability) {
            Ok(_) => {
                self.uncertain = None;
                self.oracle.begin_write(&written);
                self.oracle.acknowledge();
                if is_sync {
                    self.oracle.make_durable(self.oracle.batches());
                }
            }
            Err(error) => {
                self.note(&error)?;
                if !matches!(error, Error::Poisoned { .. }) {
                    self.uncertain = Some(written);
                }
            }
        }
        Ok(())
    }

    fn create(&mut self, db: &Db, name: &'static str) -> Checked {
        if self.live.contains_key(name) {
            return Ok(());
        }
        self.oracle.begin_create(name);
        match db.keyspace(name) {
            Ok(keyspace) => {
                self.oracle.acknowledge();
                let incarnation = self.oracle.catalogue().get(name).copied();
                let incarnation = incarnation.ok_or("the oracle does not know what it was told")?;
                self.live.insert(name, (keyspace, incarnation));
                Ok(())
            }
            Err(error) => self.doubt(&error),
        }
    }

    fn drop_keyspace(&mut self, db: &Db, name: &'static str) -> Checked {
        if !self.live.contains_key(name) {
            return Ok(());
        }
        self.oracle.begin_drop(name);
        match db.drop_keyspace(name) {
            Ok(()) => {
                self.oracle.acknowledge();
                self.live.remove(name);
                Ok(())
            }
            Err(error) => self.doubt(&error),
        }
    }

    /// A creation or drop has failed: it may have happened all the same.
    fn doubt(&mut self, error: &Error) -> Checked {
        self.oracle.doubt();
        self.note(error)
    }

    fn take_snapshot(&mut self, db: &Db) {
        let now = self.oracle.now();
        let handles = self
            .live
            .iter()
            .filter_map(|(name, (handle, _))| Some((handle.clone(), Arc::clone(now.get(*name)?))));
        self.snapshot = Some(Held { snapshot: db.snapshot(), expected: handles.collect() });
    }

    /// It is as it was, also where keyspaces were dropped since, or it tells an error.
    fn check_snapshot(&mut self) -> Checked {
        let Some(Held { snapshot, expected }) = self.snapshot.take() else { return Ok(()) };
        for (keyspace, expected) in expected {
            match contents_of(snapshot.range_in(&keyspace, ..)) {
                Ok(found) if found == *expected => self.report.snapshots += 1,
                Ok(_) => return Err(format!("a snapshot of {} has changed", keyspace.name())),
                Err(error) => self.note(&error)?,
            }
        }
        Ok(())
    }

    /// A checkpoint that was made is durable, and holds what the database does.
    fn checkpoint(&mut self, db: &Db) -> Checked {
        let target = format!("/copies/{}", self.number);
        if let Err(error) = db.checkpoint(&target) {
            return self.note(&error);
        }
        self.oracle.make_durable(self.oracle.batches());
        let left = Arc::new(self.disk.power_cut_worst());
        let told = |error| format!("a checkpoint cannot be opened: {error:?}");
        let copy = open_at(&self.case, &target, left, self.case.seed).map_err(told)?;
        let (found, expected) = (state_of(&copy)?, self.oracle.now());
        if found != expected {
            return Err(format!("a checkpoint differs:{}", difference(&expected, &found)));
        }
        self.report.checkpoints += 1;
        Ok(())
    }

    /// Reads go on, and see what was acknowledged, or tell an error.
    fn read(&mut self, db: &Db) -> Checked {
        match state_of(db) {
            Ok(found) if found == self.oracle.now() => Ok(()),
            Ok(found) => {
                let what = difference(&self.oracle.now(), &found);
                Err(format!("the open database does not hold what was acknowledged:{what}"))
            }
            Err(_) => {
                self.report.errors += 1;
                Ok(())
            }
        }
    }

    fn call(&mut self, outcome: siltstone::Result<()>) -> Checked {
        outcome.or_else(|error| self.note(&error))
    }

    fn note(&mut self, error: &Error) -> Checked {
        self.report.errors += 1;
        match error {
            Error::Io { .. } | Error::NoSpace { .. } => Ok(()),
            Error::Poisoned { .. } => {
                self.is_poisoned = true;
                Ok(())
            }
            other => Err(format!("not an error of the disk: {other:?}")),
        }
    }
}
