//! Runs a test under many schedules: half of them uniformly random, half by PCT (Burckhardt et al, "A Randomized Scheduler with Probabilistic Guarantees
//! of Finding Bugs", 2010), which keeps threads waiting for long and so finds what random choices hardly ever do.

use std::{
    env,
    panic::{self, AssertUnwindSafe},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use shuttle::{
    Config, MaxSteps, PortfolioRunner, Runner,
    scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Schedule, Scheduler, Task, TaskId},
};
use siltstone::{Clock, OsClock};

use crate::Checked;

/// Schedules of each test, unless `SCHEDULES` says otherwise.
const SCHEDULES: usize = 2000;
/// Places where PCT changes its mind, plus one.
const DEPTH: usize = 3;
/// A run takes a few thousand steps; one that takes so many turns in circles.
const STEPS_MAX: usize = 200_000;
/// Opening a database needs more than shuttle's default of 60 KiB.
const STACK_BYTES: usize = 512 << 10;

/// A number from the environment.
pub(crate) fn number(name: &str, default: usize) -> usize {
    env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// How shuttle runs each test.
pub(crate) fn config() -> Config {
    let mut config = Config::new();
    config.stack_size = STACK_BYTES;
    config.max_steps = MaxSteps::FailAfter(STEPS_MAX);
    config.silence_warnings = true;
    config
}

/// Tries `SCHEDULES` schedules, and panics at the first that fails, which shuttle prints; or only the one in `REPLAY`.
pub(crate) fn explore(name: &'static str, test: fn() -> Checked) {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let run = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        if let Err(what) = test() {
            panic!("{name}: {what}");
        }
    };
    if let Some(path) = env::var_os("REPLAY") {
        let schedule = std::fs::read_to_string(PathBuf::from(path)).expect("a file with a schedule");
        Runner::new(ReplayScheduler::new_from_encoded(schedule.trim()), config()).run(run);
        return;
    }
    let (schedules, seed) = (number("SCHEDULES", SCHEDULES), number("SEED", 1) as u64);
    let started = OsClock.monotonic();
    let mut runner = PortfolioRunner::new(true, config());
    runner.add(RandomScheduler::new_from_seed(seed, schedules / 2));
    runner.add(PctScheduler::new_from_seed(seed, DEPTH, schedules - schedules / 2));
    runner.run(run);
    let took = OsClock.monotonic().saturating_sub(started).as_secs_f64();
    let runs = runs.load(Ordering::Relaxed);
    assert_eq!(runs, schedules);
    println!("{name}: SEED={seed}: {runs} schedules in {took:.1} s, half random, half PCT of depth {DEPTH}");
}

/// Tries schedules until one fails, and says which it was and what was wrong: of `random` random ones, and of `pct` of PCT's. `None` when none failed.
pub(crate) fn first_failures(
    test: fn() -> Checked,
    random: usize,
    pct: usize,
    seed: u64,
) -> [Option<(usize, String)>; 2] {
    [
        first_failure(RandomScheduler::new_from_seed(seed, random), test),
        first_failure(PctScheduler::new_from_seed(seed, DEPTH, pct), test),
    ]
}

fn first_failure<S: Scheduler + 'static>(scheduler: S, test: fn() -> Checked) -> Option<(usize, String)> {
    let found = Arc::new(std::sync::Mutex::new(None));
    let has_found = Arc::new(AtomicBool::new(false));
    let runs = Arc::new(AtomicUsize::new(0));
    let scheduler = UntilFound { scheduler, has_found: Arc::clone(&has_found) };
    let (news, counted) = (Arc::clone(&found), Arc::clone(&runs));
    let run = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        if let Err(what) = test() {
            has_found.store(true, Ordering::Relaxed);
            *news.lock().expect("nobody panics with it") = Some(what);
        }
    };
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| Runner::new(scheduler, config()).run(run)));
    let runs = runs.load(Ordering::Relaxed);
    if outcome.is_err() {
        return Some((runs, "a panic, see above".to_owned()));
    }
    let found = found.lock().expect("nobody panics with it").take();
    found.map(|what| (runs, what))
}

/// A scheduler that has no more schedules once something was found.
#[derive(Debug)]
struct UntilFound<S> {
    scheduler: S,
    has_found: Arc<AtomicBool>,
}

impl<S: Scheduler> Scheduler for UntilFound<S> {
    fn new_execution(&mut self) -> Option<Schedule> {
        if self.has_found.load(Ordering::Relaxed) { None } else { self.scheduler.new_execution() }
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        is_yielding: bool,
    ) -> Option<TaskId> {
        self.scheduler.next_task(runnable, current, is_yielding)
    }

    fn next_u64(&mut self) -> u64 {
        self.scheduler.next_u64()
    }
}
