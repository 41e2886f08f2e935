//! The lines of `results.jsonl`, as docs/benchmarks.md describes them. A change of meaning is another version.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    cell::Cell,
    history::History,
    machine::{Machine, Pace},
    watch::Seen,
};

/// Version of the lines.
pub const SCHEMA: u32 = 2;

/// A line.
#[derive(Clone, PartialEq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Line {
    /// The first one.
    Run(Run),
    /// A cell that was measured.
    Cell(Box<Row>),
    /// A cell that could not be, or whose tree was not what it had to be.
    Error(Failure),
}

/// What holds for all lines.
#[derive(Clone, PartialEq, Serialize, Deserialize, Debug)]
pub struct Run {
    /// Version of the lines.
    pub schema: u32,
    /// Names of the matrices.
    pub matrices: Vec<String>,
    /// What they say of themselves.
    pub about: String,
    /// Cells that the run is to have.
    pub cells: u64,
    /// How often each is measured.
    pub repeats: u32,
    /// Decides the order.
    pub seed: u64,
    /// Of the engine.
    pub version: String,
    /// Of the peers: name and version.
    pub peers: BTreeMap<String, String>,
    /// Seconds since 1970.
    pub began_unix_s: u64,
    /// What the run ran on.
    pub machine: Machine,
    /// What the matrix says, if anything: see [`Matrix`](crate::matrix::Matrix).
    pub leveled_over_size_tiered_min: Option<f64>,
}

/// A cell that failed.
#[derive(Clone, PartialEq, Serialize, Deserialize, Debug)]
pub struct Failure {
    /// What decides what is measured.
    pub cell: Cell,
    /// Which repetition it is.
    pub repeat: u32,
    /// What was wrong, in words.
    pub error: String,
}

/// A cell that was measured once. Counts and bytes are those from the opening of the empty database until nothing was due any more; times, latencies, reads and processor time
/// are those of the workload alone. What only the engine counts of itself is `None` for its peers.
#[derive(Clone, PartialEq, Serialize, Deserialize, Debug)]
pub struct Row {
    /// What decides what is measured.
    pub cell: Cell,
    /// Which repetition it is.
    pub repeat: u32,
    /// Of all threads.
    pub operations: u64,
    /// Until the last one was acknowledged.
    pub seconds: f64,
    /// From the last operation until everything was flushed and no compaction was due.
    pub settling_seconds: f64,
    /// Operations acknowledged in a second.
    pub per_second: f64,
    /// The same, with the time of settling.
    pub settled_per_second: f64,
    /// Of an operation.
    pub latency_us: Latency,
    /// What it cost.
    pub amplification: Amplification,
    /// What the simulation says that it costs.
    pub predicted: Option<Predicted>,
    /// Written.
    pub bytes: Bytes,
    /// Memtables that became tables.
    pub flushes: Option<u64>,
    /// Merges.
    pub compactions: Option<u64>,
    /// Tables that went to another level as they were.
    pub moves: Option<u64>,
    /// Time that writers were held up, for each second of each thread that writes, at most 1.
    pub stall_share: Option<f64>,
    /// How the tree was at its widest and deepest.
    pub seen: Option<Seen>,
    /// Those with tables at the end, from the newest on.
    pub levels: Vec<LevelRow>,
    /// How it came about; older lines have none.
    #[serde(default)]
    pub history: History,
    /// What lookups did.
    pub reads: Option<Reads>,
    /// Of all threads, in the program.
    pub cpu_user_seconds: f64,
    /// Of all threads, in the kernel.
    pub cpu_system_seconds: f64,
    /// The most that was resident, from the opening on.
    pub memory_peak_bytes: u64,
    /// What was resident before: the steps and values of the benchmark are in it.
    pub memory_before_bytes: u64,
    /// All files, once the database was closed.
    pub disk_bytes: u64,
    /// Opening it again.
    pub open_ms: f64,
    /// How fast the machine was just before the workload and once all was settled, the mean of both; 0 in older lines.
    #[serde(default)]
    pub pace: Pace,
    /// Share of the time of the threads that are timed in which they waited for a processor that others had; 0 in older lines.
    #[serde(default)]
    pub waited_share: f64,
}

/// Microseconds.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize, Debug)]
pub struct Latency {
    /// Half of the operations took no longer.
    pub p50: f64,
    /// 95 of a hundred took no longer.
    pub p95: f64,
    /// 99 of a hundred took no longer.
    pub p99: f64,
    /// 999 of a thousand took no longer.
    pub p999: f64,
    /// The slowest one.
    pub max: f64,
}

/// Costs as ratios.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize, Debug)]
pub struct Amplification {
    /// Bytes that logs, flushes and compactions wrote for each byte of keys and values.
    pub write: Option<f64>,
    /// Bytes that the process gave to write calls for each byte of keys and values: counted alike for all stores.
    pub write_calls: f64,
    /// Bytes that the process made dirty, in the kernel's account of what is bound for the disk, for each byte of keys and values; a page that is written again before the kernel
    /// has stored it counts once. Counted alike for all stores, and 0 on a file system in memory.
    pub write_dirtied: f64,
    /// Bytes that flushes and compactions wrote for each byte flushed.
    pub table_write: Option<f64>,
    /// Tables that a lookup read, on average; `None` without lookups.
    pub read: Option<f64>,
    /// Bytes of keys and values in tables, before compression, for each byte of the newest versions that are puts.
    pub space: Option<f64>,
}

/// What the simulation of the engine says.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize, Debug)]
pub struct Predicted {
    /// Bytes that flushes and compactions write for each byte flushed.
    pub table_write: f64,
    /// Bytes in tables, before compression, for each live byte.
    pub space: f64,
}

/// Bytes written, by who wrote them.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Bytes {
    /// Keys and values.
    pub user: u64,
    /// To logs.
    pub log: Option<u64>,
    /// By flushes.
    pub flush: Option<u64>,
    /// By merges.
    pub compaction: Option<u64>,
    /// By the process, with any write call.
    pub write_calls: u64,
    /// By the process, as the kernel counts what is bound for the disk.
    pub dirtied: u64,
}

/// One level.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct LevelRow {
    /// Its number.
    pub level: u32,
    /// Sorted runs.
    pub runs: u64,
    /// Of all its runs.
    pub tables: u64,
    /// Of the files.
    pub file_bytes: u64,
}

/// What lookups of the workload did.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize, Debug)]
pub struct Reads {
    /// Lookups.
    pub gets: u64,
    /// Share of the blocks that were in the cache; `None` when none was read.
    pub cache_hit_rate: Option<f64>,
    /// Share of the tables without the key that the filter spared; `None` when there were none.
    pub filter_hit_rate: Option<f64>,
}
