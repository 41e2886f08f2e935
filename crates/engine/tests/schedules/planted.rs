//! Bugs that are planted on purpose are found.

use siltstone::planted::Bug;

use crate::{
    Checked,
    database::plant,
    explore::{first_failures, number},
    read_view, rotation,
};

/// PCT's schedules that are tried at most.
const SCHEDULES: usize = 20_000;
/// Random ones, for comparison: what they do not find among so few they do not find among many.
const RANDOM: usize = 2000;

fn is_found(bug: Bug, test: fn() -> Checked) {
    // For this system thread, and so for all threads of the test: shuttle runs them on it.
    plant(Some(bug));
    let [random, pct] =
        first_failures(test, RANDOM, number("SCHEDULES", SCHEDULES), number("SEED", 1) as u64);
    plant(None);
    println!("{bug:?}: random: {}; PCT: {}", said(random.as_ref()), said(pct.as_ref()));
    assert!(random.is_some() || pct.is_some(), "{bug:?} was not found");
}

fn said(found: Option<&(usize, String)>) -> String {
    found.map_or("not found".to_owned(), |(runs, what)| format!("found by schedule {runs} ({what})"))
}

#[test]
fn publishing_before_applying_is_found() {
    is_found(Bug::PublishedBeforeApplied, read_view::run);
}

#[test]
fn a_number_that_is_read_before_the_version_is_found() {
    is_found(Bug::NumberBeforeVersion, read_view::run_without_snapshots);
}

#[test]
fn a_log_that_is_noted_after_its_writes_are_applied_is_found() {
    is_found(Bug::LogNotedAfterApply, rotation::run);
}
