//! Why a job is refused.

use std::fmt;

use crate::{Epoch, LEVELS_MAX, TableId};

/// Why a job must not be run, or its result not be applied. The numbers of the rules are those of
/// `docs/traits/compaction-strategy.md`.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum InvalidJob {
    /// Rule 1: there are no inputs.
    NoInputs,
    /// Rule 1: a table is named twice.
    RepeatedInput {
        /// The table.
        table: TableId,
    },
    /// Rule 1: a table is not in the tree.
    UnknownInput {
        /// The table.
        table: TableId,
    },
    /// Rule 1: a table is an input of a running job.
    BusyInput {
        /// The table.
        table: TableId,
    },
    /// Rules 2 and 3: a table that stays would change places with an input whose keys it shares.
    OutOfOrder {
        /// The input.
        input: TableId,
        /// The table that stays.
        other: TableId,
    },
    /// Rule 2: a table that stays holds older data for keys of a dropped table, and the old data would come
    /// back.
    Reveals {
        /// The table to drop.
        input: TableId,
        /// The table that stays.
        other: TableId,
    },
    /// Rule 3: there is no such level.
    LevelTooDeep {
        /// The level.
        level: u32,
    },
    /// Rule 3: a new run is asked for in a level that is not deeper than every input.
    NewRunNotDeeper {
        /// The level.
        level: u32,
    },
    /// Rule 3: the place of the newest input is asked for in a level that it is not in.
    NotTheLevelOfTheNewest {
        /// The level.
        level: u32,
    },
    /// Rule 3: the run to join does not exist.
    UnknownRun {
        /// The level.
        level: u32,
        /// The run.
        epoch: Epoch,
    },
    /// Rule 4: the result may overlap a table that its run keeps.
    OverlapsRun {
        /// The table that stays.
        other: TableId,
    },
    /// Rule 4: two tables to be moved into one run overlap.
    MovesOverlap {
        /// One.
        input: TableId,
        /// The other.
        other: TableId,
    },
    /// Rule 4: the result may overlap that of a running job in the same run.
    OverlapsRunning {
        /// The level.
        level: u32,
        /// The run.
        epoch: Epoch,
    },
    /// Rule 4: a running job makes a new run in the same level.
    TwoNewRuns {
        /// The level.
        level: u32,
    },
    /// Rules 2 and 3: a table of this job, or of a running one, would change places with the other job's
    /// result.
    CrossesRunning {
        /// The table.
        table: TableId,
    },
    /// Rules 4 and 5, of a finished job: its tables are not what the job is to make.
    Result {
        /// What is wrong with them.
        what: String,
    },
}

impl fmt::Display for InvalidJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InvalidJob::NoInputs => f.write_str("the job has no inputs (rule 1)"),
            InvalidJob::RepeatedInput { table } => write!(f, "table {table} is named twice (rule 1)"),
            InvalidJob::UnknownInput { table } => write!(f, "table {table} is not in the tree (rule 1)"),
            InvalidJob::BusyInput { table } => write!(f, "table {table} is in a running job (rule 1)"),
            InvalidJob::OutOfOrder { input, other } => {
                write!(
                    f,
                    "data of table {input} would change places with table {other}, which stays (rules 2, 3)"
                )
            }
            InvalidJob::Reveals { input, other } => {
                write!(f, "what table {input} hides in table {other} would come back (rule 2)")
            }
            InvalidJob::LevelTooDeep { level } => {
                write!(f, "level {level} is not below the limit of {LEVELS_MAX} (rule 3)")
            }
            InvalidJob::NewRunNotDeeper { level } => {
                write!(
                    f,
                    "level {level} is not deeper than every input, so it cannot take a new run (rule 3)"
                )
            }
            InvalidJob::NotTheLevelOfTheNewest { level } => {
                write!(f, "level {level} is not that of the newest input (rule 3)")
            }
            InvalidJob::UnknownRun { level, epoch } => write!(f, "level {level} has no run {epoch} (rule 3)"),
            InvalidJob::OverlapsRun { other } => {
                write!(f, "the result may overlap table {other}, which stays in the run (rule 4)")
            }
            InvalidJob::MovesOverlap { input, other } => {
                write!(f, "tables {input} and {other} overlap, and cannot be moved into one run (rule 4)")
            }
            InvalidJob::OverlapsRunning { level, epoch } => {
                write!(
                    f,
                    "the result may overlap that of a running job in run {epoch} of level {level} (rule 4)"
                )
            }
            InvalidJob::TwoNewRuns { level } => {
                write!(f, "a running job makes a new run in level {level} already (rule 4)")
            }
            InvalidJob::CrossesRunning { table } => {
                write!(
                    f,
                    "data of table {table} would change places with the result of another job (rules 2, 3)"
                )
            }
            InvalidJob::Result { what } => f.write_str(what),
        }
    }
}

impl std::error::Error for InvalidJob {}
