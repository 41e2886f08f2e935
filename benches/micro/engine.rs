//! The whole engine in memory and on one thread: puts, lookups, scans, merging.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on must not")]

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkGroup, Criterion, Throughput, measurement::WallTime};
use siltstone::Db;
use siltstone_benches::{Pairs, databases};

const KEYS: usize = 50_000;
/// Runs that are merged.
const RUNS: usize = 4;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let pairs = Pairs::new(KEYS);
    let in_memtable = databases::in_memtable(&pairs).unwrap();
    let in_one_run = databases::in_one_run(&pairs).unwrap();
    let in_runs = databases::in_runs(&pairs, RUNS).unwrap();

    let mut group = criterion.benchmark_group("engine");
    get(&mut group, "get, hit, memtable", &in_memtable, &pairs.present);
    get(&mut group, "get, hit, block from the cache", &in_one_run, &pairs.present);
    get(&mut group, "get, hit, one of four runs", &in_runs, &pairs.present);
    get(&mut group, "get, miss, filter of 10 bits", &in_one_run, &pairs.absent);
    get(&mut group, "get, miss, four filters", &in_runs, &pairs.absent);

    group.throughput(Throughput::Elements(KEYS as u64));
    for (name, db) in [("memtable", &in_memtable), ("one run", &in_one_run), ("four runs", &in_runs)] {
        group
            .bench_function(format!("scan, {name}"), |bencher| bencher.iter(|| databases::scan(db).unwrap()));
        group.bench_function(format!("scan backward, {name}"), |bencher| {
            bencher.iter(|| databases::scan_backward(db).unwrap());
        });
    }
    write(&mut group, &pairs);
    group.finish();
    criterion.final_summary();
}

fn get(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, db: &Db, keys: &[Vec<u8>]) {
    let mut keys = Pairs::shuffled(keys).into_iter().cycle();
    group.throughput(Throughput::Elements(1));
    group.bench_function(name, |bencher| bencher.iter(|| db.get(black_box(keys.next().unwrap())).unwrap()));
}

/// Making the databases, and dropping them, is not measured.
fn write(group: &mut BenchmarkGroup<'_, WallTime>, pairs: &Pairs) {
    group.sample_size(20);
    group.bench_function("put, random order, buffered", |bencher| {
        let fill = |db: &mut Db| databases::fill(db, pairs).unwrap();
        bencher.iter_batched_ref(|| databases::create().unwrap(), fill, BatchSize::PerIteration);
    });
    group.bench_function("merge, four runs into one", |bencher| {
        let compact = |db: &mut Db| db.compact().unwrap();
        bencher.iter_batched_ref(
            || databases::in_runs(pairs, RUNS).unwrap(),
            compact,
            BatchSize::PerIteration,
        );
    });
}
