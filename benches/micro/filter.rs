//! Bloom filters: building one, and asking it.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on must not")]

use std::{hint::black_box, sync::Arc};

use criterion::{Criterion, Throughput};
use siltstone_benches::{Pairs, filters};
use siltstone_bloom::{Bloom, Filter, FilterPolicy};

const KEYS: usize = 100_000;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let pairs = Pairs::new(KEYS);
    let present = filters::hashes(&pairs.present);
    let mut group = criterion.benchmark_group("filter");

    group.throughput(Throughput::Elements(present.len() as u64));
    group.bench_function("add and finish, 100000 keys", |bencher| {
        bencher.iter(|| filters::build(&present).unwrap());
    });

    let filter: Arc<dyn Filter> = Bloom::default().open(&filters::build(&present).unwrap()).unwrap();
    group.throughput(Throughput::Elements(1));
    for (name, asked) in [("query, hit", present), ("query, miss", filters::hashes(&pairs.absent))] {
        let mut asked = asked.iter().cycle();
        group.bench_function(name, |bencher| {
            bencher.iter(|| filter.may_contain(black_box(*asked.next().unwrap())));
        });
    }
    group.finish();
    criterion.final_summary();
}
