//! Carries out a plan, takes the power at its file operations, and recovers what is left.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use siltstone::{Db, Durability, Keyspace, Receipt, Snapshot, WriteBatch};
use siltstone_vfs::{Fs, MemFs, WrapFs};

use crate::crash::{
    layer::{Counts, CutLayer, Cuts},
    open::{self, Opener},
    oracle::{Contents, Incarnation, Oracle, Written, difference},
    plan::{self, Change, Operation, Plan},
    recover::{self, Recovered},
    swallow::{Plant, Swallow},
};

/// How a plan is carried out.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The power goes before one in so many operations that change the disk; 1 for each, 0 for none.
    pub cut_one_in: usize,
    /// What the file system is told to forget: a bug that must be found.
    pub plant: Option<Plant>,
}

/// What a run did.
#[derive(Clone, Copy, Default, Debug)]
pub struct Report {
    /// What was done to the disk.
    pub counts: Counts,
    /// Flushes in the background.
    pub flushes: u64,
    /// Compactions in the background.
    pub compactions: u64,
    /// Outages, and what was recovered from them.
    pub recovered: Recovered,
}

/// A promise that was broken.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Index of the operation of the plan.
    pub operation: usize,
    /// What was found, and when.
    pub what: String,
}

/// Runs a plan to its end, or to the first promise that is broken.
///
/// # Errors
///
/// The promise.
pub fn run(plan: &Plan, options: Options) -> Result<Report, Failure> {
    let disk = MemFs::new();
    let (layer, cuts) = CutLayer::new(disk.clone(), plan.seed, options.cut_one_in);
    let below: Arc<dyn Fs> = match options.plant {
        None => Arc::new(disk),
        Some(plant) => Arc::new(Swallow::new(disk, plant)),
    };
    let jobs: Arc<[AtomicU64; 3]> = Arc::default();
    let opener = Opener::new(plan, Arc::new(WrapFs::with_layer(below, layer)), Arc::clone(&jobs));
    let at = |operation: usize| move |what: String| Failure { operation, what };
    let oracle = Oracle::of(&BTreeMap::from([("default".to_owned(), Arc::default())]));
    let mut recovered = Recovered::default();
    // Before the first open has returned there may be no database: that is no plan's business.
    let db = opener.open().map_err(at(0))?;
    let mut run = Run {
        plan,
        opener,
        db,
        cuts,
        oracle,
        live: BTreeMap::new(),
        snapshots: Vec::new(),
        receipts: Vec::new(),
        stamp: 0,
    };
    for (index, operation) in plan.operations.iter().enumerate() {
        let outcome = run.perform(operation);
        recover::check_all(plan, &run.oracle, run.cuts.take(), &mut recovered).map_err(at(index))?;
        outcome.map_err(|what| at(index)(format!("{operation:?}: {what}")))?;
        run.acknowledge(operation);
    }
    let end = plan.operations.len();
    run.close().map_err(at(end))?;
    recover::check_all(plan, &run.oracle, run.cuts.take(), &mut recovered).map_err(at(end))?;
    let [flushes, compactions, _] = jobs.each_ref().map(|count| count.load(Ordering::Relaxed));
    Ok(Report { counts: run.cuts.counts(), flushes, compactions, recovered })
}

/// A snapshot, and what it should hold.
struct Held {
    snapshot: Snapshot,
    expected: Vec<(Keyspace, Arc<Contents>)>,
}

struct Run<'a> {
    plan: &'a Plan,
    opener: Opener,
    db: Db,
    cuts: Cuts,
    oracle: Oracle,
    /// Handles of the keyspaces that exist, by name.
    live: BTreeMap<String, (Keyspace, Incarnation)>,
    snapshots: Vec<Held>,
    /// Of buffered writes, with the number of batches they cover.
    receipts: Vec<(Receipt, usize)>,
    stamp: u64,
}

#[expect(clippy::needless_pass_by_value, reason = "what map_err hands over")]
fn told(error: siltstone::Error) -> String {
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}

fn name(place: usize) -> String {
    if place == 0 { "default".to_owned() } else { format!("space-{place}") }
}

