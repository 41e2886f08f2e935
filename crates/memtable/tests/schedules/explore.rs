//! Runs a test under many schedules: half of them uniformly random, half by PCT, as the engine's tests of schedules do.

use std::{
    env,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use shuttle::{
    Config, MaxSteps, PortfolioRunner, Runner,
    scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, UncontrolledNondeterminismCheckScheduler},
};

use crate::Checked;

/// Schedules, unless `SCHEDULES` says otherwise.
const SCHEDULES: usize = 20_000;
/// Places where PCT changes its mind, plus one.
const DEPTH: usize = 3;
/// A run takes a few hundred steps; one that takes so many turns in circles.
const STEPS_MAX: usize = 20_000;
/// Schedules that are run twice.
const TWICE: usize = 50;

/// A number from the environment.
fn number(name: &str, default: usize) -> usize {
    env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

fn config() -> Config {
    let mut config = Config::new();
    config.max_steps = MaxSteps::FailAfter(STEPS_MAX);
    config.silence_warnings = true;
    config
}

/// Tries `SCHEDULES` schedules, and panics at the first that fails, which shuttle prints; or only the one in `REPLAY`.
pub(crate) fn explore(name: &'static str, test: fn() -> Checked) {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let run = move || {
        let run = counted.fetch_add(1, Ordering::Relaxed) + 1;
        if let Err(what) = test() {
            panic!("{name}, run {run}: {what}");
        }
    };
    if let Some(path) = env::var_os("REPLAY") {
        let schedule = std::fs::read_to_string(path).expect("a file with a schedule");
        Runner::new(ReplayScheduler::new_from_encoded(schedule.trim()), config()).run(run);
        return;
    }
    let (schedules, seed) = (number("SCHEDULES", SCHEDULES), number("SEED", 1) as u64);
    let mut runner = PortfolioRunner::new(true, config());
    runner.add(RandomScheduler::new_from_seed(seed, schedules / 2));
    runner.add(PctScheduler::new_from_seed(seed, DEPTH, schedules - schedules / 2));
    runner.run(run);
    let runs = runs.load(Ordering::Relaxed);
    assert_eq!(runs, schedules);
    println!("{name}: SEED={seed}: {runs} schedules, half random, half PCT of depth {DEPTH}");
}

/// Runs some schedules twice: one that failed is of use only if it can be run again.
pub(crate) fn run_again(test: fn() -> Checked) {
    let random = RandomScheduler::new_from_seed(number("SEED", 1) as u64, TWICE);
    // It compares who could have gone on at each step.
    let twice = UncontrolledNondeterminismCheckScheduler::new(random);
    let runs = Runner::new(twice, config()).run(move || test().expect("nothing is wrong"));
    assert_eq!(runs, 2 * TWICE);
}
