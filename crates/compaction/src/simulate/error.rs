//! Says which promise a strategy broke in a simulation.

use std::fmt;

use crate::{Debt, InvalidJob, Job};

/// More jobs than this between two flushes, and the strategy is taken not to come to an
/// end.
pub(super) const JOBS_MAX: u64 = 10_000;

/// The strategy broke a rule of [`CompactionStrategy`](crate::CompactionStrategy).
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SimulationError {
    /// A job is not valid.
    InvalidJob {
        /// The job.
        job: Box<Job>,
        /// Why.
        broken: InvalidJob,
    },
    /// There is always another job.
    Endless,
    /// There is debt and no job, or a job and no debt.
    WrongDebt {
        /// The debt that was stated.
        debt: Debt,
    },
}

impl SimulationError {
    pub(super) fn invalid(job: &Job) -> impl FnOnce(InvalidJob) -> SimulationError {
        |broken| SimulationError::InvalidJob { job: Box::new(job.clone()), broken }
    }
}

impl fmt::Display for SimulationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SimulationError::InvalidJob { job, broken } => write!(f, "{broken} job={job}"),
            SimulationError::Endless => write!(f, "no end after {JOBS_MAX} jobs"),
            SimulationError::WrongDebt { debt } => {
                write!(f, "the debt does not agree with the plan debt={debt:?}")
            }
        }
    }
}

impl std::error::Error for SimulationError {}
