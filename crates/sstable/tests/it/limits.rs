//! Keys and values of extreme lengths.

use siltstone_sstable::{CursorOptions, TableOptions, TableWriter};
use siltstone_testkit::entries::Owned;
use siltstone_types::{InternalKey, KeyHash, Kind, SequenceNumber, Tag, limits};
use siltstone_vfs::MemFs;

use crate::fixture::{
    bytes, compressions, expected, open, options, path, scan, sequence, verified, with_filter,
};

#[test]
fn the_shortest_and_longest_keys_are_kept() {
    let tag = Tag::new(sequence(1), Kind::Put);
    let longest = vec![b'k'; limits::KEY_BYTES_MAX];
    let almost = [&longest[..longest.len() - 1], b"l"].concat();
    let entries: Vec<Owned> = vec![
        (Vec::new(), tag, b"empty key".to_vec()),
        (longest, tag, Vec::new()),
        (almost, tag, b"v".to_vec()),
    ];
    for block_bytes in [1, 1 << 20] {
        let bytes = bytes(with_filter(TableOptions { block_bytes, ..options() }), &entries);
        let table = open(&bytes).unwrap();
        assert_eq!(scan(&table, CursorOptions::default()).0, entries);
        for (user_key, ..) in &entries {
            let found = table.get(user_key, KeyHash::of(user_key), SequenceNumber::MAX).unwrap();
            assert_eq!(found, expected(&entries, user_key, SequenceNumber::MAX));
        }
        verified(&bytes).unwrap();
    }
}

#[test]
fn a_large_value_is_kept() {
    let value_bytes: usize = std::env::var("VALUE_BYTES").map_or(64 << 20, |text| text.parse().unwrap());
    let tag = Tag::new(sequence(1), Kind::Put);
    let value: Vec<u8> = (0..value_bytes).map(|at| [0, 1, b'a', 0xff][at / 1000 % 4]).collect();
    let entries: Vec<Owned> =
        vec![(b"a".to_vec(), tag, vec![1]), (b"b".to_vec(), tag, value), (b"c".to_vec(), tag, vec![3])];
    for compression in compressions() {
        let table = open(&bytes(TableOptions { compression, ..options() }, &entries)).unwrap();
        let found = table.get(b"b", KeyHash::of(b"b"), SequenceNumber::MAX).unwrap().unwrap();
        assert!(*found.into_value_at(|| 0).unwrap() == *entries[1].2, "{compression:?}");
        assert!(scan(&table, CursorOptions::default()).0 == entries, "{compression:?}");
    }
}

/// The value is never touched, so its zeroed pages are never made.
#[test]
fn a_value_above_the_limit_is_refused() {
    let fs = MemFs::new();
    let mut writer = TableWriter::create(&fs, path(), options()).unwrap();
    let value = vec![0; limits::VALUE_BYTES_MAX + 1];
    let refused = writer.add(InternalKey::new(b"k", sequence(1), Kind::Put), &value).unwrap_err();
    assert!(refused.to_string().contains("the limit is 1073741824"), "{refused}");
    assert_eq!(writer.entry_count(), 0);
}
