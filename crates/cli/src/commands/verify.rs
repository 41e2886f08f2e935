//! `verify`: checks every byte of every file.

use std::io::Write as _;

use crate::{
    CommandResult, config::Config, open, output::Output, report::work::of_verification, status::Outcome,
};

/// Prints every damage and every file that is none of ours, a line each, and a summary.
pub(crate) fn run(config: &Config) -> CommandResult {
    let report = open::for_reading(config)?.verify()?;
    let mut out = Output::new();
    for damage in &report.damages {
        writeln!(out, "damaged: {}", damage.error)?;
    }
    for path in &report.foreign {
        writeln!(out, "foreign: {}", path.display())?;
    }
    writeln!(out, "{}", of_verification(&report))?;
    out.flush()?;
    Ok(if report.damages.is_empty() { Outcome::Done } else { Outcome::Damaged })
}
