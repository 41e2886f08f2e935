//! Runs strategies without files: tables are sorted lists of key numbers, and time, if it passes, is simulated.
//!
//! Two simulations work on one kind of tree. [`Simulation`] compacts at once and counts entries. [`EngineSimulation`]
//! has the memtables, the flush lane, the workers and the back-pressure of the engine, and counts bytes and time.

mod engine;
mod error;
mod live;
mod parameters;
mod random;
mod report;
mod steady;
mod tally;
mod tree;
mod version;
mod workload;
mod writer;
mod zipfian;

pub use engine::EngineSimulation;
pub use error::SimulationError;
pub use parameters::{Backpressure, EngineParameters, EntrySizes, Timing};
pub use report::{EngineReport, ReadCost, StallTimes};
pub use steady::{Simulation, SimulationParameters, SimulationReport};
pub use workload::{Operation, Operations, Workload};

/// Bytes that sort as the numbers do.
fn key_bytes(key: u32) -> [u8; 4] {
    let mut bytes = key.to_le_bytes();
    bytes.reverse();
    bytes
}

#[expect(clippy::cast_precision_loss, reason = "counts of entries and of bytes stay far below 2^53")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}
