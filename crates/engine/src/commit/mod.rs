//! Commits writes in four stages: append, apply, sync, publish. The rules stand in `docs/traits/commit.md`.
//!
//! Writers queue up. The first one leads: it takes what has queued meanwhile as its group, appends the group to the log with one call, and hands the lead to the next in
//! the queue, whose group is appended while this one is synced. Then it syncs (or finds that another sync has covered it), applies the group
//! to the memtables, and publishes it, which wakes the others.
//!
//! Locks are taken in this order: log, queue, next log, ledger, version. None is held during a sync.

pub(crate) mod interval;
pub(crate) mod log_set;
pub(crate) mod pending;
pub(crate) mod publisher;
pub(crate) mod sync_stage;

use std::collections::VecDeque;

use siltstone_types::{Entry, InternalKey, SequenceNumber};
use siltstone_wal::LogWriter;

use crate::{
    Durability, Error, Result, WriteBatch,
    background::catch_panic,
    batch::format::Batch,
    commit::{
        interval::IntervalSync,
        log_set::LogSet,
        pending::{Pending, Told},
        publisher::{Placed, Unit},
        sync_stage::SyncStage,
    },
    db::Inner,
    manifest::state::LogPosition,
    memory::cost_of_batch,
    planted::Bug,
    sync::{Arc, Mutex},
    version::Version,
};

/// A group is not extended beyond this many bytes of payload.
const GROUP_BYTES_MAX: usize = 1 << 20;

/// The write side of a database.
#[derive(Debug)]
pub(crate) struct Commit {
    queue: Mutex<Queue>,
    pub(crate) log: Mutex<LogSet>,
    /// The log that comes next: known to the manifest, synced, and empty. Locked while one is prepared, so that no other gets a higher number and is
    /// used first: recovery takes an empty log before one with promises for damage.
    pub(crate) next_log: Mutex<Option<LogWriter>>,
    pub(crate) sync: SyncStage,
    pub(crate) interval: IntervalSync,
}

#[derive(Default, Debug)]
struct Queue {
    waiting: VecDeque<Arc<Pending>>,
    has_leader: bool,
}

/// What became of the group under the log's lock.
struct Appended {
    /// The version whose memtables the group goes to.
    version: Arc<Version>,
    /// Those that are only handed to the operating system, and those that are synced.
    units: [Option<Arc<Unit>>; 2],
}

impl Commit {
    pub(crate) fn new(log: LogSet) -> Commit {
        let sync = SyncStage::new(&log.writer);
        let (queue, next_log, interval) = (Mutex::default(), Mutex::default(), IntervalSync::default());
        Commit { queue, log: Mutex::new(log), next_log, sync, interval }
    }
}

impl Inner {
    pub(crate) fn write(&self, batch: &mut WriteBatch, durability: Durability) -> Result<LogPosition> {
        let commit = self.writable()?;
        batch.validate()?;
        if batch.is_empty() {
            return Ok(commit.sync.synced());
        }
        if let Some(mut stamped) = self.stamped(batch)? {
            let end = self.write_as_it_is(commit, &mut stamped, durability)?;
            // Until here, it is as it was.
            batch.clear();
            return Ok(end);
        }
        self.write_as_it_is(commit, batch, durability)
    }

    /// The batch with times of expiry in the place of times to live: those of its entries, and those of keyspaces. `None` when it has neither.
    fn stamped(&self, batch: &WriteBatch) -> Result<Option<WriteBatch>> {
        let version = self.versions.load();
        let ttl_ms = |id| version.keyspace(id).map_or(0, |keyspace| keyspace.profile.settings.ttl_ms);
        if !batch.has_ttl() && batch.keyspaces().iter().all(|id| ttl_ms(*id) == 0) {
            return Ok(None);
        }
        batch.stamped(self.shared.clock.now_unix_ms(), ttl_ms).map(Some)
    }

