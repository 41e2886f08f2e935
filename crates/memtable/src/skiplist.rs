//! The default memtable: a lock-free skip list of keys, by crossbeam, and lists of their versions.
//!
//! crossbeam-skiplist 0.1.3 is right as long as nodes are neither removed nor replaced: keys are never taken out, and
//! `get_or_insert_with` is the only way in. Of its ways out, `range` of the map type leaks, and is not used.

use std::{
    fmt,
    sync::{Arc, atomic::AtomicU64},
};

use crossbeam_epoch as epoch;
use crossbeam_skiplist::base::SkipList;
use siltstone_types::{Cursor, Entry, KeyHash, Lookup, SequenceNumber, Tag};

use crate::{
    Memtable, MemtableFactory, cost,
    counters::Counters,
    cursor::VersionCursor,
    filter::GrowingFilter,
    key::{NodeKey, SearchKey},
    versions::Versions,
};

mod cursor;

use cursor::NodeCursor;

/// Keys, and the first words of their lists of versions.
type List = SkipList<NodeKey, AtomicU64>;

/// A memtable whose readers and writers never wait for each other.
///
/// A key has one node, however often it is written; its versions and their values lie in an arena. A lookup allocates
/// nothing but the copy of the value, and writes to nothing that others read. A filter of the keys' hashes answers
/// nearly all lookups of keys that are not there, without a search. A cursor moves forward in O(1), and back in
/// O(log n), because nodes and versions are linked one way.
///
/// `bytes` counts for a key 80 bytes of node (key 32, list 8, references 8, two levels of tower 16, which is the
/// average, allocator 16), and 16 more than its length above 22 bytes; for a version 32 bytes and its value, rounded up
/// to 8, or 80 more than its length above 4 KiB. The filter takes 2 to 8 bytes for an entry, and is counted as it grows.
pub struct SkipListMemtable {
    list: List,
    versions: Versions,
    filter: GrowingFilter,
    counters: Counters,
}

/// A node: list, key, the count of references, the average tower of two pointers (heights are geometric).
const NODE_BYTES: usize = cost::allocation(
    size_of::<AtomicU64>() + size_of::<NodeKey>() + size_of::<usize>() + 2 * size_of::<usize>(),
);

impl SkipListMemtable {
    /// An empty table.
    pub fn new() -> SkipListMemtable {
        SkipListMemtable {
            list: SkipList::new(epoch::default_collector().clone()),
            versions: Versions::new(),
            filter: GrowingFilter::default(),
            counters: Counters::default(),
        }
    }
}

impl Memtable for SkipListMemtable {
    fn insert_batch(&self, entries: &mut dyn Iterator<Item = Entry<'_>>) {
        let guard = &epoch::pin();
        let (mut new_bytes, mut new_entries) = (0, 0);
        for (entry, entries_before) in entries.zip(self.entry_count()..) {
            // Before the entry, so that whoever sees the entry sees this.
            new_bytes += self.filter.add(KeyHash::of(entry.key.user_key), entries_before);
            let version = self.versions.write(entry.key.tag, entry.value);
            let key = NodeKey::new(entry.key.user_key);
            let key_bytes = NODE_BYTES + key.bytes_behind();
            let mut is_new_key = false;
            // A new node has the version from the beginning. One that others were faster with has theirs.
            let make_list = || {
                is_new_key = true;
                AtomicU64::new(version.to_word())
            };
            let node = self.list.get_or_insert_with(key, make_list, guard);
            new_entries += u64::from(self.versions.link(node.value(), version));
            node.release(guard);
            if is_new_key {
                new_bytes += key_bytes as u64;
            }
        }
        self.counters.add(new_entries, new_bytes);
    }

    fn get(&self, user_key: &[u8], hash: KeyHash, at: SequenceNumber) -> Option<Lookup> {
        if !self.filter.may_contain(hash) {
            return None;
        }
        let guard = &epoch::pin();
        let node = self.list.get(&SearchKey::lent(user_key), guard)?;
        let version = self.versions.at_or_below(node.value(), Tag::lookup(at))?;
        Some(self.versions.lookup(version))
    }

    fn cursor(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(VersionCursor::new(NodeCursor::over(self)))
    }

    fn bytes(&self) -> u64 {
        self.counters.bytes() + self.versions.bytes()
    }

    fn entry_count(&self) -> u64 {
        self.counters.entries()
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
