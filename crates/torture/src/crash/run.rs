//! Carries out a plan, takes the power at its file operations, and recovers what is left.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use siltstone::{Db, Durability, Keyspace, Receipt, Snapshot, WriteBatch, planted::Bug};
use siltstone_testkit::Rng;
use siltstone_vfs::{Fs, MemFs, WrapFs};

use crate::crash::{
    content::{Content, Report},
    layer::{Choice, CutLayer, Cuts},
    open::{self, Opener},
    oracle::{Contents, Incarnation, Oracle, Written, difference},
    plan::{self, Change, Operation, Plan},
    recover::{self, Recovered},
    swallow::{Plant, Swallow},
};

/// How a plan is carried out.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// When the power goes.
    pub cut_at: CutAt,
    /// What the file system is told to forget: a bug that must be found.
    pub plant: Option<Plant>,
    /// The bug of the engine: one that must be found, too.
    pub bug: Option<Bug>,
    /// How much the plan must do to be taken for a run.
    pub amount: Amount,
}

/// Before which of the operations that change the disk the power goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CutAt {
    /// None.
    Never,
    /// Each.
    Every,
    /// One in so many on average, drawn by the seed.
    OneIn(usize),
    /// Exactly so many, drawn by the seed from all there are: the plan is carried out twice, the first time to count them.
    Sample(usize),
}

/// What a run that found nothing has to have done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Amount {
    /// Whatever the plan says.
    Any,
    /// All that [`Report::lacks`] asks for, with exactly the outages that were asked for: anything less is a failure.
    Full,
}

/// A promise that was broken.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Index of the operation of the plan.
    pub operation: usize,
    /// What was found, and when.
    pub what: String,
}

/// Operations of the first plan that is tried for a full run, and by how many more each next one is longer.
const OPERATIONS_MIN: usize = 800;
const OPERATIONS_STEP: usize = 400;
/// A seed that has not done enough with so many will not.
const OPERATIONS_MAX: usize = 20_000;

/// The shortest plan of a seed that does all that a full run has to do, as far as can be told without outages: one that fails does not
/// become longer.
pub fn full_plan(seed: u64) -> Plan {
    let mut operations = OPERATIONS_MIN;
    let options = Options { cut_at: CutAt::Never, plant: None, bug: None, amount: Amount::Any };
    loop {
        let plan = Plan::new(seed, operations);
        match run(&plan, options) {
            Ok(report) if !report.lacks().is_empty() && operations < OPERATIONS_MAX => {
                operations += OPERATIONS_STEP;
            }
            _ => return plan,
        }
    }
}

/// Runs a plan to its end, or to the first promise that is broken.
///
/// # Errors
///
/// The promise.
pub fn run(plan: &Plan, options: Options) -> Result<Report, Failure> {
    let choice = match options.cut_at {
        CutAt::Never => Choice::Never,
        CutAt::Every => Choice::Every,
        CutAt::OneIn(one_in) => Choice::OneIn(one_in),
        CutAt::Sample(count) => {
            let counted = carry_out(plan, options, Choice::Never)?.counts.changes;
            Choice::At(sample(plan.seed, counted, count))
        }
    };
    let report = carry_out(plan, options, choice)?;
    let told = |what: String| Failure { operation: plan.operations.len(), what };
    match options.amount {
        Amount::Any => Ok(report),
        Amount::Full => is_full(&report, options.cut_at).map(|()| report).map_err(told),
    }
}

fn is_full(report: &Report, cut_at: CutAt) -> Result<(), String> {
    let lacks = report.lacks();
    if !lacks.is_empty() {
        return Err(format!("the run has done too little: {lacks}"));
    }
    let Recovered { outages, interrupted, .. } = report.recovered;
    let wanted = match cut_at {
        CutAt::Never => 0,
        CutAt::Every => report.counts.changes,
        CutAt::OneIn(_) => outages,
        CutAt::Sample(count) => count as u64,
    };
    if outages != wanted || interrupted != outages / recover::NESTED_ONE_IN {
        return Err(format!(
            "{outages} outages, not {wanted}; {interrupted} of their recoveries interrupted"
        ));
    }
    Ok(())
}

/// So many different numbers from 1 to `last`, each set of them as likely (Floyd, in Bentley, "Programming pearls: a sample of brilliance",
/// 1987); all of them when there are fewer.
fn sample(seed: u64, last: u64, count: usize) -> BTreeSet<u64> {
    let mut rng = Rng::new(seed ^ 0x5a_3b1e);
    let mut chosen = BTreeSet::new();
    for top in last.saturating_sub(count as u64)..last {
        let drawn = 1 + rng.below(top + 1);
        if !chosen.insert(drawn) {
            chosen.insert(top + 1);
        }
    }
    chosen
}

