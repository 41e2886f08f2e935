//! Appending to a log in memory: what a log costs without a disk.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on must not")]

use std::path::Path;

use criterion::{BatchSize, Criterion, Throughput};
use siltstone_benches::VALUE_BYTES;
use siltstone_testkit::Rng;
use siltstone_vfs::MemFs;
use siltstone_wal::{LogId, LogWriter, Payload, Purpose, Record, WriterOptions};

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
            let append_all = |log: &mut LogWriter| append(log, &payloads, records_per_group);
            bencher.iter_batched_ref(create, append_all, BatchSize::PerIteration);
        });
    }
    group.finish();
    criterion.final_summary();
}

fn create() -> LogWriter {
    let id = LogId { purpose: Purpose::WRITE_AHEAD, number: 1, identity: [0; 16] };
    LogWriter::create(&MemFs::new(), Path::new("/000001.log"), id, WriterOptions::default()).unwrap()
}

/// The crc of the payloads is computed here too, as each writer does for its own.
fn append(log: &mut LogWriter, payloads: &[Vec<u8>], records_per_group: usize) {
    let mut records = Vec::with_capacity(records_per_group);
    for group in payloads.chunks(records_per_group) {
        records.extend(group.iter().map(|payload| Record { tag: 1, payload: Payload::new(payload) }));
        log.append(&records).unwrap();
        records.clear();
    }
}
