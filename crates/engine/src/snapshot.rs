//! Snapshots, and the list of them that compaction consults.

use std::{collections::BTreeMap, fmt};

use siltstone_types::{SequenceNumber, Slice};

use crate::{
    KeyBounds, Keyspace, Range, Result,
    iter::range::prefix_bounds,
    keyspace::KeyspaceId,
    read_view::ReadView,
    sync::{Arc, Mutex},
};

/// The sequence numbers of all live snapshots.
#[derive(Default, Debug)]
pub(crate) struct SnapshotList {
    counts: Mutex<BTreeMap<SequenceNumber, usize>>,
}

impl SnapshotList {
    /// Registers what `take` returns. Compaction reads the list under the same lock, so a snapshot is either in the list it reads or sees
    /// a version that is newer than the compaction's inputs.
    pub(crate) fn register(self: &Arc<Self>, take: impl FnOnce() -> ReadView) -> Snapshot {
        let mut counts = self.counts.lock();
        let view = take();
        *counts.entry(view.at).or_default() += 1;
        Snapshot { view, list: Arc::clone(self) }
    }

    /// The live sequence numbers, ascending.
    pub(crate) fn live(&self) -> Vec<SequenceNumber> {
        self.counts.lock().keys().copied().collect()
    }

    fn release(&self, at: SequenceNumber) {
        let mut counts = self.counts.lock();
        if let Some(count) = counts.get_mut(&at) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&at);
            }
        }
    }
}

/// The database as it was at one moment, for as long as this lives. It keeps memtables and files of that moment, and the versions it sees.
pub struct Snapshot {
    view: ReadView,
    list: Arc<SnapshotList>,
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("sequence", &self.view.at).finish_non_exhaustive()
    }
}

impl Snapshot {
    /// The value of a key at the snapshot's moment.
    ///
    /// # Errors
    ///
    /// As for [`Db::get`](crate::Db::get).
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Slice>> {
        self.view.get(KeyspaceId::DEFAULT, key.as_ref())
    }

    /// The value of a key of a keyspace at the snapshot's moment.
    ///
    /// # Errors
    ///
    /// As for [`Db::get`](crate::Db::get); `NotFound` when there was no such keyspace.
    pub fn get_in(&self, keyspace: &Keyspace, key: impl AsRef<[u8]>) -> Result<Option<Slice>> {
        self.view.get(keyspace.id(), key.as_ref())
    }

    /// The entries of a range of keys at the snapshot's moment.
    pub fn range(&self, bounds: impl KeyBounds) -> Range {
        Range::new(Ok(self.view.clone()), KeyspaceId::DEFAULT, bounds)
    }

    /// The entries of a range of keys of a keyspace at the snapshot's moment.
    pub fn range_in(&self, keyspace: &Keyspace, bounds: impl KeyBounds) -> Range {
        Range::new(Ok(self.view.clone()), keyspace.id(), bounds)
    }

    /// The entries whose keys begin with `prefix`, at the snapshot's moment.
    pub fn prefix(&self, prefix: impl AsRef<[u8]>) -> Range {
        self.range(prefix_bounds(prefix.as_ref()))
    }

    /// The sequence number of the last write it sees.
    pub fn sequence(&self) -> SequenceNumber {
        self.view.at
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        self.list.release(self.view.at);
    }
}
