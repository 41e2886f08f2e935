//! The figures that tables show, in order: where each comes from, and how it is written.

use siltstone_benches::{
    row::Row,
    units::{bytes, grouped, number},
};

/// A figure.
pub(crate) struct Metric {
    /// Head of its column.
    pub(crate) head: &'static str,
    /// What it is, in a sentence.
    pub(crate) about: &'static str,
    pub(crate) value: fn(&Row) -> Option<f64>,
    pub(crate) text: fn(f64) -> String,
    /// Whether the terminal, which is narrow, has it too.
    pub(crate) is_main: bool,
}

/// Three digits, whatever its size; groups of digits from 1,000 on.
pub(crate) fn short(value: f64) -> String {
    match value {
        _ if value >= 1000.0 => grouped(whole(value)),
        _ if value >= 100.0 => format!("{value:.0}"),
        _ if value >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn percent(value: f64) -> String {
    format!("{:.1} %", value * 100.0)
}

fn size(value: f64) -> String {
    bytes(whole(value))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures are at least 0 and far below 2^64"
)]
fn whole(value: f64) -> u64 {
    value.round() as u64
}

/// One line for each.
#[rustfmt::skip]
pub(crate) const METRICS: &[Metric] = &[
    Metric { head: "ops/s", about: "Operations acknowledged in a second", value: |row| Some(row.per_second), text: short, is_main: true },
    Metric { head: "settled/s", about: "The same, until nothing is left to flush or to compact", value: |row| Some(row.settled_per_second), text: short, is_main: true },
    Metric { head: "p50 µs", about: "Half of the operations took no longer", value: |row| Some(row.latency_us.p50), text: short, is_main: true },
    Metric { head: "p95 µs", about: "95 of a hundred operations took no longer", value: |row| Some(row.latency_us.p95), text: short, is_main: false },
    Metric { head: "p99 µs", about: "99 of a hundred operations took no longer", value: |row| Some(row.latency_us.p99), text: short, is_main: true },
    Metric { head: "p99.9 µs", about: "999 of a thousand operations took no longer", value: |row| Some(row.latency_us.p999), text: short, is_main: true },
    Metric { head: "max µs", about: "The slowest operation", value: |row| Some(row.latency_us.max), text: short, is_main: false },
    Metric { head: "write amp", about: "Bytes that logs, flushes and compactions wrote for each byte of keys and values", value: |row| row.amplification.write, text: short, is_main: true },
    Metric { head: "write calls", about: "Bytes that the process gave to write calls for each byte of keys and values: counted alike for all stores", value: |row| Some(row.amplification.write_calls), text: short, is_main: true },
    Metric { head: "dirtied", about: "Bytes that the kernel counted as bound for the disk for each byte of keys and values: pages that are written again before they are stored count once", value: |row| Some(row.amplification.write_dirtied), text: short, is_main: false },
    Metric { head: "table amp", about: "Bytes that flushes and compactions wrote for each byte flushed", value: |row| row.amplification.table_write, text: short, is_main: true },
    Metric { head: "predicted", about: "The same, as the simulation says", value: |row| row.predicted.map(|predicted| predicted.table_write), text: short, is_main: true },
    Metric { head: "read amp", about: "Tables that a lookup read", value: |row| row.amplification.read, text: short, is_main: true },
    Metric { head: "space amp", about: "Bytes in tables, before compression, for each live byte", value: |row| row.amplification.space, text: short, is_main: true },
    Metric { head: "space predicted", about: "The same, as the simulation says", value: |row| row.predicted.map(|predicted| predicted.space), text: short, is_main: false },
    Metric { head: "disk", about: "All files at the end", value: |row| Some(number(row.disk_bytes)), text: size, is_main: true },
    Metric { head: "logged", about: "Bytes written to logs", value: |row| row.bytes.log.map(number), text: size, is_main: false },
    Metric { head: "flushed", about: "Bytes written by flushes", value: |row| row.bytes.flush.map(number), text: size, is_main: false },
    Metric { head: "compacted", about: "Bytes written by compactions", value: |row| row.bytes.compaction.map(number), text: size, is_main: false },
    Metric { head: "compactions", about: "Merges", value: |row| row.compactions.map(number), text: short, is_main: false },
    Metric { head: "levels", about: "Levels with tables at one time, at most", value: |row| row.seen.map(|seen| number(seen.levels)), text: short, is_main: false },
    Metric { head: "runs", about: "Sorted runs at one time, at most", value: |row| row.seen.map(|seen| number(seen.runs)), text: short, is_main: false },
    Metric { head: "level 0", about: "Runs of level 0 at one time, at most", value: |row| row.seen.map(|seen| number(seen.level0_runs)), text: short, is_main: false },
    Metric { head: "stalled", about: "Share of the writers' time in which they were held up", value: |row| row.stall_share, text: percent, is_main: true },
    Metric { head: "cache hits", about: "Share of the blocks that were in the cache", value: |row| row.reads?.cache_hit_rate, text: percent, is_main: false },
    Metric { head: "filter hits", about: "Share of the tables without the key that the filter spared", value: |row| row.reads?.filter_hit_rate, text: percent, is_main: false },
    Metric { head: "user s", about: "Processor time in the program, until it was settled", value: |row| Some(row.cpu_user_seconds), text: short, is_main: false },
    Metric { head: "system s", about: "Processor time in the kernel, until it was settled", value: |row| Some(row.cpu_system_seconds), text: short, is_main: false },
    Metric { head: "waited", about: "Share of the time in which the threads that are timed waited for a processor that others had", value: |row| Some(row.waited_share), text: percent, is_main: false },
    Metric { head: "memory", about: "The most that was resident", value: |row| Some(number(row.memory_peak_bytes)), text: size, is_main: false },
    Metric { head: "open ms", about: "Opening the settled database again", value: |row| Some(row.open_ms), text: short, is_main: false },
];
