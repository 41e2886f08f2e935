//! `flush`: writes everything that is in memory to tables.

use crate::{CommandResult, config::Config, open, status::Outcome};

/// Flushes. Opening has written to tables what was in the logs; closing does the rest.
pub(crate) fn run(config: &Config) -> CommandResult {
    let db = open::existing(config)?;
    db.flush()?;
    db.close()?;
    Ok(Outcome::Done)
}
