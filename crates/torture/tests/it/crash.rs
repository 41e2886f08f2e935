//! Whole databases that lose their power, a small version: `cargo xtask crash` is the large one.
#![expect(clippy::print_stdout, reason = "says which seed caught a bug")]

use siltstone_torture::{
    crash::{Bug, Options, Plan, Plant, plant, run, shrink},
    faults::{self, Trouble},
};
use siltstone_vfs::OpKind;

/// Those that power cuts and comparisons show.
const BUGS: [Bug; 5] = [
    Bug::NewerMemtableFirst,
    Bug::CutInsideKey,
    Bug::DroppedNumbersForgotten,
    Bug::PartialBatch,
    Bug::SnapshotListTooOld,
];

const SAMPLED: Options = Options { cut_one_in: 25, plant: None };

fn operations() -> usize {
    std::env::var("OPERATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(400)
}

#[test]
fn whatever_a_power_cut_leaves_is_a_prefix_with_all_that_was_acknowledged() {
    let first = siltstone_testkit::seed();
    for seed in first..first + 2 {
        let plan = Plan::new(seed, operations());
        let report = run(&plan, SAMPLED).unwrap_or_else(|failure| panic!("seed {seed}: {failure:?}"));
        assert!(report.recovered.outages > 10, "seed {seed}: {report:?}");
    }
}

#[test]
fn runs_reach_what_they_are_meant_to_reach() {
    let plan = Plan::new(4, 400);
    let report = run(&plan, Options { cut_one_in: 0, plant: None }).unwrap();
    assert!(report.flushes >= 5 && report.compactions >= 2, "{report:?}");
    assert!(report.counts.logs >= 4 && report.counts.manifests >= 3, "{report:?}");
    assert!(report.counts.operations >= 3_000, "{report:?}");
}

#[test]
fn a_run_is_a_function_of_its_seed() {
    let report = || run(&Plan::new(7, 150), SAMPLED).map(|report| format!("{report:?}")).unwrap();
    assert_eq!(report(), report());
}

#[test]
fn a_sync_that_is_left_out_is_found() {
    for plant in Plant::ALL {
        let options = Options { cut_one_in: 6, plant: Some(plant) };
        let caught = (1..40).find(|&seed| run(&Plan::new(seed, 300), options).is_err());
        println!("{plant:?}: caught by seed {caught:?}");
        assert!(caught.is_some(), "{plant:?} was not found");
    }
}

#[test]
fn a_bug_of_the_engine_is_found() {
    for bug in BUGS {
        plant(Some(bug));
        let options = Options { cut_one_in: 12, plant: None };
        let caught = (1..60).find(|&seed| run(&Plan::new(seed, 300), options).is_err());
        plant(None);
        println!("{bug:?}: caught by seed {caught:?}");
        assert!(caught.is_some(), "{bug:?} was not found");
    }
}

#[test]
fn a_merge_that_takes_an_error_for_the_end_is_found() {
    plant(Some(Bug::InputErrorIgnored));
    let caught = (0..400).find(|&nth| faults::run(OpKind::ReadAt, Trouble::ForGood, nth, 3).is_err());
    plant(None);
    println!("InputErrorIgnored: caught at read {caught:?}");
    assert!(caught.is_some());
}

#[test]
fn a_failing_plan_shrinks_to_one_that_still_fails() {
    let plan = Plan::new(1, 300);
    let options = Options { cut_one_in: 2, plant: Some(Plant::TableFolder) };
    let (short, failure) = shrink(&plan, options, 60).unwrap();
    assert!(short.operations.len() < plan.operations.len() / 4, "{}", short.operations.len());
    assert_eq!(run(&short, options).unwrap_err().what, failure.what);
}
