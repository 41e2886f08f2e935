//! Random operations against sorted maps: whole runs that are functions of a seed.
//!
//! The background work of the database runs between the operations, in an order that the seed decides. Any settings must give the same answers,
//! which are those of [`Reference`](reference::Reference).

pub mod operation;
pub mod reference;
mod run;
mod settings;
mod shrink;

pub use run::{Answers, Background, run, run_with};
pub use settings::{Variant, shrunk, tiny_lazy_leveled, tiny_leveled, unlimited_fifo, variants};
pub use shrink::shrink;
