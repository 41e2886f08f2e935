//! Real threads on one database.
//!
//! `SEEDS` is how many runs there are, `SECONDS` how long each takes, and `SEED` is the first one.
//! `SEEDS=10 SECONDS=60 cargo test --release -p siltstone-torture threads` is the long form.

use std::{env, time::Duration};

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
        let report = run(&Plan { seed, duration }).unwrap_or_else(|what| panic!("SEED={seed}: {what}"));
        eprintln!("SEED={seed}: {report:?}");
        let figures = [
            report.batches,
            report.views,
            report.kills,
            report.keyspaces,
            report.flushes,
            report.compactions,
        ];
        assert!(figures.iter().all(|figure| *figure > 0), "nothing happened: {report:?}");
    }
}
