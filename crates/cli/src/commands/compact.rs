//! `compact`: merges all tables of each keyspace.

use std::io::Write as _;

use siltstone::CompactionReport;

use crate::{CommandResult, config::Config, open, output::Output, status::Outcome};

/// Compacts, and says what that did.
pub(crate) fn run(config: &Config) -> CommandResult {
    let db = open::existing(config)?;
    let report = db.compact()?;
    db.close()?;
    let mut out = Output::new();
    writeln!(out, "{}", describe(&report))?;
    out.flush()?;
    Ok(Outcome::Done)
}

/// What a compaction did, in a line.
pub(crate) fn describe(report: &CompactionReport) -> String {
    format!(
        "compacted {} tables into {}: {} keys removed, {} bytes reclaimed, {:.3} s",
        report.tables_before,
        report.tables_after,
        report.entries_removed,
        report.bytes_reclaimed,
        report.duration.as_secs_f64()
    )
}
