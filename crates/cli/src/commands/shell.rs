//! `shell`: commands from a terminal or a pipe.

use siltstone::Db;

use crate::{
    CommandResult,
    shell::{self, Start},
    status::Outcome,
};

/// What the exit status says of lines that were answered with an error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Strictness {
    /// Nothing.
    Lenient,
    /// That there was one.
    Strict,
}

impl Strictness {
    pub(crate) fn from_strict(strict: bool) -> Strictness {
        if strict { Strictness::Strict } else { Strictness::Lenient }
    }
}

/// Runs the shell, then closes the database.
pub(crate) fn shell(db: &Db, start: Start, strictness: Strictness) -> CommandResult {
    let errors = shell::run(db, start)?;
    db.close()?;
    if strictness == Strictness::Strict && errors > 0 {
        anyhow::bail!("lines answered with an error: {errors}");
    }
    Ok(Outcome::Done)
}