impl Run<'_> {
    fn perform(&mut self, operation: &Operation) -> Result<(), String> {
        match operation {
            Operation::Write { changes, is_sync } => self.write(changes, *is_sync),
            Operation::WaitDurable => {
                self.receipts.first().map_or(Ok(()), |(receipt, _)| receipt.wait_durable()).map_err(told)
            }
            Operation::Sync => self.db.sync().map_err(told),
            Operation::Flush => self.db.flush().map_err(told),
            Operation::Compact => self.db.compact().map(|_| ()).map_err(told),
            Operation::Reopen => self.reopen(),
            Operation::Create(place) => self.create(&name(*place)),
            Operation::Drop(place) => self.drop_keyspace(&name(*place)),
            Operation::Snapshot => self.snapshot(),
            Operation::Release => self.release(),
            Operation::Compare => self.compare(),
        }
    }

    /// What an operation that returned has promised.
    fn acknowledge(&mut self, operation: &Operation) {
        self.oracle.acknowledge();
        let all = self.oracle.batches();
        match operation {
            Operation::Write { is_sync: true, changes } if self.resolves(changes) => {
                self.oracle.make_durable(all);
            }
            Operation::Sync | Operation::Flush | Operation::Compact | Operation::Reopen => {
                self.oracle.make_durable(all);
            }
            Operation::WaitDurable if !self.receipts.is_empty() => {
                let (_, covered) = self.receipts.remove(0);
                self.oracle.make_durable(covered);
            }
            _ => {}
        }
    }

    /// Whether anything of a batch is written at all: an empty one is not, and promises nothing.
    fn resolves(&self, changes: &[Change]) -> bool {
        changes.iter().any(|change| self.keyspace(change.keyspace).is_some())
    }

    fn keyspace(&self, place: usize) -> Option<(Option<&Keyspace>, Incarnation)> {
        let name = name(place);
        if place == 0 {
            return self.oracle.catalogue().get(&name).map(|incarnation| (None, *incarnation));
        }
        self.live.get(&name).map(|(keyspace, incarnation)| (Some(keyspace), *incarnation))
    }

    fn write(&mut self, changes: &[Change], is_sync: bool) -> Result<(), String> {
        let (mut batch, mut written) = (WriteBatch::new(), Vec::new());
        for change in changes {
            self.stamp += 1;
            let Some((handle, keyspace)) = self.keyspace(change.keyspace) else { continue };
            let key = plan::key(change.key);
            let value = change.value_bytes.map(|bytes| plan::value(self.stamp, bytes));
            match (handle, &value) {
                (None, Some(value)) => batch.put(&key, value),
                (None, None) => batch.delete(&key),
                (Some(handle), Some(value)) => batch.put_in(handle, &key, value),
                (Some(handle), None) => batch.delete_in(handle, &key),
            };
            written.push(Written { keyspace, key, value });
        }
        if written.is_empty() {
            return Ok(());
        }
        self.oracle.begin_write(&written);
        let durability = if is_sync { Durability::Sync } else { Durability::Buffered };
        let receipt = self.db.write_with(&mut batch, durability).map_err(told)?;
        if !is_sync && self.receipts.len() < 4 {
            self.receipts.push((receipt, self.oracle.batches()));
        }
        Ok(())
    }

    fn create(&mut self, name: &str) -> Result<(), String> {
        if self.live.contains_key(name) {
            return Ok(());
        }
        self.oracle.begin_create(name);
        let keyspace = self.db.keyspace(name).map_err(told)?;
        if let Some(incarnation) = self.oracle.catalogue().get(name) {
            self.live.insert(name.to_owned(), (keyspace, *incarnation));
        }
        Ok(())
    }

    fn drop_keyspace(&mut self, name: &str) -> Result<(), String> {
        if self.live.remove(name).is_none() {
            return Ok(());
        }
        self.oracle.begin_drop(name);
        self.db.drop_keyspace(name).map_err(told)
    }

    fn snapshot(&mut self) -> Result<(), String> {
        let now = self.oracle.now();
        let mut expected = Vec::new();
        for (name, contents) in now {
            let handle = match self.live.get(&name) {
                Some((handle, _)) => handle.clone(),
                None => self.db.keyspace(&name).map_err(told)?,
            };
            expected.push((handle, contents));
        }
        self.snapshots.push(Held { snapshot: self.db.snapshot(), expected });
        Ok(())
    }

    fn release(&mut self) -> Result<(), String> {
        if self.snapshots.is_empty() {
            return Ok(());
        }
        let held = self.snapshots.remove(0);
        for (keyspace, expected) in &held.expected {
            let found = open::contents(held.snapshot.range_in(keyspace, ..)).map_err(told)?;
            for key in (0..plan::KEYS).map(plan::key) {
                let got = held.snapshot.get_in(keyspace, &key).map_err(told)?.map(|value| value.to_vec());
                if got.as_ref() != found.get(&key) {
                    return Err(format!("snapshot of {}: get and range differ at {key:?}", keyspace.name()));
                }
            }
            if found != **expected {
                let state = |contents| BTreeMap::from([(keyspace.name().to_owned(), contents)]);
                let what = difference(&state(Arc::clone(expected)), &state(Arc::new(found)));
                return Err(format!("a snapshot at {} changed:{what}", held.snapshot.sequence()));
            }
        }
        Ok(())
    }

    fn compare(&self) -> Result<(), String> {
        let (expected, found) = (self.oracle.now(), open::state(&self.db)?);
        if expected == found { Ok(()) } else { Err(difference(&expected, &found)) }
    }

    fn reopen(&mut self) -> Result<(), String> {
        self.close()?;
        self.live.clear();
        self.db = self.opener.open()?;
        for (name, incarnation) in self.oracle.catalogue() {
            if name != "default" {
                let keyspace = self.db.keyspace(&name).map_err(told)?;
                self.live.insert(name, (keyspace, incarnation));
            }
        }
        self.compare()
    }

    fn close(&mut self) -> Result<(), String> {
        self.compare()?;
        while !self.snapshots.is_empty() {
            self.release()?;
        }
        self.receipts.clear();
        self.db.close().map_err(|error| format!("close (seed {}): {}", self.plan.seed, told(error)))
    }
}