fn carry_out(plan: &Plan, options: Options, choice: Choice) -> Result<Report, Failure> {
    let disk = MemFs::new();
    let (layer, cuts) = CutLayer::new(disk.clone(), plan.seed, choice);
    let below: Arc<dyn Fs> = match options.plant {
        None => Arc::new(disk.clone()),
        Some(plant) => Arc::new(Swallow::new(disk.clone(), plant)),
    };
    let jobs: Arc<[AtomicU64; 3]> = Arc::default();
    let layered = Arc::new(WrapFs::with_layer(below, layer));
    let opener = Opener::new(plan, options, layered, Arc::clone(&jobs));
    let at = |operation: usize| move |what: String| Failure { operation, what };
    let oracle = Oracle::of(&BTreeMap::from([("default".to_owned(), Arc::default())]));
    let mut recovered = Recovered::default();
    // Before the first open has returned there may be no database: that is no plan's business.
    let db = opener.open().map_err(at(0))?;
    cuts.opened();
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
        content: Content {
            moves_wanted: if Plan::is_leveled(plan.seed) { 2 } else { 0 },
            ..Content::default()
        },
        written: BTreeSet::new(),
    };
    let check_all = |run: &Run<'_>, recovered: &mut Recovered| {
        recover::check_all((plan, options), &run.oracle, run.cuts.take(), recovered)
    };
    for (index, operation) in plan.operations.iter().enumerate() {
        let outcome = run.perform(operation);
        check_all(&run, &mut recovered).map_err(at(index))?;
        outcome.map_err(|what| at(index)(format!("{operation:?}: {what}")))?;
        run.acknowledge(operation);
    }
    let end = plan.operations.len();
    run.close().map_err(at(end))?;
    check_all(&run, &mut recovered).map_err(at(end))?;
    let left = recover::recover((plan, options), &disk.power_cut_worst(), plan.seed).map_err(at(end))?;
    if left != run.oracle.now() {
        return Err(at(end)(format!("lost after the last close:{}", difference(&run.oracle.now(), &left))));
    }
    let [flushes, compactions, _] = jobs.each_ref().map(|count| count.load(Ordering::Relaxed));
    let keyspaces = run.written.len() as u64;
    let content = Content { background_jobs: [flushes, compactions], keyspaces, ..run.content };
    Ok(Report { counts: run.cuts.counts(), content, recovered })
}

/// Snapshots that live at a time.
const SNAPSHOTS_MAX: usize = 6;

/// A snapshot, and what it should hold.
struct Held {
    snapshot: Snapshot,
    expected: Vec<(Keyspace, Arc<Contents>)>,
    /// Flushes and compactions so far when it was taken.
    taken_at: [u64; 2],
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
    /// What was done, except for what this database has counted since it was opened.
    content: Content,
    /// Keyspaces that were written to.
    written: BTreeSet<Incarnation>,
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
            Operation::Look(number) => self.look(*number),
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
            let expires_at = change.expires_at_unix_ms();
            match (handle, &value, expires_at) {
                (None, Some(value), None) => batch.put(&key, value),
                (None, Some(value), Some(expires_at)) => batch.put_expiring(&key, value, expires_at),
                (None, None, _) => batch.delete(&key),
                (Some(handle), Some(value), None) => batch.put_in(handle, &key, value),
                (Some(handle), Some(value), Some(expires_at)) => {
                    batch.put_expiring_in(handle, &key, value, expires_at)
                }
                (Some(handle), None, _) => batch.delete_in(handle, &key),
            };
            let has_expired = expires_at.is_some_and(|expires_at| expires_at <= plan::NOW_UNIX_MS);
            self.content.expired += u64::from(has_expired);
            self.content.expiring += u64::from(expires_at.is_some() && !has_expired);
            written.push(Written { keyspace, key, value: value.filter(|_| !has_expired) });
        }
        if written.is_empty() {
            return Ok(());
        }
        self.count_batch(&written, is_sync);
        self.oracle.begin_write(&written);
        let durability = if is_sync { Durability::Sync } else { Durability::Buffered };
        let receipt = self.db.write_with(&mut batch, durability).map_err(told)?;
        if !is_sync && self.receipts.len() < 4 {
            self.receipts.push((receipt, self.oracle.batches()));
        }
        Ok(())
    }

    fn count_batch(&mut self, written: &[Written], is_sync: bool) {
        self.content.batches += 1;
        self.content.buffered += u64::from(!is_sync);
        let values = written.iter().filter_map(|written| written.value.as_ref());
        let longest = values.map(|value| value.len() as u64).max().unwrap_or(0);
        self.content.value_bytes_max = self.content.value_bytes_max.max(longest);
        self.written.extend(written.iter().map(|written| written.keyspace));
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
        if self.snapshots.len() >= SNAPSHOTS_MAX {
            self.release()?;
        }
        let taken_at = self.tables_made()?;
        self.snapshots.push(Held { snapshot: self.db.snapshot(), expected, taken_at });
        Ok(())
    }

    /// Flushes and compactions so far.
    fn tables_made(&self) -> Result<[u64; 2], String> {
        let writes = self.db.stats().map_err(told)?.writes;
        Ok([self.content.flushes + writes.flushes, self.content.compactions + writes.compactions])
    }

    fn release(&mut self) -> Result<(), String> {
        if self.snapshots.is_empty() {
            return Ok(());
        }
        let held = self.snapshots.remove(0);
        self.check_snapshot(&held)
    }

    fn look(&mut self, number: usize) -> Result<(), String> {
        if self.snapshots.is_empty() {
            return Ok(());
        }
        let held = self.snapshots.remove(number % self.snapshots.len());
        self.check_snapshot(&held)?;
        self.snapshots.push(held);
        Ok(())
    }

    fn check_snapshot(&mut self, held: &Held) -> Result<(), String> {
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
        let now = self.tables_made()?;
        let is_old = now.iter().zip(held.taken_at).all(|(now, taken_at)| *now > taken_at);
        self.content.old_snapshots_compared += u64::from(is_old);
        Ok(())
    }

    fn compare(&self) -> Result<(), String> {
        let (expected, found) = (self.oracle.now(), open::state(&self.db)?);
        if expected == found { Ok(()) } else { Err(difference(&expected, &found)) }
    }

    fn reopen(&mut self) -> Result<(), String> {
        self.close()?;
        self.live.clear();
        self.cuts.closed();
        self.db = self.opener.open()?;
        self.cuts.opened();
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
        [self.content.flushes, self.content.compactions] = self.tables_made()?;
        self.content.moves += self.db.stats().map_err(told)?.writes.moves;
        self.db.close().map_err(|error| format!("close (seed {}): {}", self.plan.seed, told(error)))
    }
}
