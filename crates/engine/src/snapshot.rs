//! Snapshots, and the list of them that compaction consults.

use std::{collections::BTreeMap, fmt};

use siltstone_compaction::{LiveSnapshot, Readers};
use siltstone_types::{SequenceNumber, Slice};

use crate::{
    Clock, KeyBounds, Keyspace, Range, Result,
    db::Inner,
    iter::range::prefix_bounds,
    keyspace::KeyspaceId,
    read_view::ReadView,
    sync::{Arc, Mutex},
    version::KeyspaceVersion,
};

/// The live snapshots, and what only they can still see.
#[derive(Default, Debug)]
pub(crate) struct SnapshotList {
    state: Mutex<State>,
}

#[derive(Default, Debug)]
struct State {
    /// How many snapshots live at each moment.
    counts: BTreeMap<Moment, usize>,
    /// Keyspaces dropped so far.
    drops: u64,
    /// Those of them that a live snapshot can see.
    dropped: Vec<Dropped>,
    /// The latest time by which a flush or a compaction has judged what has expired.
    judged_unix_ms: u64,
}

/// When a snapshot was taken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Moment {
    at: SequenceNumber,
    /// Keyspaces that were dropped before: no sequence number tells, for dropping is no write.
    drops: u64,
    /// By which time it judges what has expired.
    taken_unix_ms: u64,
}

#[derive(Debug)]
struct Dropped {
    /// How many were dropped before it.
    drops: u64,
    id: KeyspaceId,
    keyspace: Arc<KeyspaceVersion>,
}

impl SnapshotList {
    /// Registers the number that `take` returns. Compaction reads the list under the same lock, after its inputs are fixed, so a snapshot is either in the list
    /// that it reads, or sees everything that is in its inputs.
    fn register(&self, clock: &dyn Clock, take: impl FnOnce() -> SequenceNumber) -> Moment {
        let mut state = self.state.lock();
        // Not before the time by which a job that does not know of this snapshot may be dropping what has expired: the clock may have been set back.
        let taken_unix_ms = clock.now_unix_ms().max(state.judged_unix_ms);
        let moment = Moment { at: take(), drops: state.drops, taken_unix_ms };
        *state.counts.entry(moment).or_default() += 1;
        moment
    }

    /// The live sequence numbers, ascending; some more than once.
    pub(crate) fn live(&self) -> Vec<SequenceNumber> {
        self.state.lock().counts.keys().map(|moment| moment.at).collect()
    }

    /// Makes a change that takes away what a snapshot at the number or above may see; `None`, and nothing is done, when there is one. None is taken meanwhile.
    pub(crate) fn unless_seen<T>(&self, at: SequenceNumber, change: impl FnOnce() -> T) -> Option<T> {
        let state = self.state.lock();
        let is_seen = state.counts.keys().any(|moment| moment.at >= at);
        (!is_seen).then(change)
    }

    /// The live snapshots and the time, for a flush or a compaction whose inputs are fixed.
    pub(crate) fn readers(&self, clock: &dyn Clock) -> Readers {
        let mut state = self.state.lock();
        let now_unix_ms = clock.now_unix_ms();
        state.judged_unix_ms = state.judged_unix_ms.max(now_unix_ms);
        let moments = state.counts.keys();
        let snapshots = moments.map(|&Moment { at, taken_unix_ms, .. }| LiveSnapshot { at, taken_unix_ms });
        Readers { snapshots: snapshots.collect(), now_unix_ms }
    }

    /// Removes a keyspace from what reads see, and keeps it for the snapshots that live, in one step: no snapshot is taken in between.
    pub(crate) fn drop_keyspace(&self, id: KeyspaceId, remove: impl FnOnce() -> Option<KeyspaceVersion>) {
        let mut state = self.state.lock();
        let drops = state.drops;
        state.drops += 1;
        let Some(keyspace) = remove() else { return };
        if !state.counts.is_empty() {
            state.dropped.push(Dropped { drops, id, keyspace: Arc::new(keyspace) });
        }
    }

