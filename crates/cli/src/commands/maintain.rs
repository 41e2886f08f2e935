//! `flush`, `compact` and `verify`: what is done to a database as a whole.

use std::io::{Write as _, stdout};

use siltstone::Db;

use crate::{CommandResult, status::Outcome};

pub(crate) fn flush(db: &Db) -> CommandResult {
    db.flush()?;
    db.close()?;
    Ok(Outcome::Done)
}

pub(crate) fn compact(db: &Db) -> CommandResult {
    let report = db.compact()?;
    db.close()?;
    let mut out = stdout().lock();
    writeln!(
        out,
        "compacted {} tables into {}: {} entries removed, {} bytes reclaimed, {:.3} s",
        report.tables_before,
        report.tables_after,
        report.entries_removed,
        report.bytes_reclaimed,
        report.duration.as_secs_f64()
    )?;
    Ok(Outcome::Done)
}

/// Prints every damage and every file that is none of ours, a line each, and a summary.
pub(crate) fn verify(db: &Db) -> CommandResult {
    let report = db.verify()?;
    let mut out = stdout().lock();
    for damage in &report.damages {
        writeln!(out, "damaged: {}", damage.error)?;
    }
    for path in &report.foreign {
        writeln!(out, "foreign: {}", path.display())?;
    }
    writeln!(
        out,
        "verified {} files, {} bytes: {} damaged",
        report.files,
        report.bytes,
        report.damages.len()
    )?;
    Ok(if report.damages.is_empty() { Outcome::Done } else { Outcome::Damaged })
}
