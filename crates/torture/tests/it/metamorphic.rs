//! The same operations under every combination of strategies, with threads in the background, give the same answers.
//!
//! `METAMORPHIC=50000` is how many operations a run has, and `SEED` what they are drawn from.
//! `METAMORPHIC=50000 cargo test --release -p siltstone-torture metamorphic -- --nocapture` is the long form.
#![expect(clippy::print_stdout, reason = "says what was compared")]

use std::env;

use siltstone::{CompactionSettings, Compression, MemtableSettings, Settings};
use siltstone_testkit::seed;
use siltstone_torture::model::{
    Background,
    operation::{Operation, operations},
    run, run_with,
};

/// Operations of a run.
fn length() -> usize {
    env::var("METAMORPHIC").map_or(5_000, |text| text.parse().expect("a number"))
}

/// Every strategy that keeps all data, or does so within its limits.
fn strategies() -> Vec<(&'static str, CompactionSettings)> {
    vec![("size-tiered", CompactionSettings::size_tiered(4))]
}

/// Strategy by strategy, codec by codec, memtable by memtable, in tiny and in default sizes.
fn combinations() -> Vec<(String, Settings)> {
    let mut all = Vec::new();
    for (strategy, compaction) in strategies() {
        for codec in [Compression::None, Compression::Lz4, Compression::Zstd { level: 1 }] {
            for memtable in [MemtableSettings::SkipList, MemtableSettings::BTree] {
                for is_tiny in [true, false] {
                    let name = format!(
                        "{strategy}, {codec:?}, {memtable:?}, {}",
                        if is_tiny { "tiny" } else { "default sizes" }
                    );
                    let settings = Settings {
                        compaction: compaction.clone(),
                        compression: vec![codec],
                        memtable: memtable.clone(),
                        workers: 2,
                        ..Settings::default()
                    };
                    all.push((name, if is_tiny { shrunk(settings) } else { settings }));
                }
            }
        }
    }
    all
}

/// Everything happens after a few entries.
fn shrunk(settings: Settings) -> Settings {
    Settings {
        memtable_entries_max: 24,
        block_bytes: 128,
        table_bytes_max: 1000,
        log_bytes_max: 4000,
        manifest_bytes_max: 20_000,
        open_tables_max: 8,
        cache_bytes: 10_000,
        ..settings
    }
}

/// Compares every other combination with what the first one says without threads, so that two processors have something to do.
fn compare(parity: usize) {
    let (seed, length) = (seed(), length());
    let operations: Vec<Operation> = operations(seed, length);
    let combinations = combinations();
    let (_, plain) = combinations.first().unwrap();
    let expected = run(&operations, plain, seed).unwrap_or_else(|what| panic!("SEED={seed}: {what}"));
    for (name, settings) in combinations.iter().skip(parity).step_by(2) {
        let answers = run_with(&operations, settings, seed, Background::Threads)
            .unwrap_or_else(|what| panic!("SEED={seed} METAMORPHIC={length}, {name}: {what}"));
        assert_eq!(answers.crc, expected.crc, "SEED={seed} METAMORPHIC={length}, {name}");
        println!(
            "SEED={seed}, {length} operations, {name}: {:08x}, {} flushes, {} compactions",
            answers.crc, answers.flushes, answers.compactions
        );
        assert!(answers.flushes > 0 && answers.compactions > 0, "{name}: nothing happened");
    }
}

#[test]
fn tiny_databases_answer_alike_under_all_strategies() {
    compare(0);
}

#[test]
fn databases_of_default_size_answer_alike_under_all_strategies() {
    compare(1);
}
