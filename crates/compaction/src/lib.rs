#![doc = include_str!("../README.md")]

mod apply;
mod board;
mod fifo;
mod invalid_job;
mod job;
mod lazy_leveled;
mod leveled;
mod overlap;
mod readers;
mod retain;
mod simulate;
mod size_tiered;
mod split;
mod strategy;
mod table;
pub mod text;
mod tombstones;
mod tree;
mod unite;
mod validate;
mod view;

pub use apply::{Applied, apply};
pub use fifo::Fifo;
pub use invalid_job::InvalidJob;
pub use job::{Action, Job, Output, Place, Reason};
pub use lazy_leveled::LazyLeveled;
pub use leveled::Leveled;
pub use overlap::OlderData;
pub use readers::{LiveSnapshot, Readers};
pub use retain::{Retain, RetainStatistics};
pub use simulate::{
    Backpressure, EngineParameters, EngineReport, EngineSimulation, EntrySizes, Operation, Operations,
    ReadCost, Simulation, SimulationError, SimulationParameters, SimulationReport, StallTimes, Timing,
    Workload,
};
pub use size_tiered::{Similarity, SizeTiered};
pub use split::{Cuts, Split};
pub use strategy::{CompactionStrategy, Debt};
pub use table::{KeyRange, TableId, TableMeta};
pub use tree::{Epoch, LEVELS_MAX, Level, Position, Run, check_levels, levels_from_tables, runs_by_age};
pub use validate::validate;
pub use view::{Budget, HotRange, RunningJob, TreeView};

// What the interface names, so that this crate is enough of a dependency.
pub use siltstone_types as types;
