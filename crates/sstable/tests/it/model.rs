//! Tables answer as a sorted list of their entries does.

use proptest::prelude::*;
use siltstone_sstable::{Compression, CursorOptions, FillCache, FilterAnswer, Handle, QuickBlockCache};
use siltstone_sstable::{OpenOptions, Table, TableOptions, VerifyOptions, verify};
use siltstone_testkit::{cursor, entries, entries::Owned};
use siltstone_types::{Cursor, KeyHash, SequenceNumber};
use siltstone_vfs::MemFs;
use std::sync::Arc;

use crate::fixture::{
    bytes, compressions, expected, open, options, path, scan, sequence, with_filter, write,
};

fn check_gets(table: &Table, entries: &[Owned]) {
    for (user_key, tag, _) in entries {
        let own = tag.sequence().get();
        for at in [0, own.saturating_sub(1), own, own + 1, SequenceNumber::MAX.get()] {
            let found = table.get(user_key, KeyHash::of(user_key), sequence(at)).unwrap();
            assert_eq!(found, expected(entries, user_key, sequence(at)), "{user_key:?} at {at}");
        }
        let absent = [user_key.as_slice(), b"\0"].concat();
        let found = table.get(&absent, KeyHash::of(&absent), SequenceNumber::MAX).unwrap();
        assert_eq!(found, expected(entries, &absent, SequenceNumber::MAX), "{absent:?}");
    }
}

fn any_options() -> impl Strategy<Value = TableOptions> {
    let block_bytes = prop_oneof![Just(1_usize), 2..600_usize, Just(4096_usize)];
    let compression = proptest::sample::select(compressions());
    (block_bytes, 1..20_usize, compression, any::<bool>()).prop_map(
        |(block_bytes, restart_interval, compression, filter)| {
            let options = TableOptions { block_bytes, restart_interval, compression, ..options() };
            if filter { with_filter(options) } else { options }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn what_is_written_is_read(
        options in any_options(),
        seed: u64,
        count in 1_usize..120,
        cached: bool,
        readahead in 0_usize..3,
    ) {
        let entries = entries::random(seed, count);
        let fs = MemFs::new();
        let summary = write(&fs, options, &entries).unwrap();
        let cache = cached.then(|| Arc::new(QuickBlockCache::new(20_000, 1000)) as Arc<_>);
        let table = Table::open(&fs, path(), OpenOptions { cache, ..OpenOptions::default() }).unwrap();

        check_gets(&table, &entries);
        let fill_cache = if seed % 2 == 0 { FillCache::Yes } else { FillCache::No };
        let options = CursorOptions { fill_cache, readahead_bytes: readahead * 3000 };
        prop_assert_eq!(&scan(&table, options).0, &entries);
        let make = || -> Box<dyn Cursor> { Box::new(table.cursor(options)) };
        cursor::check(make, &entries, seed, 300);

        prop_assert_eq!(table.properties(), &summary.properties);
        let file_crc = Some(summary.file_crc);
        let report = verify(&fs, path(), &VerifyOptions { file_crc, ..VerifyOptions::default() }).unwrap();
        prop_assert_eq!(report.properties.entries, count as u64);
    }
}

#[test]
fn separators_lie_between_their_blocks_and_are_short() {
    let entries = entries::random(7, 500);
    let table = open(&bytes(TableOptions { block_bytes: 300, ..options() }, &entries)).unwrap();
    let index = table.index_entries().unwrap();
    assert!(index.len() > 20);
    let mut blocks = entries.as_slice();
    let mut shortened = 0;
    for (idx, entry) in index.iter().enumerate() {
        let block_len = blocks.partition_point(|other| entries::key_of(other) <= entry.separator());
        let (block, rest) = blocks.split_at(block_len);
        let read = siltstone_sstable::BlockCursor::new(
            table.read_block(entry.handle).unwrap(),
            siltstone_sstable::EntryKind::Data,
        );
        assert_eq!(count(read), block.len(), "block {idx}");
        shortened += usize::from(entry.user_key.len() < block.last().unwrap().0.len());
        blocks = rest;
    }
    assert!(blocks.is_empty());
    assert!(shortened > index.len() / 4, "{shortened} of {}", index.len());
}

fn count(mut cursor: siltstone_sstable::BlockCursor) -> usize {
    let mut count = 0;
    cursor.first().unwrap();
    while cursor.valid() {
        count += 1;
        cursor.next().unwrap();
    }
    count
}

#[test]
fn a_filter_spares_reads_of_absent_keys_and_never_hides_a_key() {
    let entries = entries::random(3, 1000);
    let table = open(&bytes(with_filter(options()), &entries)).unwrap();
    assert_eq!(table.filter_name(), Some("fastbloom.1"));
    for (user_key, ..) in &entries {
        assert_eq!(table.filter_answer(KeyHash::of(user_key)), FilterAnswer::Maybe);
    }
    let maybe = (0..1000_u32)
        .filter(|n| table.filter_answer(KeyHash::of(format!("absent {n}").as_bytes())) != FilterAnswer::No)
        .count();
    assert!(maybe < 50, "{maybe} false answers of 1000");
    check_gets(&table, &entries);
}

#[test]
fn blocks_are_compressed_when_it_saves_an_eighth() {
    let alike: Vec<Owned> = entries::random(1, 50)
        .into_iter()
        .map(|(key, tag, v)| (key, tag, v.iter().map(|_| b'a').collect()))
        .collect();
    for compression in compressions().into_iter().filter(|&compression| compression != Compression::None) {
        let codec = |entries: &[Owned]| {
            let table =
                open(&bytes(TableOptions { compression, block_bytes: 1 << 20, ..options() }, entries))
                    .unwrap();
            let handle: Handle = table.index_entries().unwrap()[0].handle;
            let trailer = table.trailer(handle, siltstone_sstable::Role::Data).unwrap();
            (trailer.codec, handle.stored_bytes, trailer.raw_bytes)
        };
        let (id, stored_bytes, raw_bytes) = codec(&alike);
        assert_eq!(id, compression.compressor().unwrap().unwrap().codec());
        assert!(stored_bytes <= raw_bytes - raw_bytes / 8, "{stored_bytes} of {raw_bytes}");
        let mut random = siltstone_testkit::Rng::new(1);
        let noise = vec![(b"k".to_vec(), alike[0].1, random.bytes(5000))];
        let (id, stored_bytes, raw_bytes) = codec(&noise);
        assert_eq!((id.0, stored_bytes), (0, raw_bytes));
    }
}
