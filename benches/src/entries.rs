//! What an entry takes in a memtable and in a table, for simulations.

use siltstone_compaction::EntrySizes;

/// What a leaf of the default memtable takes, and how many keys it has at most.
const LEAF_BYTES: u64 = 1_800;
const LEAF_KEYS: u64 = 64;

/// What an entry takes in the memtable that is the default, and about what it takes in a table.
pub fn sizes(key_bytes: u64, value_bytes: u64) -> (EntrySizes, EntrySizes) {
    // As `SkipListMemtable` documents it: a version, a key, the filter, and a key's share of a leaf. Keys in random order
    // leave seven tenths of the slots in use.
    let tombstone_in_memory =
        32 + 16 + key_bytes.saturating_sub(16).next_multiple_of(8) + 4 + LEAF_BYTES * 10 / (7 * LEAF_KEYS);
    let value_in_memory = value_bytes.next_multiple_of(8);
    let memory =
        EntrySizes { put_bytes: tombstone_in_memory + value_in_memory, tombstone_bytes: tombstone_in_memory };
    // Lengths, tag, index and a filter of ten bits take about as much as shared prefixes save.
    let file = EntrySizes { put_bytes: (key_bytes + value_bytes).max(1), tombstone_bytes: key_bytes.max(1) };
    (memory, file)
}
