//! The default memtable under schedules that shuttle chooses: `cargo xtask shuttle memtable`. Empty without `--cfg shuttle`.
//!
//! `SCHEDULES` is how many are tried, `SEED` decides which, and `REPLAY` names a file with one schedule that failed.
#![cfg(shuttle)]
#![cfg_attr(
    shuttle,
    expect(
        clippy::expect_used,
        clippy::panic,
        clippy::print_stdout,
        reason = "a panic is a failed test, and a run says how much it tried"
    )
)]

mod explore;
mod memtable;
mod model;

/// What is wrong, if anything.
type Checked = Result<(), String>;
