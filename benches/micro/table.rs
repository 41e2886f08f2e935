//! A table in memory: lookups and scans without a disk.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on must not")]

use std::{hint::black_box, path::Path, sync::Arc};

use criterion::{BenchmarkGroup, Criterion, Throughput, measurement::WallTime};
use siltstone_benches::{Pairs, write_table};
use siltstone_bloom::{Bloom, FilterPolicy};
use siltstone_sstable::{BlockCache, CursorOptions, OpenOptions, QuickBlockCache, Table, TableOptions};
use siltstone_types::{Cursor, KeyHash, SequenceNumber};
use siltstone_vfs::MemFs;

const KEYS: usize = 50_000;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let pairs = Pairs::new(KEYS);
    let filter: Arc<dyn FilterPolicy> = Arc::new(Bloom::default());
    let plain = open(&pairs, None, None);
    let filtered = open(&pairs, Some(filter), None);
    // Larger than the table: after the first round every block is in it.
    let cached = open(&pairs, None, Some(Arc::new(QuickBlockCache::new(64 << 20, 4096))));

    let mut group = criterion.benchmark_group("table");
    get(&mut group, "get, hit, block read and checked", &plain, &pairs.present);
    get(&mut group, "get, hit, block from the cache", &cached, &pairs.present);
    get(&mut group, "get, miss, block read and checked", &plain, &pairs.absent);
    get(&mut group, "get, miss, block from the cache", &cached, &pairs.absent);
    get(&mut group, "get, miss, filter of 10 bits", &filtered, &pairs.absent);
    scan(&mut group, "scan, blocks read and checked", &plain);
    scan(&mut group, "scan, blocks from the cache", &cached);
    group.finish();
    criterion.final_summary();
}

fn open(
    pairs: &Pairs,
    filter: Option<Arc<dyn FilterPolicy>>,
    cache: Option<Arc<dyn BlockCache>>,
) -> Arc<Table> {
    let (fs, path) = (MemFs::new(), Path::new("/000001.sst"));
    write_table(&fs, path, TableOptions { filter, ..TableOptions::default() }, pairs.iter()).unwrap();
    Table::open(&fs, path, OpenOptions { cache, ..OpenOptions::default() }).unwrap()
}

fn get(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, table: &Table, keys: &[Vec<u8>]) {
    let mut keys = Pairs::shuffled(keys).into_iter().cycle();
    group.throughput(Throughput::Elements(1));
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            let key = black_box(keys.next().unwrap());
            table.get(key, KeyHash::of(key), SequenceNumber::MAX).unwrap()
        });
    });
}

fn scan(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, table: &Arc<Table>) {
    group.throughput(Throughput::Elements(KEYS as u64));
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            let mut cursor = table.cursor(CursorOptions::default());
            let mut bytes = 0;
            cursor.first().unwrap();
            while cursor.valid() {
                bytes += cursor.key().user_key.len() + cursor.value().len();
                cursor.next().unwrap();
            }
            bytes
        });
    });
}
