//! The same operations under every combination of strategies, with threads in the background, give the same answers.
//!
//! `METAMORPHIC=50000` is how many operations a run has, and `SEED` what they are drawn from.
//! `METAMORPHIC=50000 cargo test --release -p siltstone-torture metamorphic -- --nocapture` is the long form.
#![expect(clippy::print_stdout, reason = "says what was compared")]

use std::{env, slice};

use siltstone::{
    CompactionSettings, Compression, FifoSettings, LazyLeveledSettings, MemtableSettings, Settings,
};
use siltstone_testkit::seed;
use siltstone_torture::model::{
    Answers, Background,
    operation::{KEYSPACES, Operation, operations},
    run, run_with, shrunk, tiny_lazy_leveled, tiny_leveled,
};

/// Operations of a run.
fn length() -> usize {
    env::var("METAMORPHIC").map_or(5_000, |text| text.parse().expect("a number"))
}

/// A strategy in its default sizes and in tiny ones.
struct Strategy {
    name: &'static str,
    usual: CompactionSettings,
    tiny: CompactionSettings,
    /// Whether it merges by itself.
    merges: bool,
}

/// Every strategy that keeps all data, or does so within its limits.
fn strategies() -> Vec<Strategy> {
    let strategy = |name, usual, tiny, merges| Strategy { name, usual, tiny, merges };
    // More than any run writes, and longer than any takes.
    let fifo = CompactionSettings::Fifo(FifoSettings { bytes_max: 1 << 40, age_ms_max: 1 << 40 });
    vec![
        strategy("size-tiered", CompactionSettings::size_tiered(4), CompactionSettings::size_tiered(4), true),
        strategy("leveled", CompactionSettings::default(), tiny_leveled(2), true),
        strategy(
            "lazy-leveled",
            CompactionSettings::LazyLeveled(LazyLeveledSettings::default()),
            tiny_lazy_leveled(2),
            true,
        ),
        strategy("first-in-first-out", fifo.clone(), fifo, false),
    ]
}

/// One way to run the operations.
struct Combination {
    name: String,
    settings: Settings,
    strategy: &'static str,
    merges: bool,
    is_tiny: bool,
}

/// Strategy by strategy, codec by codec, memtable by memtable, in tiny and in default sizes.
fn combinations() -> Vec<Combination> {
    let mut all = Vec::new();
    for Strategy { name: strategy, usual, tiny, merges } in strategies() {
        for codec in [Compression::None, Compression::Lz4, Compression::Zstd { level: 1 }] {
            for memtable in [MemtableSettings::SkipList, MemtableSettings::BTree] {
                for is_tiny in [true, false] {
                    let sizes = if is_tiny { "tiny" } else { "default sizes" };
                    let compaction = if is_tiny { tiny.clone() } else { usual.clone() };
                    let settings = Settings {
                        compaction,
                        compression: vec![codec],
                        memtable: memtable.clone(),
                        workers: 2,
                        ..Settings::default()
                    };
                    all.push(Combination {
                        name: format!("{strategy}, {codec:?}, {memtable:?}, {sizes}"),
                        settings: if is_tiny { shrunk(settings) } else { settings },
                        strategy,
                        merges,
                        is_tiny,
                    });
                }
            }
        }
    }
    all
}

/// Says what of a combination's own work is missing: a run without it compares nothing.
fn missing(combination: &Combination, answers: &Answers, merges_asked_for: u64) -> Option<&'static str> {
    let Combination { strategy, merges, is_tiny, .. } = combination;
    let checks = [
        (answers.flushes > 0, "nothing was flushed"),
        (answers.compactions > 0, "nothing was merged, not even what was asked for"),
        (
            !merges || !is_tiny || answers.compactions > merges_asked_for,
            "nothing was merged but what was asked for",
        ),
        (
            *merges || answers.compactions <= merges_asked_for,
            "more was merged than was asked for, by a strategy that merges nothing",
        ),
        (*strategy != "leveled" || !is_tiny || answers.levels >= 3, "the tree never had three levels"),
        (*strategy != "leveled" || !is_tiny || answers.moves > 0, "nothing was moved"),
    ];
    checks.into_iter().find(|(holds, _)| !holds).map(|(_, what)| what)
}

/// Compares every other combination with what the first one says without threads, so that two processors have something to do.
fn compare(parity: usize) {
    let (seed, length) = (seed(), length());
    let operations: Vec<Operation> = operations(seed, length);
    let combinations = combinations();
    let plain = slice::from_ref(&combinations.first().unwrap().settings);
    let expected = run(&operations, plain, seed).unwrap_or_else(|what| panic!("SEED={seed}: {what}"));
    let compactions = operations.iter().filter(|operation| **operation == Operation::Compact).count();
    let merges_asked_for = (compactions * KEYSPACES) as u64;
    for combination in combinations.iter().skip(parity).step_by(2) {
        let name = &combination.name;
        let settings = slice::from_ref(&combination.settings);
        let answers = run_with(&operations, settings, seed, Background::Threads)
            .unwrap_or_else(|what| panic!("SEED={seed} METAMORPHIC={length}, {name}: {what}"));
        assert_eq!(answers.crc, expected.crc, "SEED={seed} METAMORPHIC={length}, {name}");
        let Answers { crc, flushes, compactions, moves, levels, .. } = answers;
        println!(
            "SEED={seed}, {length} operations, {name}: {crc:08x}, {flushes} flushes, {compactions} compactions, {moves} moves, {levels} levels"
        );
        let missing = missing(combination, &answers, merges_asked_for);
        assert_eq!(missing, None, "SEED={seed} METAMORPHIC={length}, {name}: {answers:?}");
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
