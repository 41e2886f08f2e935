//! A schedule that failed is of use only if it can be run again: nothing in a run may depend on anything else.

use shuttle::{
    Runner,
    scheduler::{RandomScheduler, UncontrolledNondeterminismCheckScheduler},
};

use crate::{
    close, commit,
    explore::{config, number},
    read_view, rotation,
};

/// Schedules of each test that are run twice.
const SCHEDULES: usize = 50;

#[test]
fn a_schedule_can_be_run_again() {
    for run in [commit::run, rotation::run, read_view::run, read_view::run_without_snapshots, close::run] {
        let random = RandomScheduler::new_from_seed(number("SEED", 1) as u64, SCHEDULES);
        // It compares who could have gone on at each step.
        let twice = UncontrolledNondeterminismCheckScheduler::new(random);
        let runs = Runner::new(twice, config()).run(move || run().expect("nothing is wrong"));
        assert_eq!(runs, 2 * SCHEDULES);
    }
}
