//! `keyspaces`: prints the names of all keyspaces.

use std::io::Write as _;

use crate::{CommandResult, config::Config, open, output::Output, status::Outcome, text::escape};

/// Prints one name a line, sorted.
pub(crate) fn run(config: &Config) -> CommandResult {
    let names = open::for_reading(config)?.keyspaces()?;
    let mut out = Output::new();
    for name in names {
        writeln!(out, "{}", escape(name.as_bytes()))?;
    }
    out.flush()?;
    Ok(Outcome::Done)
}