    fn write_as_it_is(
        &self,
        commit: &Commit,
        batch: &mut WriteBatch,
        durability: Durability,
    ) -> Result<LogPosition> {
        if batch.is_expiring() {
            self.allow_expiring()?;
        }
        let _admitted = self.wait_for_room(cost_of_batch(batch.bytes(), batch.len()))?;
        let pending = Pending::new(batch, durability);
        let outcome = self.commit(commit, &pending);
        // The bytes go back: to be filled again after success, and as they were after a failure.
        batch.give_back(Arc::try_unwrap(pending).map_or_else(
            |shared| (shared.payload.clone(), shared.keyspaces.clone()),
            |own| (own.payload, own.keyspaces),
        ));
        let end = outcome?;
        batch.clear();
        self.executor.step();
        Ok(end)
    }

    fn commit(&self, commit: &Commit, pending: &Arc<Pending>) -> Result<LogPosition> {
        let leads = {
            let mut queue = commit.queue.lock();
            queue.waiting.push_back(Arc::clone(pending));
            !std::mem::replace(&mut queue.has_leader, true)
        };
        if leads {
            self.lead(commit);
        }
        loop {
            match pending.wait()? {
                Told::Lead => self.lead(commit),
                Told::Published(end) => return Ok(end),
            }
        }
    }

    /// Takes a group through the stages. Whatever fails is told to the batches it concerns.
    fn lead(&self, commit: &Commit) {
        let appended = {
            let mut log = commit.log.lock();
            let group = take_group(&commit.queue);
            self.append_group(commit, &mut log, group)
        };
        hand_over(&commit.queue);
        let Some(appended) = appended else { return };
        let planted = &self.shared.planted;
        for unit in appended.units.iter().flatten() {
            let is_synced = unit.batches().next().is_some_and(|batch| batch.durability.waits_for_sync());
            if is_synced
                && let Err(error) = commit.sync.sync_to(unit.end, unit.placed.len(), &*self.shared.clock)
            {
                return self.stop_writing(&error);
            }
            if planted.is(Bug::PublishedBeforeApplied) {
                self.publisher.ready(unit);
            }
            planted.pause_if(Bug::PublishedBeforeApplied);
            planted.pause_if(Bug::LogNotedAfterApply);
            // A memtable may be the user's own. What it holds after a panic is not known, and the others of the group must not wait for ever.
            let applied =
                catch_panic(|| unit.placed.iter().try_for_each(|placed| apply(&appended.version, placed)));
            if let Err(error) = applied.and_then(|applied| applied) {
                return self.stop_writing(&error);
            }
            if planted.is(Bug::LogNotedAfterApply) {
                note_log(&appended.version, unit.batches(), unit.end.log);
            }
            self.publisher.ready(unit);
        }
        self.after_publish();
    }

    /// 1. Append, under the log's lock.
    fn append_group(&self, commit: &Commit, log: &mut LogSet, group: Vec<Arc<Pending>>) -> Option<Appended> {
        let prepared = self.writable().and_then(|_| self.rotate_if_due(commit, log));
        let version = self.version();
        let mut group: Vec<_> = match prepared {
            Err(error) => {
                group.iter().for_each(|batch| batch.fail(&error));
                return None;
            }
            Ok(()) => group.into_iter().filter(|batch| has_live_keyspaces(&version, batch)).collect(),
        };
        // A buffered batch need not wait for the sync of one that came together with it.
        group.sort_by_key(|batch| batch.durability.waits_for_sync());
        if group.is_empty() {
            return None;
        }
        let start = log.end();
        let (first, end) = match log.append(&group) {
            Ok(appended) => appended,
            Err(error) => {
                group.iter().for_each(|batch| batch.fail(&error));
                // Cut back, the log goes on. Given up, it is followed by another, with the next group. Only a failed sync is final.
                if let Err(lost) = log.writer.syncer().check() {
                    self.stop_writing(&lost.into());
                }
                return None;
            }
        };
        self.count_group(&group, end.offset - start.offset);
        if !self.shared.planted.is(Bug::LogNotedAfterApply) {
            note_log(&version, group.iter(), end.log);
        }
        if let Some(interval) = group.iter().filter_map(|batch| batch.durability.interval()).min() {
            self.sync_within(commit, interval);
        }
        let mut placed = place(group, first);
        // Each part without an allocation when it is all.
        let buffered_count = placed.partition_point(|placed| !placed.batch.durability.waits_for_sync());
        let synced =
            if buffered_count == 0 { std::mem::take(&mut placed) } else { placed.split_off(buffered_count) };
        let units = [placed, synced].map(|placed| {
            let last = placed.last()?;
            let last = last.first.checked_add(u64::from(last.batch.count) - 1).unwrap_or(SequenceNumber::MAX);
            let unit = Arc::new(Unit { placed, last, end });
            self.publisher.enqueue(Arc::clone(&unit));
            Some(unit)
        });
        Some(Appended { version, units })
    }

