//! One data block of 4 KiB: building, decoding, walking, seeking.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on must not")]

use std::{hint::black_box, path::Path};

use criterion::{BenchmarkGroup, Criterion, Throughput, measurement::WallTime};
use siltstone_benches::{Pairs, write_table};
use siltstone_sstable::{Block, BlockCursor, EntryKind, OpenOptions, Table, TableOptions};
use siltstone_types::InternalKey;
use siltstone_vfs::MemFs;

const PATH: &str = "/000001.sst";
/// Raw bytes of a block; the last entry goes beyond.
const BLOCK_BYTES: usize = 4096;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let pairs = Pairs::new(1000);
    let block = first_block(&pairs);
    let keys = keys_of(&block);
    let mut group = criterion.benchmark_group("block");
    build(&mut group, &pairs, keys.len());
    walk(&mut group, &block, keys.len());
    seek(&mut group, &block, &keys);
    group.finish();
    criterion.final_summary();
}

fn options() -> TableOptions {
    TableOptions { block_bytes: BLOCK_BYTES, ..TableOptions::default() }
}

fn first_block(pairs: &Pairs) -> Block {
    let fs = MemFs::new();
    write_table(&fs, Path::new(PATH), options(), pairs.iter()).unwrap();
    let table = Table::open(&fs, Path::new(PATH), OpenOptions::default()).unwrap();
    table.read_block(table.index_entries().unwrap()[0].handle).unwrap()
}

fn keys_of(block: &Block) -> Vec<Vec<u8>> {
    let mut cursor = BlockCursor::new(block.clone(), EntryKind::Data);
    let mut keys = Vec::new();
    cursor.first().unwrap();
    while cursor.valid() {
        keys.push(cursor.key().user_key.to_vec());
        cursor.next().unwrap();
    }
    keys
}

/// Blocks are built by the writer of tables alone, so what is measured is a table of so many entries: one
/// block and what is around it.
fn build(group: &mut BenchmarkGroup<'_, WallTime>, pairs: &Pairs, entries: usize) {
    group.throughput(Throughput::Elements(entries as u64));
    group.bench_function("build, as a table of one", |bencher| {
        bencher.iter_with_large_drop(|| {
            let fs = MemFs::new();
            write_table(&fs, Path::new(PATH), options(), pairs.iter().take(entries)).unwrap();
            fs
        });
    });
}

fn walk(group: &mut BenchmarkGroup<'_, WallTime>, block: &Block, entries: usize) {
    group.throughput(Throughput::Elements(entries as u64));
    group.bench_function("decode and walk", |bencher| {
        bencher.iter(|| {
            let block = Block::parse(black_box(block.raw().clone())).unwrap();
            let mut cursor = BlockCursor::new(block, EntryKind::Data);
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
