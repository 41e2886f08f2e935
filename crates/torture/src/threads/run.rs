//! The threads of a run.

use std::{
    array,
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use siltstone::{
    Clock, CompactionSettings, DEFAULT_KEYSPACE, Db, Durability, Error, Keyspace, KeyspaceSettings, OsClock,
    Settings, WriteBatch, planted::Bug,
};
use siltstone_testkit::Rng;
use siltstone_vfs::{Fs, MemFs, WrapFs};

use crate::{
    model::{tiny_lazy_leveled, tiny_leveled},
    threads::{
        gate::{Gate, kill},
        view::{
            Contents, Rounds, START, account, balance_at, check, check_monotonic, contents, mark, said, text,
        },
        watchdog::{Post, Watchdog},
    },
};

pub(crate) const WRITERS: usize = 4;
/// Of each writer in each of the two keyspaces.
pub(crate) const ACCOUNTS: usize = 8;
const READERS: usize = 2;
const DIR: &str = "db";

/// What to run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What the threads draw from. Their order is the system's: a seed is no replay.
    pub seed: u64,
    /// How long they run, unless something is found before.
    pub duration: Duration,
    /// The bug of the engine, one that must be found.
    pub bug: Option<Bug>,
}

/// What was done: a run that did little has checked little.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Report {
    /// Batches written.
    pub batches: u64,
    /// Views that were checked.
    pub views: u64,
    /// Kills and power cuts that were recovered from.
    pub kills: u64,
    /// Times that the third keyspace was created and dropped.
    pub keyspaces: u64,
    /// Memtables flushed.
    pub flushes: u64,
    /// Compactions carried out.
    pub compactions: u64,
    /// Tables that were given another place as they are.
    pub moves: u64,
}

struct Run {
    plan: Plan,
    fs: MemFs,
    gate: WrapFs<Gate>,
    db: Db,
    keyspaces: [Keyspace; 2],
    /// Rounds that are acknowledged, and those that are acknowledged as durable.
    acknowledged: [AtomicU64; WRITERS],
    durable: [AtomicU64; WRITERS],
    is_over: AtomicBool,
    failure: Mutex<Option<String>>,
    views: AtomicU64,
    kills: AtomicU64,
    created: AtomicU64,
}

type Checked = Result<(), String>;
type Part = fn(&Run, usize, &Post) -> Checked;

/// Runs all threads for the plan's time.
///
/// # Errors
///
/// The first rule that was broken. A thread that hangs for a minute ends the process, with a message that says what every thread was doing.
pub fn run(plan: &Plan) -> Result<Report, String> {
    let fs = MemFs::new();
    let gate = WrapFs::with_layer(Arc::new(fs.clone()), Gate::default());
    let (db, keyspaces) = open(Arc::new(gate.clone()), plan.bug)?;
    let zeros = || array::from_fn(|_| AtomicU64::new(0));
    let run = Run {
        plan: plan.clone(),
        fs,
        gate,
        db,
        keyspaces,
        acknowledged: zeros(),
        durable: zeros(),
        is_over: AtomicBool::new(false),
        failure: Mutex::default(),
        views: AtomicU64::new(0),
        kills: AtomicU64::new(0),
        created: AtomicU64::new(0),
    };
    run.run_threads();
    let failure = run.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
    failure.map_or_else(|| run.finish(), Err)
}

/// The keyspaces differ in their strategy: size-tiered, leveled with moves, and lazy-leveled.
fn settings() -> Settings {
    let own = |compaction| KeyspaceSettings { compaction: Some(compaction), ..Default::default() };
    Settings {
        keyspaces: BTreeMap::from([
            ("other".to_owned(), own(tiny_leveled(2))),
            ("third".to_owned(), own(tiny_lazy_leveled(2))),
        ]),
        memtable_entries_max: 60,
        log_bytes_max: 6000,
        table_bytes_max: 2000,
        block_bytes: 128,
        compaction: CompactionSettings::size_tiered(2),
        level0_runs_stop: 6,
        manifest_bytes_max: 50_000,
        workers: 2,
        ..Settings::default()
    }
}

