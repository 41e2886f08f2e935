#![doc = include_str!("../README.md")]

mod bloom;
mod filter;
mod format;
mod none;
pub mod sizing;

pub use bloom::Bloom;
pub use filter::{DamagedFilter, Filter, FilterBuilder, FilterContext, FilterPolicy};
pub use none::NoFilter;
