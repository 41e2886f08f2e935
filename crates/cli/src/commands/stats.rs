//! `stats`: figures about a database, as text or as JSON.

use std::io::Write as _;

use serde::Serialize;
use siltstone::Db;

use crate::{
    CommandResult, config::Config, open, output::Output, report::Report, status::Outcome, text::one_line,
};

/// Which figures, and how.
#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    /// Read everything, to tell the space amplification instead of estimating it
    #[arg(long)]
    exact: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Prints the figures.
pub(crate) fn run(config: &Config, arguments: &Arguments) -> CommandResult {
    let db = open::for_reading(config)?;
    let live = if arguments.exact { Some(live_bytes(&db)?) } else { None };
    let report = Report::new(&db.stats()?, live);
    let database = config.absolute_db().display().to_string();
    let mut out = Output::new();
    if arguments.json {
        serde_json::to_writer_pretty(&mut out, &Named { database, report })?;
        writeln!(out)?;
    } else {
        writeln!(out, "database              {}", one_line(&database))?;
        write!(out, "{report}")?;
        writeln!(out, "  (stats only reads: by itself it has written and compacted nothing)")?;
    }
    out.flush()?;
    Ok(Outcome::Done)
}

/// Figures, and what they are about.
#[derive(Debug, Serialize)]
struct Named {
    database: String,
    #[serde(flatten)]
    report: Report,
}

/// Bytes of all keys and values that a scan returns.
fn live_bytes(db: &Db) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for name in db.keyspaces()? {
        for entry in db.keyspace(&name)?.range(..) {
            let (key, value) = entry?;
            bytes += (key.len() + value.len()) as u64;
        }
    }
    Ok(bytes)
}
