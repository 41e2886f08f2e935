//! Tables answer as a sorted list of their entries does.

use siltstone_sstable::{CursorOptions, TableOptions};
use siltstone_types::{Cursor, KeyHash, Kind, Lookup, SequenceNumber, Slice};

use crate::entries::{OwnedEntry, entries, sequence, table};

/// What a read at `at` finds.
fn expected(entries: &[OwnedEntry], user_key: &[u8], at: SequenceNumber) -> Option<Lookup> {
    let entry = entries.iter().find(|entry| entry.user_key == user_key && sequence(entry.sequence) <= at)?;
    Some(match entry.kind {
        Kind::Put => Lookup::Value(Slice::from(entry.value.as_slice())),
        _ => Lookup::Tombstone,
    })
}

#[test]
fn every_version_is_found_at_every_sequence_number() {
    for (seed, block_bytes) in [(1, 1), (2, 100), (3, 1000), (4, 4096), (5, 1 << 20)] {
        let entries = entries(seed, 300);
        let table = table(TableOptions { block_bytes, ..TableOptions::default() }, &entries);
        for entry in &entries {
            let hash = KeyHash::of(&entry.user_key);
            for at in [0, entry.sequence.saturating_sub(1), entry.sequence, entry.sequence + 1, u64::MAX >> 8]
            {
                let at = sequence(at.min(u64::MAX >> 8));
                let found = table.get(&entry.user_key, hash, at).unwrap();
                assert_eq!(found, expected(&entries, &entry.user_key, at), "seed {seed} {entry:?} {at:?}");
            }
            let absent = [entry.user_key.as_slice(), b"!"].concat();
            let found = table.get(&absent, KeyHash::of(&absent), SequenceNumber::MAX).unwrap();
            assert_eq!(found, expected(&entries, &absent, SequenceNumber::MAX), "seed {seed} {absent:?}");
        }
    }
}

#[test]
fn a_cursor_walks_over_all_entries_in_both_directions() {
    for (seed, block_bytes) in [(1, 1), (2, 300), (3, 4096)] {
        let entries = entries(seed, 300);
        let table = table(TableOptions { block_bytes, ..TableOptions::default() }, &entries);
        let mut cursor = table.cursor(CursorOptions::default());
        cursor.first().unwrap();
        for entry in &entries {
            assert_eq!((cursor.key(), cursor.value()), (entry.key(), entry.value.as_slice()), "seed {seed}");
            cursor.next().unwrap();
        }
        assert!(!cursor.valid());
        cursor.last().unwrap();
        for entry in entries.iter().rev() {
            assert_eq!(
                (cursor.key(), &*cursor.pin_value()),
                (entry.key(), entry.value.as_slice()),
                "seed {seed}"
            );
            cursor.prev().unwrap();
        }
        assert!(!cursor.valid());
    }
}
