//! Memtables of pairs.

use std::sync::Arc;

use siltstone_memtable::{Memtable, MemtableFactory};
use siltstone_types::{Entry, InternalKey, Kind, SequenceNumber};

use crate::Pairs;

/// Inserts a batch of one entry.
pub fn put(table: &dyn Memtable, key: &[u8], value: &[u8]) {
    let key = InternalKey::new(key, SequenceNumber::ZERO, Kind::Put);
    table.insert_batch(&mut [Entry { key, value }].into_iter());
}

/// A memtable that has all pairs.
pub fn filled(factory: &dyn MemtableFactory, pairs: &Pairs) -> Arc<dyn Memtable> {
    let table = factory.create();
    pairs.iter().for_each(|(key, value)| put(&*table, key, value));
    table
}
