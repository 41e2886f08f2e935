//! The figures as a table for a terminal.

use siltstone_benches::{strategies::Chosen, units};
use siltstone_compaction::EngineReport;

use crate::curve::Point;

struct Column {
    head: &'static str,
    below: &'static str,
    width: usize,
    value: fn(&Point) -> String,
}

const COLUMNS: &[Column] = &[
    Column { head: "keys", below: "", width: 10, value: |point| point.keys.to_string() },
    Column { head: "data", below: "", width: 10, value: |point| units::bytes(point.data_bytes) },
    Column {
        head: "write",
        below: "amp.",
        width: 7,
        value: |point| two(point.report.table_write_amplification),
    },
    Column {
        head: "space",
        below: "mean",
        width: 7,
        value: |point| two(point.report.space_amplification_mean),
    },
    Column { head: "amp.", below: "max", width: 6, value: |point| two(point.report.space_amplification_max) },
    Column { head: "", below: "peak", width: 6, value: |point| two(point.report.space_amplification_peak) },
    Column { head: "runs", below: "mean", width: 7, value: |point| two(point.report.runs_mean) },
    Column { head: "", below: "max", width: 5, value: |point| point.report.runs_max.to_string() },
    Column { head: "found:", below: "asked", width: 8, value: |point| two(point.report.found.runs_asked) },
    Column { head: "", below: "read", width: 6, value: |point| two(point.report.found.runs_read) },
    Column { head: "absent:", below: "asked", width: 8, value: |point| two(point.report.absent.runs_asked) },
    Column { head: "", below: "read", width: 6, value: |point| two(point.report.absent.runs_read) },
    Column {
        head: "debt",
        below: "max",
        width: 10,
        value: |point| units::bytes(point.report.debt_bytes_max),
    },
    Column {
        head: "stalled",
        below: "s",
        width: 8,
        value: |point| units::seconds(point.report.stalls.total_ns()),
    },
    Column {
        head: "",
        below: "%",
        width: 6,
        value: |point| format!("{:.1}", stalled_percent(&point.report)),
    },
    Column {
        head: "longest",
        below: "s",
        width: 8,
        value: |point| units::seconds(point.report.stalls.longest_stop_ns),
    },
];

fn two(number: f64) -> String {
    format!("{number:.2}")
}

/// Time lost, in a hundred parts of the time from the first write to the last.
pub(crate) fn stalled_percent(report: &EngineReport) -> f64 {
    100.0 * units::number(report.stalls.total_ns()) / units::number(report.writing_ns.max(1))
}

fn name_width(strategies: &[Chosen]) -> usize {
    strategies.iter().map(|chosen| chosen.text.chars().count()).chain(["strategy".len()]).max().unwrap_or(0)
}

/// Two lines above the rows.
pub(crate) fn head(strategies: &[Chosen]) -> String {
    let width = name_width(strategies);
    let line = |name: &str, words: fn(&Column) -> String| line(name, width, words);
    line("strategy", |column| column.head.to_owned()) + &line("", |column| column.below.to_owned())
}

/// One strategy at one size.
pub(crate) fn row(strategies: &[Chosen], chosen: &Chosen, point: &Point) -> String {
    line(&chosen.text, name_width(strategies), |column| (column.value)(point))
}

fn line(name: &str, name_width: usize, words: impl Fn(&Column) -> String) -> String {
    let cells = COLUMNS.iter().map(|column| format!("{:>width$}", words(column), width = column.width + 1));
    let line = format!("{name:<name_width$}{}", cells.collect::<String>());
    format!("{}\n", line.trim_end())
}
