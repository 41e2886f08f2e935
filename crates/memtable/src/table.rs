//! The traits: a memtable, and what makes the next one.

use std::{fmt, sync::Arc};

use siltstone_types::{Cursor, Entry, KeyHash, Lookup, SequenceNumber};

/// Entries in internal-key order, in memory. Written and read by any number of threads at a time.
///
/// The rules stand in `docs/traits/memtable.md`.
pub trait Memtable: fmt::Debug + Send + Sync {
    /// Adds entries. Their sequence numbers are unique, so nothing is ever replaced.
    fn insert_batch(&self, entries: &mut dyn Iterator<Item = Entry<'_>>);

    /// The newest version of a key at or below `at`; `None` when there is none, which sends the search on to
    /// older data. `hash` is the key's.
    fn get(&self, user_key: &[u8], hash: KeyHash, at: SequenceNumber) -> Option<Lookup>;

    /// A cursor over all versions. It shares ownership of the table.
    fn cursor(self: Arc<Self>) -> Box<dyn Cursor>;

    /// What the entries take in all, in bytes, nodes and allocations included. Constant time; never falls.
    fn bytes(&self) -> u64;

    /// Number of entries. Constant time.
    fn entry_count(&self) -> u64;
}

/// Makes memtables of one kind.
pub trait MemtableFactory: fmt::Debug + Send + Sync {
    /// Its name in settings and messages.
    fn name(&self) -> &'static str;

    /// An empty memtable.
    fn create(&self) -> Arc<dyn Memtable>;
}
