//! The figures for machines.

use serde_json::{Value, json};
use siltstone_compaction::ReadCost;

use crate::{
    arguments::Arguments,
    curve::{Curve, Point},
};

/// One object: what was simulated, and a list of points. Times are simulated.
pub(crate) fn report(arguments: &Arguments, curves: &[Curve]) -> String {
    let points: Vec<Value> = curves
        .iter()
        .flat_map(|curve| curve.points.iter().map(|point| row(&curve.strategy, point)))
        .collect();
    let report = json!({
        "simulation": arguments.describe(),
        "seed": arguments.seed,
        "points": points,
    });
    format!("{report:#}\n")
}

fn row(strategy: &str, point: &Point) -> Value {
    let report = &point.report;
    let reads = |cost: ReadCost| json!({ "runs_asked": cost.runs_asked, "runs_read": cost.runs_read });
    json!({
        "strategy": strategy,
        "keys": point.keys,
        "data_bytes": point.data_bytes,
        "operations": report.operations,
        "deletes": report.deletes,
        "entries": {
            "before": report.entries_before,
            "flushed": report.entries_flushed,
            "read": report.entries_read,
            "merged": report.entries_merged,
            "superseded": report.superseded,
            "tombstones_dropped": report.tombstones_dropped,
            "dropped": report.entries_dropped,
            "settled": report.entries_settled,
        },
        "bytes": {
            "flushed": report.bytes_flushed,
            "read": report.bytes_read,
            "merged": report.bytes_merged,
            "live": report.live_bytes,
            "files": report.file_bytes,
        },
        "table_write_amplification": report.table_write_amplification,
        "space_amplification": {
            "mean": report.space_amplification_mean,
            "max": report.space_amplification_max,
            "peak": report.space_amplification_peak,
            "settled": report.space_amplification_settled,
        },
        "runs": {
            "mean": report.runs_mean,
            "max": report.runs_max,
            "settled": report.runs_settled,
            "level0_max": report.level0_runs_max,
        },
        "levels": report.levels_settled,
        "tables": report.tables_settled,
        "found": reads(report.found),
        "absent": reads(report.absent),
        "debt_bytes": { "mean": report.debt_bytes_mean, "max": report.debt_bytes_max },
        "writing_ns": report.writing_ns,
        "settling_ns": report.settling_ns,
        "stalls_ns": {
            "memtables": report.stalls.memtables_ns,
            "level0": report.stalls.level0_ns,
            "debt": report.stalls.debt_ns,
            "slowed": report.stalls.slowed_ns,
            "longest_stop": report.stalls.longest_stop_ns,
        },
        "jobs": report.jobs,
        "moves": report.moves,
        "jobs_running_max": report.jobs_running_max,
    })
}
