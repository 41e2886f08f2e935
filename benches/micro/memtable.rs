//! The two memtables: inserting and getting, by one thread.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on must not")]

use std::{hint::black_box, sync::Arc};

use criterion::{BatchSize, BenchmarkGroup, Criterion, Throughput, measurement::WallTime};
use siltstone_benches::{Pairs, memtables};
use siltstone_memtable::{BTreeFactory, Memtable, MemtableFactory, SkipListFactory};
use siltstone_types::{KeyHash, SequenceNumber};

/// Entries that one measured insertion starts from nothing and ends with.
const INSERTED: usize = 10_000;
/// Entries that are there when one is looked up.
const STORED: usize = 100_000;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for factory in [&SkipListFactory as &dyn MemtableFactory, &BTreeFactory] {
        let mut group = criterion.benchmark_group(format!("memtable {}", factory.name()));
        insert(&mut group, factory);
        get(&mut group, factory);
        group.finish();
    }
    criterion.final_summary();
}

fn insert(group: &mut BenchmarkGroup<'_, WallTime>, factory: &dyn MemtableFactory) {
    let pairs = Pairs::new(INSERTED);
    group.throughput(Throughput::Elements(INSERTED as u64));
    for (name, keys) in [
        ("insert, ascending", pairs.present.iter().map(Vec::as_slice).collect()),
        ("insert, random", Pairs::shuffled(&pairs.present)),
    ] {
        // Making and freeing the table is not measured.
        group.bench_function(name, |bencher| {
            let insert_all = |table: &mut Arc<dyn Memtable>| {
                for (key, value) in keys.iter().zip(&pairs.values) {
                    memtables::put(&**table, key, value);
                }
            };
            bencher.iter_batched_ref(|| factory.create(), insert_all, BatchSize::PerIteration);
        });
    }
}

fn get(group: &mut BenchmarkGroup<'_, WallTime>, factory: &dyn MemtableFactory) {
    let pairs = Pairs::new(STORED);
    let table = memtables::filled(factory, &pairs);
    group.throughput(Throughput::Elements(1));
    for (name, keys) in [("get, hit", &pairs.present), ("get, miss", &pairs.absent)] {
        let keys = Pairs::shuffled(keys);
        let mut keys = keys.into_iter().cycle();
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let key = black_box(keys.next().unwrap());
                table.get(key, KeyHash::of(key), SequenceNumber::MAX)
            });
        });
    }
}
