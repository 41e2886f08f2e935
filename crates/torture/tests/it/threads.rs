//! Real threads on one database.
//!
//! `SEEDS` is how many runs there are, `SECONDS` how long each takes, and `SEED` is the first one; `TRIES` is how often each race is looked for.
//! `SEEDS=10 SECONDS=60 cargo test --release -p siltstone-torture threads` is the long form.

use std::{env, time::Duration};

use siltstone::planted::Bug;
use siltstone_testkit::seed;
use siltstone_torture::threads::{Plan, run};

fn number(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

#[test]
#[expect(clippy::print_stderr, reason = "a long run says what it did")]
fn threads_see_whole_batches_in_order_and_lose_nothing_that_was_acknowledged() {
    let first = seed();
    // `SEEDS` alone is for the model.
    let (runs, duration) = match env::var("SECONDS") {
        Ok(_) => (number("SEEDS", 1), Duration::from_secs(number("SECONDS", 3))),
        Err(_) => (1, Duration::from_secs(3)),
    };
    for seed in first..first + runs {
        let plan = Plan { seed, duration, bug: None };
        let report = run(&plan).unwrap_or_else(|what| panic!("SEED={seed}: {what}"));
        eprintln!("SEED={seed}: {report:?}");
        let figures = [
            report.batches,
            report.views,
            report.kills,
            report.keyspaces,
            report.flushes,
            report.compactions,
            report.moves,
        ];
        assert!(figures.iter().all(|figure| *figure > 0), "nothing happened: {report:?}");
    }
}

/// A race that has not shown after this time is not found: a machine that is busy with other things may take a while.
const RACE_TIME_MAX: Duration = Duration::from_mins(1);

#[test]
#[expect(clippy::print_stderr, reason = "says what caught a bug")]
fn every_planted_race_is_found() {
    for bug in Bug::RACES {
        for seed in 1..=number("TRIES", 1) {
            let plan = Plan { seed, duration: RACE_TIME_MAX, bug: Some(bug) };
            let what = run(&plan).expect_err("a planted race was not found");
            eprintln!("{bug:?}, seed {seed}: {what}");
        }
    }
}
