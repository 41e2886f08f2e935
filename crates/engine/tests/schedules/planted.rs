//! Bugs that are planted on purpose are found.

use siltstone::planted::{Bug, plant};

use crate::{
    Checked,
    explore::{first_failures, number},
    read_view, rotation,
};

/// More than any of them needs.
const SCHEDULES: usize = 20_000;

fn is_found(bug: Bug, test: fn() -> Checked) {
    // For this system thread, and so for all threads of the test: shuttle runs them on it.
    plant(Some(bug));
    let [random, pct] = first_failures(test, number("SCHEDULES", SCHEDULES), number("SEED", 1) as u64);
    plant(None);
    println!("{bug:?}: random: {random:?}; PCT: {pct:?}");
    assert!(random.is_some() || pct.is_some(), "{bug:?} was not found");
}

#[test]
fn publishing_before_applying_is_found() {
    is_found(Bug::PublishedBeforeApplied, read_view::run);
}

#[test]
fn a_number_that_is_read_before_the_version_is_found() {
    is_found(Bug::NumberBeforeVersion, read_view::run);
}

#[test]
fn a_log_that_is_noted_after_its_writes_are_applied_is_found() {
    is_found(Bug::LogNotedAfterApply, rotation::run);
}
