//! Exit statuses: 0 done, 1 key not found, 2 wrong usage, 3 failure.

use std::{fmt, io, process::ExitCode};

use crate::{advice, text::one_line};

/// How a command that did not fail ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// It did what it was asked.
    Done,
    /// The key does not exist.
    NotFound,
    /// `verify` found damage, and has said where.
    Damaged,
}

/// The command line or the configuration asks for what cannot be. Nothing was touched.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Tells a failure on standard error, with its causes and what to do about it, and gives the status.
pub(crate) fn finish(outcome: anyhow::Result<Outcome>) -> ExitCode {
    match outcome {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::NotFound) => ExitCode::from(1),
        Ok(Outcome::Damaged) => ExitCode::from(3),
        // Whoever read our output has seen enough (`| head`).
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{}", one_line(&advice::message(&error)));
            ExitCode::from(if error.is::<Usage>() { 2 } else { 3 })
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<io::Error>();
    io.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
