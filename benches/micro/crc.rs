//! The checksum of everything.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use siltstone_testkit::Rng;

/// A data block.
const BYTES: usize = 4096;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let bytes = Rng::new(17).bytes(BYTES);
    let mut group = criterion.benchmark_group("crc");
    group.throughput(Throughput::Bytes(BYTES as u64));
    group.bench_function("crc32c of 4 KiB", |bencher| bencher.iter(|| crc32c::crc32c(black_box(&bytes))));
    group.finish();
    criterion.final_summary();
}
