//! `compact`: merges all tables of each keyspace.

use std::io::Write as _;

use crate::{
    CommandResult, config::Config, open, output::Output, report::work::of_compaction, status::Outcome,
};

/// Compacts, and says what that did.
pub(crate) fn run(config: &Config) -> CommandResult {
    let db = open::existing(config)?;
    let report = db.compact()?;
    db.close()?;
    let mut out = Output::new();
    writeln!(out, "{}", of_compaction(&report))?;
    out.flush()?;
    Ok(Outcome::Done)
}
