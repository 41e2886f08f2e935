//! Paths of the memtable that is the default.

use std::{hint::black_box, sync::Arc};

use siltstone_benches::{Outcome, Pairs, memtables};
use siltstone_memtable::{Memtable, MemtableFactory as _, SkipListFactory};
use siltstone_types::{KeyHash, SequenceNumber};

use super::Prepared;

const ENTRIES: usize = 10_000;

/// Filling an empty one.
pub(super) fn insert() -> Outcome<Prepared> {
    let pairs = Pairs::new(ENTRIES);
    let table = SkipListFactory.create();
    let keys: Vec<Vec<u8>> = Pairs::shuffled(&pairs.present).into_iter().map(<[u8]>::to_vec).collect();
    Prepared::new(ENTRIES, move || {
        for (key, value) in keys.iter().zip(&pairs.values) {
            memtables::put(&*table, key, value);
        }
        Ok(usize::try_from(table.entry_count())?)
    })
}

/// Looking up every key that is there.
pub(super) fn hit() -> Outcome<Prepared> {
    let pairs = Pairs::new(ENTRIES);
    look_up(memtables::filled(&SkipListFactory, &pairs), &pairs.present)
}

/// Looking up keys that are not there.
pub(super) fn miss() -> Outcome<Prepared> {
    let pairs = Pairs::new(ENTRIES);
    look_up(memtables::filled(&SkipListFactory, &pairs), &pairs.absent)
}

fn look_up(table: Arc<dyn Memtable>, keys: &[Vec<u8>]) -> Outcome<Prepared> {
    let keys: Vec<Vec<u8>> = Pairs::shuffled(keys).into_iter().map(<[u8]>::to_vec).collect();
    Prepared::new(keys.len(), move || {
        for key in &keys {
            black_box(table.get(black_box(key), KeyHash::of(key), SequenceNumber::MAX));
        }
        Ok(keys.len())
    })
}
