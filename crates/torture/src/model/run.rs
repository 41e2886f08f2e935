//! Carries operations out, on the database and on the reference, and compares what both say.

use std::{
    collections::VecDeque,
    fmt::{Debug, Display},
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Arc,
    time::Duration,
};

use siltstone::{
    Clock, DEFAULT_KEYSPACE, Db, Durability, Error, Executor, Inline, Keyspace, Range, Settings, Slice,
    Snapshot, Stats, TestClock, Threads, WriteBatch,
};
use siltstone_vfs::{Fs, MemFs};

use crate::model::{
    operation::{Ends, Expires, KEYSPACES, Keys, Operation, View, Write},
    reference::{Pair, Reference, take},
};

const NAMES: [&str; KEYSPACES] = [DEFAULT_KEYSPACE, "second", "third"];
const DIR: &str = "db";
/// Live snapshots and live iterators, at most.
const LIVE_MAX: usize = 6;

/// What a run said, in short.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Answers {
    /// Checksum of all answers: the same under all settings.
    pub crc: u32,
    /// Operations on the file system: the same for the same seed and settings.
    pub fs_operations: u64,
    /// Tables that were written: a run that writes none has tested little.
    pub flushes: u64,
    /// Compactions that were carried out.
    pub compactions: u64,
    /// Tables that were given another place as they are.
    pub moves: u64,
    /// The most levels with tables that were found at a time, at a flush, a compaction or a close.
    pub levels: usize,
    /// Lookups of keys whose value has expired.
    pub expired: u64,
}

/// Who flushes and compacts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Background {
    /// The thread that carries out the operations, between them, when a seed says so: all of the run is a function of the seed.
    Seeded,
    /// Threads, meanwhile: the answers must be the same, and nothing else is.
    Threads,
}

/// Carries out operations under some settings, a list as that of a [`Variant`](crate::model::Variant); the seed decides when background work happens.
///
/// # Errors
///
/// The operation that failed, with its number, and what was expected.
pub fn run(operations: &[Operation], settings: &[Settings], seed: u64) -> Result<Answers, String> {
    run_with(operations, settings, seed, Background::Seeded)
}

/// As [`run`], and says who does the background work.
///
/// # Errors
///
/// The operation that failed, with its number, and what was expected.
pub fn run_with(
    operations: &[Operation],
    settings: &[Settings],
    seed: u64,
    background: Background,
) -> Result<Answers, String> {
    let mut at = 0;
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let mut run = Run::new(settings, seed, background)?;
        for operation in operations {
            run.carry_out(operation).map_err(|what| format!("{operation:?}: {what}"))?;
            at += 1;
        }
        run.close().map_err(|what| format!("the last close: {what}"))?;
        Ok(run.answers)
    }));
    match outcome {
        Ok(answers) => answers.map_err(|what: String| format!("operation {at}, {what}")),
        Err(_) => Err(format!("operation {at}, {:?}, panicked", operations.get(at))),
    }
}

struct Run<'a> {
    settings: &'a [Settings],
    seed: u64,
    background: Background,
    opens: u64,
    fs: MemFs,
    clock: Arc<TestClock>,
    // `None` only while it is replaced.
    db: Option<Db>,
    handles: [Option<Keyspace>; KEYSPACES],
    now: Reference,
    snapshots: Vec<Moment>,
    scans: Vec<(Range, VecDeque<Pair>)>,
    answers: Answers,
}

/// A snapshot, and what it should say for ever.
struct Moment {
    snapshot: Snapshot,
    handles: [Option<Keyspace>; KEYSPACES],
    expected: Reference,
}

type Checked = Result<(), String>;

fn said(error: impl Display) -> String {
    format!("an error: {error}")
}

fn same<T: PartialEq + Debug>(what: &str, found: &T, expected: &T) -> Checked {
    if found == expected { Ok(()) } else { Err(format!("{what} is {found:?}, not {expected:?}")) }
}

/// Like `same`, for what is too long to be told as a whole.
fn same_list<T: PartialEq + Debug>(what: &str, found: &[T], expected: &[T]) -> Checked {
    if found == expected {
        return Ok(());
    }
    let at = found.iter().zip(expected).take_while(|(found, expected)| found == expected).count();
    Err(format!(
        "{what} has {} entries, not {}; number {at} is {:?}, not {:?}",
        found.len(),
        expected.len(),
        found.get(at),
        expected.get(at),
    ))
}

fn pair((key, value): (Slice, Slice)) -> Pair {
    (key.to_vec(), value.to_vec())
}

