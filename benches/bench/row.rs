//! The lines of `results.jsonl`, as docs/benchmarks.md describes them. A change of meaning is another version.

use serde::{Deserialize, Serialize};

use crate::{cell::Cell, history::History, machine::Machine, watch::Seen};

/// Version of the lines.
pub(crate) const SCHEMA: u32 = 1;

/// A line.
#[derive(Clone, PartialEq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub(crate) enum Line {
    /// The first one.
    Run(Run),
    /// A cell that was measured.
    Cell(Box<Row>),
    /// A cell that could not be, or whose tree was not what it had to be.
    Error(Failure),
}

/// What holds for all lines.
#[derive(Clone, PartialEq, Serialize, Deserialize, Debug)]
pub(crate) struct Run {
    pub(crate) schema: u32,
    /// Names of the matrices.
    pub(crate) matrices: Vec<String>,
    /// What they say of themselves.
    pub(crate) about: String,
    /// Cells that the run is to have.
    pub(crate) cells: u64,
    /// How often each is measured.
    pub(crate) repeats: u32,
    /// Decides the order.
    pub(crate) seed: u64,
    /// Of the engine.
    pub(crate) version: String,
    pub(crate) began_unix_s: u64,
    pub(crate) machine: Machine,
    /// What the matrix says, if anything: see [`Matrix`](crate::matrix::Matrix).
    pub(crate) leveled_over_size_tiered_min: Option<f64>,
}

/// A cell that failed.
#[derive(Clone, PartialEq, Serialize, Deserialize, Debug)]
pub(crate) struct Failure {
    pub(crate) cell: Cell,
    pub(crate) repeat: u32,
    pub(crate) error: String,
}

/// A cell that was measured once. Counts and bytes are those from the opening of the empty database until nothing was due any more; times, latencies, reads and processor time
/// are those of the workload alone.
#[derive(Clone, PartialEq, Serialize, Deserialize, Debug)]
pub(crate) struct Row {
    pub(crate) cell: Cell,
    pub(crate) repeat: u32,
    pub(crate) operations: u64,
    pub(crate) seconds: f64,
    /// From the last operation until everything was flushed and no compaction was due.
    pub(crate) settling_seconds: f64,
    /// Operations acknowledged in a second.
    pub(crate) per_second: f64,
    /// The same, with the time of settling.
    pub(crate) settled_per_second: f64,
    pub(crate) latency_us: Latency,
    pub(crate) amplification: Amplification,
    pub(crate) predicted: Option<Predicted>,
    pub(crate) bytes: Bytes,
    pub(crate) flushes: u64,
    pub(crate) compactions: u64,
    pub(crate) moves: u64,
    /// Time that writers were held up, for each second of each thread that writes, at most 1.
    pub(crate) stall_share: f64,
    pub(crate) seen: Seen,
    /// Those with tables at the end, from the newest on.
    pub(crate) levels: Vec<LevelRow>,
    /// How it came about; older lines have none.
    #[serde(default)]
    pub(crate) history: History,
    pub(crate) reads: Reads,
    pub(crate) cpu_user_seconds: f64,
    pub(crate) cpu_system_seconds: f64,
    /// The most that was resident, from the opening on.
    pub(crate) memory_peak_bytes: u64,
    /// What was resident before: the steps and values of the benchmark are in it.
    pub(crate) memory_before_bytes: u64,
    /// All files, once the database was closed.
    pub(crate) disk_bytes: u64,
    /// Opening it again.
    pub(crate) open_ms: f64,
}

/// Microseconds.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize, Debug)]
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
}

/// Costs as ratios.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize, Debug)]
pub(crate) struct Amplification {
    /// Bytes that logs, flushes and compactions wrote for each byte of keys and values.
    pub(crate) write: f64,
    /// Bytes that flushes and compactions wrote for each byte flushed.
    pub(crate) table_write: f64,
    /// Tables that a lookup read, on average; `None` without lookups.
    pub(crate) read: Option<f64>,
    /// Bytes of keys and values in tables, before compression, for each byte of the newest versions that are puts.
    pub(crate) space: f64,
}

/// What the simulation of the engine says.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize, Debug)]
pub(crate) struct Predicted {
    pub(crate) table_write: f64,
    pub(crate) space: f64,
}

/// Bytes written, by who wrote them.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub(crate) struct Bytes {
    pub(crate) user: u64,
    pub(crate) log: u64,
    pub(crate) flush: u64,
    pub(crate) compaction: u64,
}

/// One level.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub(crate) struct LevelRow {
    /// Its number.
    pub(crate) level: u32,
    pub(crate) runs: u64,
    pub(crate) tables: u64,
    pub(crate) file_bytes: u64,
}

/// What lookups of the workload did.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize, Debug)]
pub(crate) struct Reads {
    pub(crate) gets: u64,
    /// Share of the blocks that were in the cache; `None` when none was read.
    pub(crate) cache_hit_rate: Option<f64>,
    /// Share of the tables without the key that the filter spared; `None` when there were none.
    pub(crate) filter_hit_rate: Option<f64>,
}
