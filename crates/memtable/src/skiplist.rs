//! The default memtable: a skip list of leaves, by crossbeam, and lists of the versions of each key.
//!
//! crossbeam-skiplist 0.1.3 is right as long as nodes are neither removed nor replaced: keys are never taken out, and
//! `get_or_insert_with` is the only way in. Of its ways out, `range` of the map type leaks, and is not used.

use std::{fmt, sync::Arc};

use siltstone_types::{Cursor, Entry, KeyHash, Lookup, SequenceNumber, Tag};

use crate::{
    Memtable, MemtableFactory, counters::Counters, cursor::VersionCursor, filter::GrowingFilter,
    versions::Versions,
};

mod cursor;
mod index;
mod keys;
mod leaf;

use cursor::LeafCursor;
use index::Index;

/// A memtable whose readers wait for nobody.
///
/// Keys lie in leaves of up to 64, and a lock-free skip list leads to the leaves, so that a search touches a few cache
/// lines where one node for each key would take dozens. Writers wait for each other where they add new keys to the same
/// leaf. Versions of a key and their values lie in an arena, from where they are found without a search among keys.
/// A lookup allocates nothing but the copy of the value, and writes to nothing that others read. A filter of the keys'
/// hashes answers nearly all lookups of keys that are not there.
///
/// `bytes` counts for a leaf 1.8 KiB (but for the first), for a key 16 bytes and its length above 16, rounded up to 8,
/// for a version 32 bytes and its value, rounded up to 8, or 80 more than its length above 4 KiB. The filter takes
/// 2 to 8 bytes for an entry, and is counted as it grows. Keys and versions count a sixteenth more, for what lies idle.
pub struct SkipListMemtable {
    index: Index,
    versions: Versions,
    filter: GrowingFilter,
    counters: Counters,
}

impl SkipListMemtable {
    /// An empty table.
    pub fn new() -> SkipListMemtable {
        SkipListMemtable {
            index: Index::new(),
            versions: Versions::new(),
            filter: GrowingFilter::default(),
            counters: Counters::default(),
        }
    }
}

impl Memtable for SkipListMemtable {
    fn insert_batch(&self, entries: &mut dyn Iterator<Item = Entry<'_>>) {
        let (mut new_bytes, mut new_entries) = (0, 0);
        for (entry, entries_before) in entries.zip(self.entry_count()..) {
            let hash = KeyHash::of(entry.key.user_key);
            // Before the entry, so that whoever sees the entry sees this.
            new_bytes += self.filter.add(hash, entries_before);
            let version = self.versions.write(entry.key.tag, entry.value);
            let key = self.index.get_or_insert(entry.key.user_key, hash, version);
            new_entries += u64::from(self.versions.link(self.index.keys().list(key), version));
        }
        self.counters.add(new_entries, new_bytes);
    }

    fn get(&self, user_key: &[u8], hash: KeyHash, at: SequenceNumber) -> Option<Lookup> {
        if !self.filter.may_contain(hash) {
            return None;
        }
        let key = self.index.get(user_key, hash)?;
        let version = self.versions.at_or_below(self.index.keys().list(key), Tag::lookup(at))?;
        Some(self.versions.lookup(version))
    }

    fn cursor(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(VersionCursor::new(LeafCursor::over(self)))
    }

    fn bytes(&self) -> u64 {
        self.counters.bytes() + self.index.bytes() + self.versions.bytes()
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