    fn count_group(&self, group: &[Arc<Pending>], bytes: u64) {
        self.metrics.batches.add(group.len() as u64);
        self.metrics.entries_written.add(group.iter().map(|batch| u64::from(batch.count)).sum());
        self.metrics.user_bytes.add(group.iter().map(|batch| batch.user_bytes).sum());
        self.metrics.log_bytes.add(bytes);
    }

    /// Makes everything that was appended so far durable.
    pub(crate) fn sync(&self) -> Result<()> {
        let commit = self.writable()?;
        let end = commit.log.lock().end();
        self.sync_to(end)
    }

    pub(crate) fn sync_to(&self, end: LogPosition) -> Result<()> {
        let commit = self.commit_side()?;
        commit.sync.sync_to(end, 1, &*self.shared.clock).inspect_err(|error| self.stop_writing(error))
    }

    /// After a failure that leaves it unknown what is durable.
    pub(crate) fn stop_writing(&self, error: &Error) {
        self.poison.set(error);
        self.publisher.fail_all(error);
        self.background.wake();
    }
}

/// Takes the oldest waiting batches, at least one.
fn take_group(queue: &Mutex<Queue>) -> Vec<Arc<Pending>> {
    let mut queue = queue.lock();
    let (mut group, mut bytes) = (Vec::new(), 0);
    while let Some(next) = queue.waiting.front() {
        bytes += next.payload.len();
        if !group.is_empty() && bytes > GROUP_BYTES_MAX {
            break;
        }
        group.extend(queue.waiting.pop_front());
    }
    group
}

/// Makes the next waiting writer the leader.
fn hand_over(queue: &Mutex<Queue>) {
    let mut queue = queue.lock();
    match queue.waiting.front() {
        Some(next) => next.lead(),
        None => queue.has_leader = false,
    }
}

/// Fails a batch that names a keyspace which does not exist (any more), before it is logged.
fn has_live_keyspaces(version: &Version, batch: &Pending) -> bool {
    let missing = batch.keyspaces.iter().find(|id| version.keyspace(**id).is_none());
    if let Some(id) = missing {
        batch.fail(&Error::NotFound { what: format!("keyspace {} does not exist, or was dropped", id.0) });
    }
    missing.is_none()
}

/// Batches with their first sequence numbers, which follow each other.
fn place(group: Vec<Arc<Pending>>, first: SequenceNumber) -> Vec<Placed> {
    let mut next = first;
    let with_place = |batch: Arc<Pending>| {
        let first = next;
        next = first.checked_add(u64::from(batch.count)).unwrap_or(SequenceNumber::MAX);
        Placed { batch, first }
    };
    group.into_iter().map(with_place).collect()
}

fn note_log<'a>(version: &Version, batches: impl Iterator<Item = &'a Arc<Pending>>, log: u64) {
    for id in batches.flat_map(|batch| &batch.keyspaces) {
        if let Some(keyspace) = version.keyspace(*id) {
            keyspace.active.note_log(log);
        }
    }
}

/// 2. Apply: into the memtables that were active when the batch was appended.
fn apply(version: &Version, placed: &Placed) -> Result<()> {
    let batch = Batch::decode(&placed.batch.payload, placed.first)
        .map_err(|broken| Error::invalid_argument(broken.to_string()))?;
    for &id in &placed.batch.keyspaces {
        let Some(keyspace) = version.keyspace(id) else { continue };
        let entries = batch.entries().filter(|(_, entry)| entry.keyspace == id.0);
        keyspace.active.table.insert_batch(&mut entries.map(|(sequence, entry)| Entry {
            key: InternalKey::new(entry.key, sequence, entry.kind),
            value: entry.value,
        }));
    }
    Ok(())
}
