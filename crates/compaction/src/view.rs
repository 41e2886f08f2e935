//! Everything that a strategy may look at.

use std::collections::BTreeSet;

use siltstone_types::SequenceNumber;

use crate::{InvalidJob, Job, KeyRange, Level, Output, Place, TableId, validate::Inputs};

/// A tree at one moment, and what is going on in it.
#[derive(Clone, Copy, Debug)]
pub struct TreeView<'a> {
    /// Level 0 first. Levels may be empty.
    pub levels: &'a [Level],
    /// Jobs that have begun and are not yet applied. Their inputs are still in the levels.
    pub running: &'a [RunningJob],
    /// Live snapshots, in rising order.
    pub snapshots: &'a [SequenceNumber],
    /// The time, in milliseconds since 1970. It may jump.
    pub now_unix_ms: u64,
    /// What a job may cost now.
    pub budget: Budget,
    /// Where reads had to ask several runs, and how often. Empty when nobody counts.
    pub hot_ranges: &'a [HotRange],
}

/// A range of keys that reads keep hitting.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HotRange {
    /// The keys. It may cover several runs, or none.
    pub range: KeyRange,
    /// How many lookups and scans in the range had to ask more than one run, lately: whoever counts lets
    /// counts decay, and starts anew where a job has merged.
    pub reads: u64,
}

impl<'a> TreeView<'a> {
    /// The levels with nothing running, no snapshot, no limit, in 1970.
    pub const fn idle(levels: &'a [Level]) -> TreeView<'a> {
        TreeView {
            levels,
            running: &[],
            snapshots: &[],
            now_unix_ms: 0,
            budget: Budget::UNLIMITED,
            hot_ranges: &[],
        }
    }

    /// The inputs of all running jobs.
    pub fn busy(&self) -> BTreeSet<TableId> {
        self.running.iter().flat_map(|job| job.inputs.iter().copied()).collect()
    }
}

/// What a job may cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Budget {
    /// Bytes of input files that one job should not exceed, because its output needs as much free space. A
    /// strategy that has only larger jobs plans none.
    pub job_bytes_max: u64,
}

impl Budget {
    /// No limit.
    pub const UNLIMITED: Budget = Budget { job_bytes_max: u64::MAX };
}

impl Default for Budget {
    fn default() -> Budget {
        Budget::UNLIMITED
    }
}

/// A job that has begun: what others must stay clear of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunningJob {
    /// Its inputs.
    pub inputs: Vec<TableId>,
    /// Where its result goes, if it has one. Never [`Place::ReplaceNewest`]: the run is named.
    pub output: Option<Output>,
    /// The smallest range that covers all inputs, and so the result.
    pub range: KeyRange,
}

impl RunningJob {
    /// What a job will be known as while it runs.
    ///
    /// # Errors
    ///
    /// When its inputs are not in the levels, or are none.
    pub fn new(job: &Job, levels: &[Level]) -> Result<RunningJob, InvalidJob> {
        let inputs = Inputs::find(&job.inputs, levels)?;
        let output = job.output().map(|output| match output.place {
            Place::ReplaceNewest => Output { place: Place::JoinRun(inputs.newest().epoch()), ..output },
            Place::NewRun | Place::JoinRun(_) => output,
        });
        Ok(RunningJob { inputs: job.inputs.clone(), output, range: inputs.hull().clone() })
    }
}