    /// A keyspace that was dropped after the moment.
    fn dropped_after(&self, moment: Moment, id: KeyspaceId) -> Option<Arc<KeyspaceVersion>> {
        let state = self.state.lock();
        let dropped = state.dropped.iter().find(|dropped| dropped.id == id && dropped.drops >= moment.drops);
        dropped.map(|dropped| Arc::clone(&dropped.keyspace))
    }

    fn release(&self, moment: Moment) {
        let mut state = self.state.lock();
        if let Some(count) = state.counts.get_mut(&moment) {
            *count -= 1;
            if *count == 0 {
                state.counts.remove(&moment);
            }
        }
        // What no snapshot is left to see goes, outside the lock.
        let first = state.counts.keys().map(|moment| moment.drops).min().unwrap_or(u64::MAX);
        let unseen: Vec<_> = state.dropped.extract_if(.., |dropped| dropped.drops < first).collect();
        drop(state);
        drop(unseen);
    }
}

/// The database as it was at one moment, for as long as this lives.
///
/// It is a sequence number: each read looks at the tables and memtables of its own time, in which compaction keeps the versions that the snapshot sees.
/// And it is a time: an entry that had not expired when the snapshot was taken is seen through it for ever, one that had is not.
pub struct Snapshot {
    inner: Arc<Inner>,
    moment: Moment,
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("sequence", &self.moment.at).finish_non_exhaustive()
    }
}

impl Snapshot {
    pub(crate) fn take(inner: &Arc<Inner>) -> Snapshot {
        let moment = inner.snapshots.register(&*inner.shared.clock, || inner.view_even_if_closed().at);
        Snapshot { inner: Arc::clone(inner), moment }
    }

    /// A view of now that sees no more than the snapshot does. It may be used after closing, too.
    fn view(&self, id: KeyspaceId) -> ReadView {
        let mut view = self.inner.view_even_if_closed();
        view.at = self.moment.at;
        view.now_unix_ms = Some(self.moment.taken_unix_ms);
        if view.version.keyspace(id).is_none() {
            view.dropped = self.inner.snapshots.dropped_after(self.moment, id).map(|keyspace| (id, keyspace));
        }
        view
    }

    /// The value of a key at the snapshot's moment.
    ///
    /// # Errors
    ///
    /// As for [`Db::get`](crate::Db::get).
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Slice>> {
        self.view(KeyspaceId::DEFAULT).get(KeyspaceId::DEFAULT, key.as_ref())
    }

    /// The value of a key of a keyspace at the snapshot's moment.
    ///
    /// # Errors
    ///
    /// As for [`Db::get`](crate::Db::get); `NotFound` when there was no such keyspace any more. One that was created later is empty.
    pub fn get_in(&self, keyspace: &Keyspace, key: impl AsRef<[u8]>) -> Result<Option<Slice>> {
        self.view(keyspace.id()).get(keyspace.id(), key.as_ref())
    }

    /// The entries of a range of keys at the snapshot's moment.
    pub fn range(&self, bounds: impl KeyBounds) -> Range {
        Range::new(Ok(self.view(KeyspaceId::DEFAULT)), KeyspaceId::DEFAULT, bounds)
    }

    /// The entries of a range of keys of a keyspace at the snapshot's moment.
    pub fn range_in(&self, keyspace: &Keyspace, bounds: impl KeyBounds) -> Range {
        Range::new(Ok(self.view(keyspace.id())), keyspace.id(), bounds)
    }

    /// The entries whose keys begin with `prefix`, at the snapshot's moment.
    pub fn prefix(&self, prefix: impl AsRef<[u8]>) -> Range {
        self.range(prefix_bounds(prefix.as_ref()))
    }

    /// When it was taken, in Unix milliseconds: by this time it judges what has expired.
    pub fn taken_unix_ms(&self) -> u64 {
        self.moment.taken_unix_ms
    }

    /// The sequence number of the last write it sees.
    pub fn sequence(&self) -> SequenceNumber {
        self.moment.at
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        self.inner.snapshots.release(self.moment);
    }
}
