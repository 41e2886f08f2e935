//! Inputs of the micro-benchmarks: the same in every run, on every machine.

mod pairs;
mod tables;

pub use pairs::{Pairs, VALUE_BYTES};
pub use tables::write_table;