fn take_from(range: &mut Range, ends: Ends) -> Result<Vec<Option<Pair>>, String> {
    let mut taken = Vec::new();
    for turn in 0..ends.count {
        let next = if ends.is_back(turn) { range.next_back() } else { range.next() };
        let is_end = next.is_none();
        taken.push(next.transpose().map_err(said)?.map(pair));
        if is_end {
            break;
        }
    }
    Ok(taken)
}

impl<'a> Run<'a> {
    fn new(settings: &'a [Settings], seed: u64, background: Background) -> Result<Run<'a>, String> {
        let now = Reference::default();
        let mut run = Run {
            settings,
            seed,
            background,
            opens: 0,
            fs: MemFs::new(),
            clock: Arc::new(TestClock::new(now.now_unix_ms)),
            db: None,
            handles: [const { None }; KEYSPACES],
            now,
            snapshots: Vec::new(),
            scans: Vec::new(),
            answers: Answers::default(),
        };
        run.open()?;
        Ok(run)
    }

    fn db(&self) -> Result<&Db, String> {
        self.db.as_ref().ok_or_else(|| "the database is not open".to_owned())
    }

    fn carry_out(&mut self, operation: &Operation) -> Checked {
        match operation {
            Operation::Write { entries, is_synced } => self.write(entries, *is_synced),
            Operation::Get { view, keyspace, key } => self.get(*view, *keyspace, key),
            Operation::Scan { view, keyspace, keys, ends } => self.scan(*view, *keyspace, keys, *ends),
            Operation::BeginScan { keyspace, keys } => {
                self.begin_scan(*keyspace, keys);
                Ok(())
            }
            Operation::GoOn { scan, ends } => self.go_on(*scan, *ends),
            Operation::Wait(ms) => {
                self.clock.advance(*ms);
                self.now.now_unix_ms += ms;
                Ok(())
            }
            Operation::TakeSnapshot => self.take_snapshot(),
            Operation::EndSnapshot(number) => self.end_snapshot(*number),
            Operation::Flush => {
                self.db()?.flush().map_err(said)?;
                self.stats().map(|_| ())
            }
            Operation::Compact => {
                // Before everything becomes one run.
                self.stats()?;
                self.db()?.compact().map_err(said)?;
                self.check_all()
            }
            Operation::Close => {
                self.close()?;
                self.open()?;
                same("was_closed", &self.db()?.recovery().was_closed, &true)
            }
            Operation::Kill => self.kill(),
            Operation::Create(keyspace) => self.create(*keyspace),
            Operation::Drop(keyspace) => self.drop_keyspace(*keyspace),
        }
    }

    fn write(&mut self, entries: &[Write], is_synced: bool) -> Checked {
        let mut batch = WriteBatch::new();
        for Write { keyspace, key, value, expires } in entries {
            let Some(Some(handle)) = self.handles.get(*keyspace) else { continue };
            match (value, *expires) {
                (None, _) => batch.delete_in(handle, key),
                (Some(value), None) => batch.put_in(handle, key, value),
                (Some(value), Some(Expires::After(ttl_ms))) => {
                    batch.put_with_ttl_in(handle, key, value, Duration::from_millis(ttl_ms))
                }
                (Some(value), Some(Expires::At(ttl_ms))) => {
                    batch.put_expiring_in(handle, key, value, self.now.now_unix_ms + ttl_ms)
                }
            };
            self.now.write(*keyspace, key, value.as_deref(), expires.map(Expires::ttl_ms));
        }
        let durability = if is_synced { Durability::Sync } else { Durability::Buffered };
        self.db()?.write_with(&mut batch, durability).map_err(said)?;
        same("the sequence number", &self.db()?.sequence().get(), &self.now.entries)
    }

    /// Looks at what is asked for through a view.
    fn read<T>(
        &self,
        view: View,
        keyspace: usize,
        of_now: impl FnOnce(&Keyspace) -> T,
        of_snapshot: impl FnOnce(&Snapshot, &Keyspace) -> T,
    ) -> Option<(T, &Reference)> {
        let of_now = |run: &'_ Self| Some(of_now(run.handles.get(keyspace)?.as_ref()?));
        match view {
            View::Snapshot(number) if !self.snapshots.is_empty() => {
                let moment = self.snapshots.get(number % self.snapshots.len())?;
                let handle = moment.handles.get(keyspace)?.as_ref()?;
                Some((of_snapshot(&moment.snapshot, handle), &moment.expected))
            }
            View::Now | View::Snapshot(_) => Some((of_now(self)?, &self.now)),
        }
    }

    fn get(&mut self, view: View, keyspace: usize, key: &[u8]) -> Checked {
        let of_snapshot = |snapshot: &Snapshot, handle: &Keyspace| snapshot.get_in(handle, key);
        let Some((found, expected)) = self.read(view, keyspace, |handle| handle.get(key), of_snapshot) else {
            return Ok(());
        };
        let found = found.map_err(said)?.map(|value| value.to_vec());
        same("the value", &found.as_ref(), &expected.get(keyspace, key))?;
        self.answers.expired += u64::from(expected.has_expired(keyspace, key));
        self.note(&found);
        Ok(())
    }

    fn scan(&mut self, view: View, keyspace: usize, keys: &Keys, ends: Ends) -> Checked {
        let of_snapshot = |snapshot: &Snapshot, handle: &Keyspace| match keys {
            Keys::Between(start, end) => snapshot.range_in(handle, (start.clone(), end.clone())),
            // Snapshots have a prefix for the default keyspace only.
            Keys::Prefix(prefix) if keyspace == 0 => snapshot.prefix(prefix),
            Keys::Prefix(_) => snapshot.range_in(handle, ..),
        };
        let is_snapshot = matches!(view, View::Snapshot(_)) && !self.snapshots.is_empty();
        let everything = Keys::Prefix(Vec::new());
        let expected_keys = match keys {
            Keys::Prefix(_) if is_snapshot && keyspace != 0 => &everything,
            _ => keys,
        };
        let of_now = |handle: &Keyspace| range_of(handle, keys);
        let Some((mut range, expected)) = self.read(view, keyspace, of_now, of_snapshot) else {
            return Ok(());
        };
        let mut expected = expected.select(keyspace, expected_keys);
        let found = take_from(&mut range, ends)?;
        same_list("the range", &found, &take(&mut expected, ends))?;
        self.note(&found);
        Ok(())
    }

    fn begin_scan(&mut self, keyspace: usize, keys: &Keys) {
        let Some(Some(handle)) = self.handles.get(keyspace) else { return };
        if self.scans.len() >= LIVE_MAX {
            drop(self.scans.swap_remove(0));
        }
        let expected = self.now.select(keyspace, keys);
        self.scans.push((range_of(handle, keys), expected));
    }

    fn go_on(&mut self, number: usize, ends: Ends) -> Checked {
        if self.scans.is_empty() {
            return Ok(());
        }
        let at = number % self.scans.len();
        let Some((range, expected)) = self.scans.get_mut(at) else { return Ok(()) };
        let found = take_from(range, ends)?;
        same_list("the rest of a range", &found, &take(expected, ends))?;
        if found.last().is_some_and(Option::is_none) {
            // Ended is ended, at both ends.
            same(
                "what comes behind the end",
                &(range.next().is_none(), range.next_back().is_none()),
                &(true, true),
            )?;
            drop(self.scans.swap_remove(at));
        }
        self.note(&found);
        Ok(())
    }

    fn take_snapshot(&mut self) -> Checked {
        if self.snapshots.len() >= LIVE_MAX {
            self.end_snapshot(0)?;
        }
        let snapshot = self.db()?.snapshot();
        same("the sequence number of a snapshot", &snapshot.sequence().get(), &self.now.entries)?;
        self.snapshots.push(Moment { snapshot, handles: self.handles.clone(), expected: self.now.clone() });
        Ok(())
    }

    fn end_snapshot(&mut self, number: usize) -> Checked {
        if self.snapshots.is_empty() {
            return Ok(());
        }
        self.snapshots.remove(number % self.snapshots.len()).check()
    }

    fn create(&mut self, keyspace: usize) -> Checked {
        let Some((slot, name)) = self.handles.get_mut(keyspace).zip(NAMES.get(keyspace)) else {
            return Ok(());
        };
        let db = self.db.as_ref().ok_or("the database is not open")?;
        *slot = Some(db.keyspace(name).map_err(said)?);
        self.now.create(keyspace);
        Ok(())
    }

    fn drop_keyspace(&mut self, keyspace: usize) -> Checked {
        let Some((slot, name)) = self.handles.get_mut(keyspace).zip(NAMES.get(keyspace)) else {
            return Ok(());
        };
        let db = self.db.as_ref().ok_or("the database is not open")?;
        let dropped = db.drop_keyspace(name);
        if !self.now.drop_keyspace(keyspace) {
            let is_refused = matches!(dropped, Err(Error::NotFound { .. }));
            return same("whether the drop of what is not there is refused", &is_refused, &true);
        }
        dropped.map_err(said)?;
        let Some(handle) = slot.take() else { return Ok(()) };
        let refused = [
            handle.get("a").map(|_| ()),
            handle.put("a", "v"),
            handle.range(..).try_for_each(|item| item.map(|_| ())),
        ];
        let are_refused = refused.iter().all(|outcome| matches!(outcome, Err(Error::NotFound { .. })));
        same("whether a dropped keyspace refuses", &are_refused, &true)
    }

    /// The statistics, and a look at how deep the tree is.
    fn stats(&mut self) -> Result<Stats, String> {
        let stats = self.db()?.stats().map_err(said)?;
        let levels = stats.levels.values().filter(|level| level.tables > 0).count();
        self.answers.levels = self.answers.levels.max(levels);
        Ok(stats)
    }

    fn close(&mut self) -> Checked {
        let writes = self.stats()?.writes;
        self.answers.flushes += writes.flushes;
        self.answers.compactions += writes.compactions;
        self.answers.moves += writes.moves;
        self.db()?.close().map_err(said)?;
        self.let_go()?;
        self.answers.fs_operations = self.fs.op_count();
        Ok(())
    }

    fn kill(&mut self) -> Checked {
        let left = self.fs.clone_now();
        // What the old process still does, it does to the old files.
        self.close()?;
        self.fs = left;
        self.open()
    }

    /// Whatever lives goes on in a closed database: it is read, and ends.
    fn let_go(&mut self) -> Checked {
        let ends = Ends { from_back: self.seed, count: usize::MAX };
        for (mut range, mut expected) in mem::take(&mut self.scans) {
            same_list(
                "a range of a closed database",
                &take_from(&mut range, ends)?,
                &take(&mut expected, ends),
            )?;
        }
        mem::take(&mut self.snapshots).iter().try_for_each(Moment::check)?;
        self.handles = [const { None }; KEYSPACES];
        self.db = None;
        Ok(())
    }

    fn open(&mut self) -> Checked {
        let turn = usize::try_from(self.opens).unwrap_or(0) % self.settings.len().max(1);
        let settings = self.settings.get(turn).ok_or("there are no settings")?;
        self.opens += 1;
        let seed = self.seed ^ self.opens;
        let fs: Arc<dyn Fs> = Arc::new(self.fs.clone());
        let executor: Arc<dyn Executor> = match self.background {
            Background::Seeded => Arc::new(Inline::new(seed)),
            Background::Threads => Arc::new(Threads::new(2)),
        };
        let db = Db::builder(Path::new(DIR))
            .fs(fs)
            .clock(Arc::clone(&self.clock) as Arc<dyn Clock>)
            .executor(executor)
            .seed(seed)
            .settings(settings.clone())
            .open()
            .map_err(said)?;
        let names: Vec<_> = (0..KEYSPACES).filter(|at| self.now.has(*at)).map(|at| NAMES[at]).collect();
        same(
            "the list of keyspaces",
            &db.keyspaces().map_err(said)?,
            &names.iter().map(ToString::to_string).collect(),
        )?;
        same("the sequence number", &db.sequence().get(), &self.now.entries)?;
        for (at, name) in NAMES.iter().enumerate() {
            let exists = self.now.has(at);
            self.handles[at] = if exists { Some(db.keyspace(name).map_err(said)?) } else { None };
        }
        self.db = Some(db);
        self.check_all()
    }

    /// Compares everything there is now.
    fn check_all(&self) -> Checked {
        let db = self.db()?;
        let moment =
            Moment { snapshot: db.snapshot(), handles: self.handles.clone(), expected: self.now.clone() };
        moment.check()
    }

    fn note(&mut self, answer: &impl Debug) {
        self.answers.crc = crc32c::crc32c_append(self.answers.crc, format!("{answer:?}").as_bytes());
    }
}

impl Moment {
    fn check(&self) -> Checked {
        for (at, handle) in self.handles.iter().enumerate() {
            let Some(handle) = handle.as_ref().filter(|_| self.expected.has(at)) else { continue };
            let range = self.snapshot.range_in(handle, ..);
            let found: Result<Vec<_>, _> = range.map(|entry| entry.map(pair)).collect();
            let expected = self.expected.select(at, &Keys::Prefix(Vec::new()));
            same_list(&format!("keyspace {at} of a snapshot"), &found.map_err(said)?, &Vec::from(expected))?;
        }
        Ok(())
    }
}

fn range_of(handle: &Keyspace, keys: &Keys) -> Range {
    match keys {
        Keys::Between(start, end) => handle.range((start.clone(), end.clone())),
        Keys::Prefix(prefix) => handle.prefix(prefix),
    }
}
