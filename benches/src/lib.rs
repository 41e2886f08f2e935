//! What benchmarks and simulations share: inputs that are the same in every run and on every machine, names, units, axes, and what the process takes.

pub mod blocks;
pub mod databases;
pub mod entries;
pub mod filters;
pub mod given;
pub mod keys;
pub mod logs;
pub mod memtables;
pub mod nearest;
mod pairs;
pub mod process;
pub mod scale;
pub mod settle;
pub mod strategies;
mod tables;
pub mod units;

pub use pairs::{Pairs, VALUE_BYTES};
pub use tables::write_table;

/// What a program does whose errors are for people to read.
pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;
