//! What benchmarks and simulations share: inputs that are the same in every run and on every machine, names, units, axes, and what the process takes.

pub mod blocks;
pub mod cell;
pub mod check;
pub mod databases;
pub mod drive;
pub mod engine;
pub mod entries;
pub mod filters;
pub mod given;
pub mod history;
pub mod keys;
pub mod logs;
pub mod machine;
pub mod matrix;
pub mod measure;
pub mod memtables;
pub mod nearest;
pub mod openings;
mod pairs;
mod predict;
pub mod process;
pub mod row;
pub mod scale;
pub mod settle;
pub mod store;
pub mod stores;
pub mod strategies;
pub mod stream;
mod tables;
pub mod units;
pub mod values;
pub mod watch;
pub mod workload;

pub use pairs::{Pairs, VALUE_BYTES};
pub use tables::write_table;

/// What a program does whose errors are for people to read.
pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;