fn open(fs: Arc<dyn Fs>, bug: Option<Bug>) -> Result<(Db, [Keyspace; 2]), String> {
    let db = Db::builder(Path::new(DIR)).fs(fs).settings(settings()).plant(bug).open().map_err(said)?;
    let keyspaces = [db.keyspace(DEFAULT_KEYSPACE).map_err(said)?, db.keyspace("other").map_err(said)?];
    Ok((db, keyspaces))
}

impl Run {
    fn run_threads(&self) {
        let mut parts: Vec<(&str, usize, Part)> = Vec::new();
        parts.extend((0..WRITERS).map(|number| ("writer", number, Run::write as Part)));
        parts.extend((0..READERS).map(|number| ("reader", number, Run::read as Part)));
        parts.extend([
            ("flusher", 0, Run::flush as Part),
            ("compactor", 0, Run::compact as Part),
            ("keyspaces", 0, Run::come_and_go as Part),
            ("killer", 0, Run::kill as Part),
        ]);
        let names = parts.iter().map(|(name, number, _)| format!("{name} {number}"));
        let (_watchdog, posts) = Watchdog::new(format!("threads, seed {}", self.plan.seed), names);
        let started = OsClock.monotonic();
        thread::scope(|scope| {
            for ((name, number, part), post) in parts.into_iter().zip(&posts) {
                scope.spawn(move || {
                    // A panic, too, ends the others.
                    let _stop = StopWhenDropped(&self.is_over);
                    if let Err(what) = part(self, number, post) {
                        let mut first = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
                        first.get_or_insert(format!("{name} {number}: {what}"));
                    }
                    post.done();
                });
            }
            while !self.is_over() && OsClock.monotonic().saturating_sub(started) < self.plan.duration {
                thread::sleep(Duration::from_millis(10));
            }
            self.is_over.store(true, Ordering::Relaxed);
        });
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    fn rng(&self, part: u64) -> Rng {
        Rng::new(self.plan.seed ^ (part << 32))
    }

    fn write(&self, writer: usize, post: &Post) -> Checked {
        let mut rng = self.rng(writer as u64);
        let mut balances = [[START; ACCOUNTS]; 2];
        let mut batch = WriteBatch::new();
        for round in 1.. {
            if self.is_over() {
                break;
            }
            if round == 1 {
                for (keyspace, balances) in self.keyspaces.iter().zip(&balances) {
                    for (number, balance) in balances.iter().enumerate() {
                        batch.put_in(keyspace, account(writer, number), balance_at(round, *balance));
                    }
                }
            } else {
                self.transfer(writer, round, &mut balances, &mut batch, &mut rng);
            }
            for (keyspace, end) in
                self.keyspaces.iter().flat_map(|keyspace| [(keyspace, 'a'), (keyspace, 'z')])
            {
                batch.put_in(keyspace, mark(end, writer), format!("{round:010}"));
            }
            let is_synced = rng.one_in(4);
            let durability = if is_synced { Durability::Sync } else { Durability::Buffered };
            post.doing("write");
            let receipt = self.db.write_with(&mut batch, durability).map_err(said)?;
            self.acknowledged[writer].store(round, Ordering::Release);
            if rng.one_in(50) {
                post.doing("wait_durable");
                receipt.wait_durable().map_err(said)?;
            }
            drop(receipt);
            if is_synced {
                self.durable[writer].store(round, Ordering::Release);
            }
            post.doing("get");
            let found = self.keyspaces[1].get(mark('z', writer)).map_err(said)?;
            if found.as_deref() != Some(format!("{round:010}").as_bytes()) {
                let found = text(found.as_deref());
                return Err(format!("round {round} was acknowledged, and {found} was read"));
            }
        }
        Ok(())
    }

    fn transfer(
        &self,
        writer: usize,
        round: u64,
        balances: &mut [[u64; ACCOUNTS]; 2],
        batch: &mut WriteBatch,
        rng: &mut Rng,
    ) {
        let from = (rng.index(2), rng.index(ACCOUNTS));
        let to = (rng.index(2), rng.index(ACCOUNTS));
        let balance = balances[from.0][from.1];
        let amount = if rng.one_in(4) { balance } else { rng.below(balance + 1) };
        balances[from.0][from.1] -= amount;
        balances[to.0][to.1] += amount;
        for (keyspace, number) in [from, to] {
            let (key, balance) = (account(writer, number), balances[keyspace][number]);
            if balance == 0 {
                batch.delete_in(&self.keyspaces[keyspace], key);
            } else {
                batch.put_in(&self.keyspaces[keyspace], key, balance_at(round, balance));
            }
        }
    }

    fn acknowledged(&self) -> Rounds {
        array::from_fn(|writer| self.acknowledged[writer].load(Ordering::Acquire))
    }

    fn durable(&self) -> Rounds {
        array::from_fn(|writer| self.durable[writer].load(Ordering::Acquire))
    }

    fn read(&self, number: usize, post: &Post) -> Checked {
        let mut rng = self.rng(100 + number as u64);
        let (mut newest, mut last): (Rounds, Option<Contents>) = ([0; WRITERS], None);
        let mut old = None;
        while !self.is_over() {
            // What was acknowledged before is seen.
            for (newest, acknowledged) in newest.iter_mut().zip(self.acknowledged()) {
                *newest = acknowledged.max(*newest);
            }
            self.get_what_is_acknowledged(post)?;
            post.doing("snapshot");
            let snapshot = self.db.snapshot();
            post.doing("range");
            let found = contents(&snapshot, &self.keyspaces)?;
            check(&found, &mut newest)?;
            if let Some(last) = &last {
                check_monotonic(last, &found)?;
            }
            post.doing("get");
            for (writer, newest) in newest.iter().enumerate() {
                let [found, now] = [
                    snapshot.get_in(&self.keyspaces[1], mark('a', writer)),
                    self.keyspaces[1].get(mark('a', writer)),
                ];
                let (found, now) = (found.map_err(said)?, now.map_err(said)?);
                let expected = (*newest > 0).then(|| format!("{newest:010}").into_bytes());
                if found.as_deref() != expected.as_deref() || now < found {
                    let [found, now] = [found, now].map(|value| text(value.as_deref()));
                    let expected = text(expected.as_deref());
                    return Err(format!("get says {found}, then {now}, and a range of then {expected}"));
                }
            }
            self.views.fetch_add(1, Ordering::Relaxed);
            last = Some(found.clone());
            // One snapshot is read again much later.
            match &old {
                None => old = Some((snapshot, found)),
                Some((snapshot, found)) if rng.one_in(20) => {
                    post.doing("range of an old snapshot");
                    if contents(snapshot, &self.keyspaces)? != *found {
                        return Err("a snapshot has changed".to_owned());
                    }
                    old = None;
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Gets, while this thread holds no new snapshot: one would keep an older version of the key, for a wrong view to find.
    fn get_what_is_acknowledged(&self, post: &Post) -> Checked {
        post.doing("get");
        for (writer, floor) in self.acknowledged().into_iter().enumerate() {
            let found = self.keyspaces[0].get(mark('a', writer)).map_err(said)?;
            let floor = (floor > 0).then(|| format!("{floor:010}").into_bytes());
            if found.as_deref() < floor.as_deref() {
                let (floor, found) = (text(floor.as_deref()), text(found.as_deref()));
                return Err(format!("writer {writer}: {floor} was acknowledged, and {found} is read"));
            }
        }
        Ok(())
    }

    fn flush(&self, _number: usize, post: &Post) -> Checked {
        while !self.is_over() {
            post.doing("flush");
            self.db.flush().map_err(said)?;
            thread::sleep(Duration::from_millis(3));
        }
        Ok(())
    }

    fn compact(&self, _number: usize, post: &Post) -> Checked {
        while !self.is_over() {
            post.doing("compact");
            match self.db.compact() {
                // A keyspace may be dropped while it is compacted.
                Ok(_) | Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(said(error)),
            }
            thread::sleep(Duration::from_millis(7));
        }
        Ok(())
    }

    fn come_and_go(&self, _number: usize, post: &Post) -> Checked {
        for round in 0_u64.. {
            if self.is_over() {
                break;
            }
            post.doing("create a keyspace");
            let third = self.db.keyspace("third").map_err(said)?;
            let value = round.to_string();
            for key in 0..40 {
                post.doing("write");
                let mut batch = WriteBatch::new();
                batch.put_in(&third, format!("{key}"), &value).put("0", &value);
                self.db.write_with(&mut batch, Durability::Buffered).map_err(said)?;
            }
            let snapshot = self.db.snapshot();
            post.doing("drop a keyspace");
            self.db.drop_keyspace("third").map_err(said)?;
            if !matches!(third.get("0"), Err(Error::NotFound { .. })) {
                return Err("a keyspace that was dropped answers".to_owned());
            }
            post.doing("range of a keyspace that was dropped");
            let values: Result<Vec<_>, _> = snapshot.range_in(&third, ..).collect();
            let values = values.map_err(said)?;
            if values.len() != 40 || values.iter().any(|(_, found)| **found != *value.as_bytes()) {
                return Err(format!("a snapshot finds {} of 40 keys, or old values", values.len()));
            }
            self.created.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    fn kill(&self, _number: usize, post: &Post) -> Checked {
        let mut rng = self.rng(200);
        while !self.is_over() {
            post.doing("kill");
            let cuts_power = rng.one_in(2);
            // Before the copy: what is acknowledged later need not be in it.
            let mut floor = if cuts_power { self.durable() } else { self.acknowledged() };
            let killed = kill(&self.gate, &self.fs);
            let left = if cuts_power { killed.power_cut(rng.next_u64()) } else { killed };
            let what = if cuts_power { "after a power cut" } else { "after a kill" };
            post.doing("recover");
            let (db, keyspaces) = open(Arc::new(left), None).map_err(|error| format!("{what}: {error}"))?;
            let found = contents(&db.snapshot(), &keyspaces)?;
            check(&found, &mut floor).map_err(|error| format!("{what}: {error}"))?;
            post.doing("close what was recovered");
            db.close().map_err(said)?;
            self.kills.fetch_add(1, Ordering::Relaxed);
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Closes and opens once more.
    fn finish(self) -> Result<Report, String> {
        let mut rounds = self.acknowledged();
        let stats = self.db.stats().map_err(said)?;
        let (_watchdog, _) = Watchdog::new("the last close".to_owned(), ["closer".to_owned()].into_iter());
        self.db.close().map_err(said)?;
        let expected = rounds;
        let (db, keyspaces) = open(Arc::new(self.fs.clone()), None)?;
        check(&contents(&db.snapshot(), &keyspaces)?, &mut rounds)?;
        if rounds != expected || !db.recovery().was_closed {
            return Err(format!("rounds {expected:?} were written, {rounds:?} are there"));
        }
        Ok(Report {
            batches: expected.iter().sum(),
            views: self.views.into_inner(),
            kills: self.kills.into_inner(),
            keyspaces: self.created.into_inner(),
            flushes: stats.writes.flushes,
            compactions: stats.writes.compactions,
            moves: stats.writes.moves,
        })
    }
}

/// Tells the other threads that a part has ended, which it does after the others or in failure.
struct StopWhenDropped<'a>(&'a AtomicBool);

impl Drop for StopWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
