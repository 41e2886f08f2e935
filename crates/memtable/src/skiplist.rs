//! The default memtable: a lock-free skip list, by crossbeam.
//!
//! crossbeam-skiplist 0.1.3 is right as long as nodes are neither removed nor replaced: internal keys are
//! unique, and `get_or_insert` is the only way in. Of its ways out, `range` of the map type leaks, and is not
//! used.

use std::{
    fmt,
    ops::Bound,
    sync::Arc,
    sync::atomic::{AtomicU64, Ordering},
};

use crossbeam_epoch as epoch;
use crossbeam_skiplist::base::SkipList;
use siltstone_types::{Cursor, Entry, InternalKey, KeyHash, Lookup, SequenceNumber, Slice};

use crate::{
    Memtable, MemtableFactory,
    answer::answer,
    cost,
    filter::GrowingFilter,
    key::{NodeKey, SearchKey},
};

mod cursor;

use cursor::SkipListCursor;

type List = SkipList<NodeKey, Slice>;

/// A memtable whose readers and writers never wait for each other.
///
/// A lookup allocates nothing but the copy of the value, and writes to nothing that others read. A filter of
/// the keys' hashes answers nearly all lookups of keys that are not there, without a search. A cursor
/// moves forward in O(1), and back in O(log n), because the nodes are linked one way.
///
/// `bytes` counts for an entry 104 bytes of node (key and value 64, references 8, two levels of tower 16,
/// which is the average, allocator 16), 16 more than its length for a key above 22 bytes, and 24 more than
/// its length for a value above 20. The filter takes 2 to 8 bytes for an entry, and is counted as it grows.
pub struct SkipListMemtable {
    list: List,
    filter: GrowingFilter,
    bytes: AtomicU64,
}

/// A node: value, key, the count of references, the average tower of two pointers (heights are geometric).
const NODE_BYTES: usize =
    cost::allocation(size_of::<Slice>() + size_of::<NodeKey>() + size_of::<usize>() + 2 * size_of::<usize>());

impl SkipListMemtable {
    /// An empty table.
    pub fn new() -> SkipListMemtable {
        SkipListMemtable {
            list: SkipList::new(epoch::default_collector().clone()),
            filter: GrowingFilter::default(),
            bytes: AtomicU64::new(0),
        }
    }
}

impl Memtable for SkipListMemtable {
    fn insert_batch(&self, entries: &mut dyn Iterator<Item = Entry<'_>>) {
        let guard = &epoch::pin();
        let mut bytes = 0;
        for (entry, entries_before) in entries.zip(self.entry_count()..) {
            // Before the entry, so that whoever sees the entry sees this.
            bytes += self.filter.add(KeyHash::of(entry.key.user_key), entries_before);
            let key = NodeKey::new(entry.key);
            let value = Slice::from(entry.value);
            let cost = NODE_BYTES + key.bytes_behind() + cost::behind(&value);
            let mut is_new = false;
            let make_value = || {
                is_new = true;
                value
            };
            self.list.get_or_insert_with(key, make_value, guard).release(guard);
            if is_new {
                bytes += cost as u64;
            }
        }
        // Once a batch: every writer changes the same line.
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn get(&self, user_key: &[u8], hash: KeyHash, at: SequenceNumber) -> Option<Lookup> {
        if !self.filter.may_contain(hash) {
            return None;
        }
        let guard = &epoch::pin();
        let target = SearchKey::lent(InternalKey::lookup(user_key, at));
        let node = self.list.lower_bound(Bound::Included(&target), guard)?;
        let found = node.key().get();
        (found.user_key == user_key).then(|| answer(found.tag, node.value()))
    }

    fn cursor(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(SkipListCursor::over(self))
    }

    fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    fn entry_count(&self) -> u64 {
        self.list.len() as u64
    }
}

impl Default for SkipListMemtable {
    fn default() -> SkipListMemtable {
        SkipListMemtable::new()
    }
}

impl fmt::Debug for SkipListMemtable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (entry_count, bytes) = (self.entry_count(), self.bytes());
        write!(f, "SkipListMemtable {{ entry_count: {entry_count}, bytes: {bytes} }}")
    }
}

/// Makes [`SkipListMemtable`]s, under the name `skiplist`.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct SkipListFactory;

impl MemtableFactory for SkipListFactory {
    fn name(&self) -> &'static str {
        "skiplist"
    }

    fn create(&self) -> Arc<dyn Memtable> {
        Arc::new(SkipListMemtable::new())
    }
}
