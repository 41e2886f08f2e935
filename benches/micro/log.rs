//! Appending to a log in memory: what a log costs without a disk.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on must not")]

use criterion::{BatchSize, Criterion, Throughput};
use siltstone_benches::{VALUE_BYTES, logs};
use siltstone_testkit::Rng;
use siltstone_wal::LogWriter;

/// Records in a log at the end. Each measured log is new, so that memory does not grow from one to the next.
const RECORDS: usize = 10_000;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut rng = Rng::new(17);
    let payloads: Vec<_> = (0..RECORDS).map(|_| rng.bytes(VALUE_BYTES)).collect();
    let mut group = criterion.benchmark_group("log");
    group.throughput(Throughput::Elements(RECORDS as u64));
    for records_per_group in [1, 100] {
        let name = format!("append, groups of {records_per_group}");
        group.bench_function(name, |bencher| {
            let append_all = |log: &mut LogWriter| logs::append(log, &payloads, records_per_group).unwrap();
            bencher.iter_batched_ref(|| logs::create().unwrap(), append_all, BatchSize::PerIteration);
        });
    }
    group.finish();
    criterion.final_summary();
}
