//! Whole databases that lose their power, a small version: `cargo xtask crash` is the large one.
//!
//! `SEED` is the first seed, `SEEDS` how many there are, and `SAMPLES` how often the power of each goes.
#![expect(clippy::print_stdout, reason = "says which seed caught a bug")]

use siltstone_torture::{
    crash::{Amount, Bug, CutAt, Options, Plan, Plant, full_plan, run, shrink},
    faults::{self, Case, Trouble},
};
use siltstone_vfs::OpKind;

const NO_CUTS: Options = Options { cut_at: CutAt::Never, plant: None, bug: None, amount: Amount::Any };

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn whatever_a_power_cut_leaves_is_a_prefix_with_all_that_was_acknowledged() {
    let first = siltstone_testkit::seed();
    let cut_at = CutAt::Sample(number("SAMPLES", 40));
    for seed in first..first + number("SEEDS", 3) as u64 {
        // The amount is part of what a full run promises.
        let options = Options { cut_at, amount: Amount::Full, ..NO_CUTS };
        run(&full_plan(seed), options).unwrap_or_else(|failure| panic!("seed {seed}: {failure:?}"));
    }
}

#[test]
fn the_power_goes_before_every_change_or_before_as_many_as_were_asked_for() {
    let plan = Plan::new(3, 60);
    let outages = |cut_at| {
        let report = run(&plan, Options { cut_at, ..NO_CUTS }).unwrap();
        let recovered = report.recovered;
        assert_eq!(recovered.interrupted, recovered.outages / 10);
        assert_eq!(recovered.nested, 3 * recovered.interrupted);
        (recovered.outages, report.counts.changes)
    };
    let (every, changes) = outages(CutAt::Every);
    assert!(every == changes && changes > 100, "{every} of {changes}");
    assert_eq!(outages(CutAt::Sample(57)), (57, changes));
    assert_eq!(outages(CutAt::Sample(usize::MAX)).0, changes);
    assert_eq!(outages(CutAt::Never).0, 0);
}

#[test]
fn a_run_that_does_too_little_is_a_failure() {
    let full = Options { amount: Amount::Full, ..NO_CUTS };
    let what = run(&Plan::new(4, 60), full).unwrap_err().what;
    assert!(what.starts_with("the run has done too little:"), "{what}");
    let plan = full_plan(4);
    let report = run(&plan, full).unwrap();
    assert_eq!(report.lacks(), "");
    // Each thing that is asked for is missed when it is not there.
    let mut empty = report;
    (empty.counts, empty.content) = Default::default();
    assert_eq!(empty.lacks().split("; ").count(), 9, "{}", empty.lacks());
}

#[test]
fn a_run_is_a_function_of_its_seed() {
    let options = Options { cut_at: CutAt::Sample(20), ..NO_CUTS };
    let report = || run(&Plan::new(7, 150), options).map(|report| format!("{report:?}")).unwrap();
    assert_eq!(report(), report());
    assert_eq!(full_plan(8).operations.len(), full_plan(8).operations.len());
}

/// The first seed whose plan shows what is planted.
fn caught(planted: Options) -> Option<u64> {
    let seed = (1..60).find(|&seed| run(&Plan::new(seed, 300), planted).is_err())?;
    let without = Options { plant: None, bug: None, ..planted };
    // It is the bug that was found, and nothing else.
    run(&Plan::new(seed, 300), without).unwrap_or_else(|failure| panic!("seed {seed}: {failure:?}"));
    Some(seed)
}

#[test]
fn a_sync_that_is_left_out_is_found() {
    for plant in Plant::ALL {
        let seed = caught(Options { cut_at: CutAt::OneIn(6), plant: Some(plant), ..NO_CUTS });
        println!("{plant:?}: caught by seed {seed:?}");
        assert!(seed.is_some(), "{plant:?} was not found");
    }
}

#[test]
fn a_bug_of_the_engine_is_found() {
    for bug in Bug::SHOWN_BY_POWER_CUTS {
        let seed = caught(Options { cut_at: CutAt::OneIn(12), bug: Some(bug), ..NO_CUTS });
        println!("{bug:?}: caught by seed {seed:?}");
        assert!(seed.is_some(), "{bug:?} was not found");
    }
}

#[test]
fn a_merge_that_takes_an_error_for_the_end_is_found() {
    let bug = Some(Bug::InputErrorIgnored);
    let case = |nth, bug| Case { kinds: &[OpKind::ReadAt], trouble: Trouble::ForGood, nth, seed: 3, bug };
    let is_shown =
        |nth: &u64| faults::run(&case(*nth, bug)).is_err() && faults::run(&case(*nth, None)).is_ok();
    let caught = (0..400).find(is_shown);
    println!("InputErrorIgnored: caught at read {caught:?}");
    assert!(caught.is_some());
}

#[test]
fn a_failing_plan_shrinks_to_one_that_still_fails() {
    let plan = Plan::new(1, 300);
    let options = Options { cut_at: CutAt::OneIn(2), plant: Some(Plant::TableFolder), ..NO_CUTS };
    let (short, failure) = shrink(&plan, options, 60).unwrap();
    assert!(short.operations.len() < plan.operations.len() / 4, "{}", short.operations.len());
    assert_eq!(run(&short, options).unwrap_err().what, failure.what);
}
