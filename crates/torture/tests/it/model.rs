//! Whole runs against sorted maps.
//!
//! `SEEDS` is how many seeds are run, `OPERATIONS` how long each run is, and `SEED` is the first one.
//! `SEEDS=1000 cargo test --release -p siltstone-torture model` is the long form.

use std::env;

use siltstone_testkit::{Rng, seed};
use siltstone_torture::model::{
    self, Variant,
    operation::{Expires, KEYSPACES, Keys, Operation, View, Write, operations},
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

fn seeds() -> u64 {
    number("SEEDS", 100)
}

/// Runs every other seed, so that two processors have something to do.
fn run_seeds(parity: u64) {
    let first = seed();
    let variants = variants();
    for seed in (first..first + seeds()).filter(|seed| seed % 2 == parity) {
        let answers = run(&operations(seed, length()), Rng::new(seed).pick(&variants), seed);
        assert!(answers.crc != 0, "nothing was answered");
        assert!(answers.expired >= length() as u64 / 200, "{} lookups of what has expired", answers.expired);
    }
}

#[test]
fn a_database_answers_as_sorted_maps_do_for_even_seeds() {
    run_seeds(0);
}

#[test]
fn a_database_answers_as_sorted_maps_do_for_odd_seeds() {
    run_seeds(1);
}

/// What a run of 10,000 operations has, and how often at least.
const MIX: [(&str, usize); 21] = [
    ("put", 1_000),
    ("put with a time to live", 300),
    ("put until a moment", 300),
    ("wait", 200),
    ("delete", 500),
    ("batch", 500),
    ("batch over keyspaces", 500),
    ("get", 500),
    ("get of a snapshot", 500),
    ("range", 300),
    ("prefix", 100),
    ("forwards", 100),
    ("reverse", 100),
    ("both ways", 300),
    ("range that lives on", 300),
    ("snapshot", 100),
    ("flush", 50),
    ("compact", 10),
    ("reopen or kill", 10),
    ("keyspace created", 50),
    ("keyspace dropped", 20),
];

fn kinds(operation: &Operation) -> Vec<&'static str> {
    match operation {
        Operation::Write { entries, .. } => {
            let kind = |write: &Write| match (&write.value, write.expires) {
                (None, _) => "delete",
                (Some(_), None) => "put",
                (Some(_), Some(Expires::After(_))) => "put with a time to live",
                (Some(_), Some(Expires::At(_))) => "put until a moment",
            };
            let mut kinds: Vec<_> = entries.iter().map(kind).collect();
            kinds.extend((entries.len() > 1).then_some("batch"));
            let is_over_keyspaces = entries.iter().any(|write| write.keyspace != entries[0].keyspace);
            kinds.extend(is_over_keyspaces.then_some("batch over keyspaces"));
            kinds
        }
        Operation::Get { view: View::Now, .. } => vec!["get"],
        Operation::Get { view: View::Snapshot(_), .. } => vec!["get of a snapshot"],
        Operation::Scan { keys, ends, .. } => {
            let way = match ends.from_back {
                0 => "forwards",
                u64::MAX => "reverse",
                _ => "both ways",
            };
            vec![if matches!(keys, Keys::Prefix(_)) { "prefix" } else { "range" }, way]
        }
        Operation::BeginScan { .. } | Operation::EndSnapshot(_) => vec![],
        Operation::GoOn { .. } => vec!["range that lives on"],
        Operation::Wait(_) => vec!["wait"],
        Operation::TakeSnapshot => vec!["snapshot"],
        Operation::Flush => vec!["flush"],
        Operation::Compact => vec!["compact"],
        Operation::Close | Operation::Kill => vec!["reopen or kill"],
        Operation::Create(_) => vec!["keyspace created"],
        Operation::Drop(_) => vec!["keyspace dropped"],
    }
}

#[test]
fn a_run_has_operations_of_every_kind() {
    let found: Vec<_> = operations(seed(), 10_000).iter().flat_map(kinds).collect();
    for (kind, wanted) in MIX {
        let count = found.iter().filter(|found| **found == kind).count();
        assert!(count >= wanted, "{kind}: {count}, not {wanted}");
    }
    assert!(found.iter().all(|found| MIX.iter().any(|(kind, _)| kind == found)));
}

#[test]
fn settings_do_not_change_any_answer() {
    let first = seed();
    for seed in first..first + seeds().div_ceil(100) {
        let operations = operations(seed, length());
        let variants = variants();
        let all: Vec<_> = variants.iter().map(|variant| run(&operations, variant, seed)).collect();
        assert!(all.iter().all(|answers| answers.crc == all[0].crc), "SEED={seed}");
        // Different settings did different work.
        let flushed: Vec<_> = all.iter().map(|answers| answers.flushes).collect();
        assert!(flushed[1] > flushed[0] && flushed[0] > flushed[3], "{flushed:?}");
        let named = |name: &str| {
            let found = variants.iter().zip(&all).find(|(variant, _)| variant.name.starts_with(name));
            found.unwrap_or_else(|| panic!("no variant {name}")).1
        };
        let (fifo, deep) = (named("first-in-first-out"), named("leveled, each level twice"));
        // First-in-first-out merges what it is asked to merge, and nothing else.
        let asked = operations.iter().filter(|operation| **operation == Operation::Compact).count() as u64;
        assert!(fifo.compactions <= asked * KEYSPACES as u64, "{fifo:?}, {asked} asked for");
        assert!(fifo.compactions * 2 < all[0].compactions, "{fifo:?} and {:?}", all[0]);
        assert!(deep.levels >= 3 && deep.moves > 0, "{deep:?}");
        assert!(named("another strategy").levels > 1);
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
