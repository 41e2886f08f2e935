#![doc = include_str!("../README.md")]

pub mod cursor;
pub mod entries;
mod rng;

pub use rng::{Rng, seed};
