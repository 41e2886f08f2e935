//! Whole runs against sorted maps.
//!
//! `SEEDS` is how many seeds are run, `OPERATIONS` how long each run is, and `SEED` is the first one.
//! `SEEDS=100 OPERATIONS=10000 cargo test --release -p siltstone-torture model` is the long form.

use std::env;

use siltstone_testkit::{Rng, seed};
use siltstone_torture::model::{
    self, Variant,
    operation::{Operation, operations},
    variants,
};

fn number(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

fn length() -> usize {
    usize::try_from(number("OPERATIONS", 10_000)).unwrap()
}

/// Runs operations; a failure is made shorter, and told with its seed.
fn run(operations: &[Operation], variant: &Variant, seed: u64) -> model::Answers {
    model::run(operations, &variant.settings, seed).unwrap_or_else(|first| {
        let fails = |shorter: &[Operation]| model::run(shorter, &variant.settings, seed).is_err();
        let shortest = model::shrink(operations, fails);
        let last = model::run(&shortest, &variant.settings, seed).err();
        panic!(
            "SEED={seed} OPERATIONS={}, {}: {first}\n{} operations are enough: {shortest:?}\n{last:?}",
            operations.len(),
            variant.name,
            shortest.len(),
        )
    })
}

#[test]
fn a_database_answers_as_sorted_maps_do() {
    let first = seed();
    let variants = variants();
    for seed in first..first + number("SEEDS", 10) {
        let answers = run(&operations(seed, length()), Rng::new(seed).pick(&variants), seed);
        assert!(answers.crc != 0, "nothing was answered");
    }
}

#[test]
fn settings_do_not_change_any_answer() {
    let first = seed();
    for seed in first..first + number("SEEDS", 10).div_ceil(10) {
        let operations = operations(seed, length());
        let all: Vec<_> = variants().iter().map(|variant| run(&operations, variant, seed)).collect();
        assert!(all.iter().all(|answers| answers.crc == all[0].crc), "SEED={seed}");
        // Different settings did different work.
        let flushed: Vec<_> = all.iter().map(|answers| answers.flushes).collect();
        assert!(flushed[1] > flushed[0] && flushed[0] > flushed[3], "{flushed:?}");
        assert!(all[0].compactions > 0);
    }
}

#[test]
fn a_run_is_a_function_of_its_seed() {
    let seed = seed();
    let operations = operations(seed, length());
    let variant = &variants()[9];
    let answers = run(&operations, variant, seed);
    assert_eq!(answers, run(&operations, variant, seed));
    assert_ne!(
        answers.fs_operations,
        run(&operations, variant, seed + 1).fs_operations,
        "the order never differs"
    );
}

#[test]
fn a_failing_run_is_made_shorter() {
    let operations = operations(1, 500);
    let is_drop = |operation: &&Operation| matches!(operation, Operation::Drop(_));
    let fails = |operations: &[Operation]| operations.iter().filter(is_drop).count() >= 2;
    assert!(fails(&operations));
    assert_eq!(model::shrink(&operations, fails).len(), 2);
}
