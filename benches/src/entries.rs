//! What an entry takes in a memtable and in a table, for simulations.

use siltstone_compaction::EntrySizes;

/// What an entry takes in the memtable that is the default, and about what it takes in a table.
pub fn sizes(key_bytes: u64, value_bytes: u64) -> (EntrySizes, EntrySizes) {
    // As `SkipListMemtable` documents it.
    let tombstone_in_memory = 104 + if key_bytes > 22 { key_bytes + 16 } else { 0 };
    let value_in_memory = if value_bytes > 20 { value_bytes + 24 } else { 0 };
    let memory =
        EntrySizes { put_bytes: tombstone_in_memory + value_in_memory, tombstone_bytes: tombstone_in_memory };
    // Lengths, tag, index and a filter of ten bits take about as much as shared prefixes save.
    let file = EntrySizes { put_bytes: (key_bytes + value_bytes).max(1), tombstone_bytes: key_bytes.max(1) };
    (memory, file)
}
