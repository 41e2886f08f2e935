//! Logs written and read through file systems in memory.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

mod chain;
mod concurrency;
mod damage;
mod failures;
mod golden;
mod kit;
mod model;
mod power;
mod round_trip;
mod rules;
mod segments;
