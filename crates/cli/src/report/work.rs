//! What `compact` and `verify` did, in a line, the same for the commands and for the shell's.

use std::fmt::Write as _;

use siltstone::{CompactionReport, VerifyReport};

use crate::figures::count;

/// What a compaction did.
pub(crate) fn of_compaction(report: &CompactionReport) -> String {
    format!(
        "compacted {} into {}: {} removed, {} reclaimed, {:.3} s",
        count(report.tables_before, "table"),
        report.tables_after,
        count(report.entries_removed, "key"),
        count(report.bytes_reclaimed, "byte"),
        report.duration.as_secs_f64()
    )
}

/// How much was verified, and how much of it is damaged.
pub(crate) fn of_verification(report: &VerifyReport) -> String {
    let (files, bytes) = (count(report.files, "file"), count(report.bytes, "byte"));
    format!("verified {files}, {bytes}: {} damaged", report.damages.len())
}

/// What is damaged, file by file.
pub(crate) fn of_damages(report: &VerifyReport) -> String {
    let verb = if report.damages.len() == 1 { "is" } else { "are" };
    let mut text = format!("{} of {} {verb} damaged", report.damages.len(), count(report.files, "file"));
    for (number, damage) in report.damages.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = write!(text, "{} {}", if number == 0 { ":" } else { ";" }, damage.error);
    }
    text
}
