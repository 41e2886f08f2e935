//! Bloom filters: building one, and asking it.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on must not")]

use std::{hint::black_box, sync::Arc};

use criterion::{Criterion, Throughput};
use siltstone_benches::Pairs;
use siltstone_bloom::{Bloom, Filter, FilterContext, FilterPolicy};
use siltstone_types::KeyHash;

const KEYS: usize = 100_000;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let pairs = Pairs::new(KEYS);
    let present = hashes(&pairs.present);
    let mut group = criterion.benchmark_group("filter");

    group.throughput(Throughput::Elements(present.len() as u64));
    group.bench_function("add and finish, 100000 keys", |bencher| bencher.iter(|| build(&present)));

    let filter: Arc<dyn Filter> = Bloom::default().open(&build(&present)).unwrap();
    group.throughput(Throughput::Elements(1));
    for (name, asked) in [("query, hit", present), ("query, miss", hashes(&pairs.absent))] {
        let mut asked = asked.iter().cycle();
        group.bench_function(name, |bencher| {
            bencher.iter(|| filter.may_contain(black_box(*asked.next().unwrap())));
        });
    }
    group.finish();
    criterion.final_summary();
}

/// 10 bits for each key.
fn build(hashes: &[u64]) -> Vec<u8> {
    let context = FilterContext { level: 0, level_count: 1, key_count_max: hashes.len() as u64 };
    let mut builder = Bloom::default().builder(context).unwrap();
    for &hash in hashes {
        builder.add(hash);
    }
    builder.finish()
}

fn hashes(keys: &[Vec<u8>]) -> Vec<u64> {
    Pairs::shuffled(keys).into_iter().map(|key| KeyHash::of(key).get()).collect()
}
