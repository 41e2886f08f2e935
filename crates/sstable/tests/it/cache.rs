//! Blocks in a cache.

use std::sync::Arc;

use siltstone_sstable::{
    BlockCache, BlockSource, CursorOptions, FillCache, FilterAnswer, OpenOptions, QuickBlockCache, ReadTrace,
    Table, TableOptions, VerifyOptions, verify,
};
use siltstone_testkit::entries;
use siltstone_types::{KeyHash, SequenceNumber};
use siltstone_vfs::MemFs;

use crate::fixture::{expected, options, path, scan, with_filter, write};

#[derive(Debug, Default, PartialEq, Eq)]
struct Listener {
    filter: Vec<FilterAnswer>,
    blocks: Vec<BlockSource>,
}

impl ReadTrace for Listener {
    fn filter(&mut self, answer: FilterAnswer) {
        self.filter.push(answer);
    }
    fn block(&mut self, source: BlockSource, raw_bytes: usize) {
        assert!(raw_bytes > 0);
        self.blocks.push(source);
    }
}

fn opened(fs: &MemFs, cache: &Arc<QuickBlockCache>, cache_number: u64) -> Arc<Table> {
    let cache = Some(Arc::clone(cache) as Arc<dyn BlockCache>);
    Table::open(fs, path(), OpenOptions { cache, cache_number, ..OpenOptions::default() }).unwrap()
}

fn traced(table: &Table, user_key: &[u8]) -> Listener {
    let mut listener = Listener::default();
    table.get_traced(user_key, KeyHash::of(user_key), SequenceNumber::MAX, &mut listener).unwrap();
    listener
}

#[test]
fn a_block_is_read_once_and_then_found_in_the_cache() {
    let (fs, cache) = (MemFs::new(), Arc::new(QuickBlockCache::new(1 << 20, 4096)));
    write(&fs, with_filter(options()), &entries::random(1, 300)).unwrap();
    let table = opened(&fs, &cache, 1);
    let key = table.properties().smallest.clone();
    let (maybe, file, hit) = (vec![FilterAnswer::Maybe], vec![BlockSource::File], vec![BlockSource::Cache]);
    assert_eq!(traced(&table, &key), Listener { filter: maybe.clone(), blocks: file });
    assert_eq!(traced(&table, &key), Listener { filter: maybe, blocks: hit });
    let absent = (0..10_000)
        .map(|n: u32| n.to_le_bytes())
        .find(|key| table.filter_answer(KeyHash::of(key)) == FilterAnswer::No);
    let none = Listener { filter: vec![FilterAnswer::No], blocks: Vec::new() };
    assert_eq!(traced(&table, &absent.unwrap()), none, "a filter's no spares the block");
    let stats = cache.stats();
    assert_eq!((stats.hits, stats.misses, stats.block_count), (1, 1, 1));
}

#[test]
fn tables_of_other_numbers_do_not_share_blocks() {
    let cache = Arc::new(QuickBlockCache::new(1 << 20, 4096));
    let mut tables = Vec::new();
    for number in [1, 2] {
        let (fs, entries) = (MemFs::new(), entries::random(number, 50));
        write(&fs, options(), &entries).unwrap();
        tables.push((opened(&fs, &cache, number), entries));
    }
    for _ in 0..2 {
        for (table, entries) in &tables {
            for (user_key, ..) in entries {
                let found = table.get(user_key, KeyHash::of(user_key), SequenceNumber::MAX).unwrap();
                assert_eq!(found, expected(entries, user_key, SequenceNumber::MAX));
            }
        }
    }
}

#[test]
fn a_cursor_fills_the_cache_only_when_asked_to() {
    let (fs, cache) = (MemFs::new(), Arc::new(QuickBlockCache::new(1 << 20, 4096)));
    write(&fs, options(), &entries::random(1, 1000)).unwrap();
    let table = opened(&fs, &cache, 1);
    for readahead_bytes in [0, 100_000] {
        scan(&table, CursorOptions { fill_cache: FillCache::No, readahead_bytes }).1.unwrap();
        assert_eq!(cache.stats().block_count, 0);
    }
    scan(&table, CursorOptions { fill_cache: FillCache::Yes, readahead_bytes: 100_000 }).1.unwrap();
    assert_eq!(cache.stats().block_count, table.properties().data_blocks);
}

#[test]
fn the_cache_stays_within_its_capacity_and_counts_overhead() {
    let (fs, cache) = (MemFs::new(), Arc::new(QuickBlockCache::new(100_000, 1000)));
    write(&fs, TableOptions { block_bytes: 1000, ..options() }, &entries::random(1, 5000)).unwrap();
    let table = opened(&fs, &cache, 1);
    scan(&table, CursorOptions::default()).1.unwrap();
    let stats = cache.stats();
    assert!(stats.block_count < table.properties().data_blocks);
    assert!(stats.used_bytes <= stats.capacity_bytes && stats.capacity_bytes <= 100_000, "{stats:?}");
    assert!(stats.used_bytes > 50_000, "{stats:?}");

    let roomy = Arc::new(QuickBlockCache::new(100 << 20, 1000));
    scan(&opened(&fs, &roomy, 1), CursorOptions::default()).1.unwrap();
    let (stats, report) = (roomy.stats(), verify(&fs, path(), &VerifyOptions::default()).unwrap());
    assert_eq!(stats.block_count, report.properties.data_blocks);
    assert!(stats.used_bytes >= report.raw_bytes + stats.block_count * 100, "{stats:?}");
}

#[test]
fn shards_leave_room_for_many_blocks() {
    for (capacity_bytes, block_bytes, shard_count) in [
        (0, 4096, 1),
        (1000, 4096, 1),
        (1 << 20, 4096, 4),
        (1 << 30, 4096, 64),
        (64 << 20, 1 << 20, 2),
        (1 << 20, 0, 64),
    ] {
        let cache = QuickBlockCache::new(capacity_bytes, block_bytes);
        assert_eq!(cache.shard_count(), shard_count, "{capacity_bytes} {block_bytes}");
        let shard_bytes = capacity_bytes / shard_count as u64;
        assert!(shard_count == 1 || shard_bytes >= 16 * block_bytes as u64, "{capacity_bytes} {block_bytes}");
    }
}
