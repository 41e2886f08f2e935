//! What a memtable is.

use std::{fmt::Debug, sync::Arc};

use siltstone_types::{Cursor, Entry, KeyHash, Lookup, SequenceNumber};

/// Entries that are logged but not yet in a table, in internal-key order.
///
/// 1. Entries are added by any number of threads, read by any number of others beside them, and never
///    replaced
///    or removed. Who adds one internal key twice has a bug; the first value stays.
/// 2. An entry is seen whole or not at all. The entries of a batch become visible one by one: what may be
///    seen
///    of them is decided by the sequence number that readers bring.
/// 3. Lengths are checked above: keys have up to 65,536 bytes, values up to 1 GiB. So is that the value of an
///    expiring put begins with its time ([`Expiring`](siltstone_types::Expiring)).
/// 4. Dropping one frees every entry, which takes long when there are many: do it in the background.
///
/// `siltstone_memtable::conformance` (feature `conformance`) checks an implementation.
pub trait Memtable: Debug + Send + Sync {
    /// Adds entries, in the order in which they come. Any order will do.
    fn insert_batch(&self, entries: &mut dyn Iterator<Item = Entry<'_>>);

    /// The newest version of a key at or below `at`. `None` sends the search on to older data, and
    /// [`Lookup::Tombstone`] ends it. So does [`Lookup::Expiring`], whether its time has come or not: a memtable
    /// knows no time.
    ///
    /// `hash` is [`KeyHash::of`] the key, for tables that keep a filter. The value never pins the table: up
    /// to 4 KiB it is a copy, above that it shares an allocation of its own.
    fn get(&self, user_key: &[u8], hash: KeyHash, at: SequenceNumber) -> Option<Lookup>;

    /// A cursor over all versions, which owns a share of the table. It may or may not see entries that are
    /// added after it was made.
    fn cursor(self: Arc<Self>) -> Box<dyn Cursor>;

    /// What the entries cost, in bytes: keys, values, nodes, and what the allocator adds. O(1), and never
    /// falls. The flush threshold and the memory budget are compared with it.
    fn bytes(&self) -> u64;

    /// The number of entries. O(1).
    fn entry_count(&self) -> u64;
}

/// Makes the next memtable when one is full.
pub trait MemtableFactory: Debug + Send + Sync {
    /// The name in settings.
    fn name(&self) -> &'static str;

    /// An empty table.
    fn create(&self) -> Arc<dyn Memtable>;
}
