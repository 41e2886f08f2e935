//! One data block of 4 KiB: building, decoding, walking, seeking.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on must not")]

use std::hint::black_box;

use criterion::{BenchmarkGroup, Criterion, Throughput, measurement::WallTime};
use siltstone_benches::{Pairs, blocks};
use siltstone_sstable::{Block, BlockCursor, EntryKind};
use siltstone_types::InternalKey;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let pairs = Pairs::new(1000);
    let block = blocks::first(&pairs).unwrap();
    let keys = blocks::keys(&block).unwrap();
    let mut group = criterion.benchmark_group("block");
    build(&mut group, &pairs, keys.len());
    walk(&mut group, &block, keys.len());
    seek(&mut group, &block, &keys);
    group.finish();
    criterion.final_summary();
}

/// Blocks are built by the writer of tables alone, so what is measured is a table of so many entries: one
/// block and what is around it.
fn build(group: &mut BenchmarkGroup<'_, WallTime>, pairs: &Pairs, entries: usize) {
    group.throughput(Throughput::Elements(entries as u64));
    group.bench_function("build, as a table of one", |bencher| {
        bencher.iter_with_large_drop(|| blocks::build(pairs.iter().take(entries)).unwrap());
    });
}

fn walk(group: &mut BenchmarkGroup<'_, WallTime>, block: &Block, entries: usize) {
    group.throughput(Throughput::Elements(entries as u64));
    group.bench_function("decode and walk", |bencher| {
        bencher.iter(|| blocks::walk(black_box(block)).unwrap());
    });
}

fn seek(group: &mut BenchmarkGroup<'_, WallTime>, block: &Block, keys: &[Vec<u8>]) {
    let mut cursor = BlockCursor::new(block.clone(), EntryKind::Data);
    let mut keys = Pairs::shuffled(keys).into_iter().cycle();
    group.throughput(Throughput::Elements(1));
    group.bench_function("seek", |bencher| {
        bencher.iter(|| {
            cursor.seek(InternalKey::before(black_box(keys.next().unwrap()))).unwrap();
            cursor.value().len()
        });
    });
}
