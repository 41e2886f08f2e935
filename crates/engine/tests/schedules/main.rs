//! The concurrent parts of the engine under schedules that shuttle chooses: `cargo xtask shuttle`. Empty without `--cfg shuttle`.
//!
//! `SCHEDULES` is how many each test tries, `SEED` decides which, and `REPLAY` names a file with one schedule that failed.
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

mod close;
mod commit;
mod database;
mod explore;
mod history;
mod part;
#[cfg(feature = "planted-bugs")]
mod planted;
mod read_view;
mod replay;
mod rotation;
mod view;

/// What is wrong, if anything.
type Checked = Result<(), String>;

/// An error of the engine where there must be none.
#[expect(clippy::needless_pass_by_value, reason = "to be the argument of map_err")]
fn said(error: siltstone::Error) -> String {
    error.to_string()
}
