//! First-in-first-out against a history with the oldest tables cut off.
//!
//! `SEEDS` is how many seeds are run under each limit, and `SEED` is the first one.
#![expect(clippy::print_stdout, reason = "says what was done, and which seed caught a bug")]

use std::env;

use siltstone::{
    CompactionStrategy, Fifo, FifoSettings,
    compaction::{Action, Debt, Job, Reason, TreeView, runs_by_age},
    planted::Bug,
};
use siltstone_testkit::seed;
use siltstone_torture::fifo::{Keys, Plan, Report, run};

const BYTES_MAX: u64 = 8_000;

/// By size, by age, and by both.
fn limits() -> [FifoSettings; 3] {
    [
        FifoSettings { bytes_max: BYTES_MAX, ..FifoSettings::default() },
        FifoSettings { age_ms_max: 500, ..FifoSettings::default() },
        FifoSettings { bytes_max: BYTES_MAX, age_ms_max: 500 },
    ]
}

fn plan(seed: u64, limits: FifoSettings) -> Plan {
    Plan { seed, operations: 600, keys: Keys::Few, limits, bug: None, strategy: None }
}

#[test]
fn only_whole_oldest_tables_go_and_no_snapshot_loses_any() {
    let seeds: u64 = env::var("SEEDS").map_or(2, |text| text.parse().expect("a number"));
    for limits in limits() {
        let mut all = Report::default();
        for seed in seed()..seed() + seeds {
            let told = |what| panic!("SEED={seed}, {limits:?}: {what}");
            let ascending = Plan { keys: Keys::Ascending, ..plan(seed, limits.clone()) };
            run(&ascending).unwrap_or_else(told);
            let report = run(&plan(seed, limits.clone())).unwrap_or_else(told);
            assert!(report.dropped >= 5 && report.tables > report.dropped, "SEED={seed}: {report:?}");
            all.tables += report.tables;
            all.dropped += report.dropped;
            all.keys_gone += report.keys_gone;
            all.snapshots += report.snapshots;
            all.held_up += report.held_up;
            all.reopens += report.reopens;
        }
        println!("{limits:?}: {all:?}");
        assert!(all.keys_gone > seeds && all.reopens > 2 * seeds && all.snapshots > 20 * seeds, "{all:?}");
        let is_by_size = limits.bytes_max == BYTES_MAX;
        assert!(!is_by_size || all.held_up > seeds, "{all:?}");
    }
}

#[test]
fn a_run_is_a_function_of_its_seed() {
    for limits in limits() {
        let report = || run(&plan(3, limits.clone())).unwrap();
        assert_eq!(report(), report());
    }
}

/// Drops the oldest table but one.
#[derive(Debug)]
struct SecondOldest(Fifo);

impl CompactionStrategy for SecondOldest {
    fn name(&self) -> &'static str {
        "second-oldest"
    }

    fn plan(&self, view: &TreeView<'_>) -> Option<Job> {
        let mut job = self.0.plan(view)?;
        let mut oldest_first: Vec<_> = runs_by_age(view.levels).flat_map(|(_, run)| &run.tables).collect();
        oldest_first.reverse();
        let second = oldest_first.get(1)?;
        if !view.running.is_empty() || view.snapshots.iter().any(|seen| *seen >= second.first_sequence) {
            return None;
        }
        job.inputs = vec![second.id];
        Some(Job { action: Action::Drop, reason: Reason::new("wrong", "the oldest but one"), ..job })
    }

    fn debt(&self, _: &TreeView<'_>) -> Debt {
        Debt::ZERO
    }
}

fn second_oldest() -> Box<dyn CompactionStrategy> {
    Box::new(SecondOldest(Fifo { bytes_max: BYTES_MAX, ..Fifo::default() }))
}

/// A name, the plan of a seed, and what must be found.
type Planted<'a> = (&'a str, &'a dyn Fn(u64) -> Plan, &'a str);

#[test]
fn a_drop_that_ignores_snapshots_and_one_that_passes_over_the_oldest_are_found() {
    let [by_size, by_age, _] = limits();
    let ignoring = |seed, limits: &FifoSettings| Plan {
        bug: Some(Bug::DropIgnoresSnapshots),
        ..plan(seed, limits.clone())
    };
    // Where tables overlap, the engine itself refuses what would show older versions again.
    let passing_over =
        |seed| Plan { strategy: Some(second_oldest), keys: Keys::Ascending, ..plan(seed, by_size.clone()) };
    let planted: [Planted<'_>; 3] = [
        ("snapshots are ignored, by size", &|seed| ignoring(seed, &by_size), "a snapshot has changed"),
        ("snapshots are ignored, by age", &|seed| ignoring(seed, &by_age), "a snapshot has changed"),
        ("the second oldest goes", &passing_over, "not what was written without the oldest tables"),
    ];
    for (name, plan, expected) in planted {
        let mut found = (1..20).filter_map(|seed| run(&plan(seed)).err().map(|what| (seed, what)));
        let (seed, what) = found.next().unwrap_or_else(|| panic!("{name}: not found"));
        println!("{name}: seed {seed}: {what}");
        assert!(what.contains(expected), "{name}: {what}");
    }
}
