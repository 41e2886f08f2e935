//! What a strategy asks for.

use std::fmt;

use crate::{Cuts, Epoch, TableId};

/// One piece of work on a tree, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Job {
    /// What to do with the inputs.
    pub action: Action,
    /// The tables it is done to: at least one, each once, in any order.
    pub inputs: Vec<TableId>,
    /// Why.
    pub reason: Reason,
}

impl Job {
    /// Where the result goes; `None` when there is none.
    pub fn output(&self) -> Option<Output> {
        match self.action {
            Action::Merge { output, .. } | Action::Move { output } => Some(output),
            Action::Drop => None,
        }
    }
}

/// What to do with the inputs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Rewrite them as new tables, leaving out what nobody can see ([`Retain`](crate::Retain)).
    Merge {
        /// Where the new tables go.
        output: Output,
        /// A new table is begun between two user keys once this many bytes of file are written.
        table_bytes_max: u64,
        /// Where tables may end earlier.
        cuts: Cuts,
    },
    /// Give them another place without touching their files.
    Move {
        /// The new place.
        output: Output,
    },
    /// Delete them whole, with all that they hold. The data is gone for snapshots too: this is for strategies
    /// that let data expire.
    Drop,
}

/// The run that the result becomes, or becomes part of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Output {
    /// The level.
    pub level: u32,
    /// Where in it.
    pub place: Place,
}

/// Where in a level the result goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// A run of its own, newer than all of the level when the job ends. The level must be deeper than every
    /// input: runs that arrive in the inputs' own level while the job is under way would come to be behind
    /// it.
    NewRun,
    /// Part of this run of the level.
    JoinRun(Epoch),
    /// The place of the newest input, in its level.
    ReplaceNewest,
}

/// Why a job was chosen. Open: a strategy brings its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reason {
    /// A fixed word, for counting.
    pub code: &'static str,
    /// A sentence for people.
    pub text: String,
}

impl Reason {
    /// A reason.
    pub fn new(code: &'static str, text: impl Into<String>) -> Reason {
        Reason { code, text: text.into() }
    }
}

/// `merge 7 6 5 -> level 1 new run (size-ratio)`: the form used in logs and golden tests.
impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.action {
            Action::Merge { .. } => "merge",
            Action::Move { .. } => "move",
            Action::Drop => "drop",
        })?;
        for id in &self.inputs {
            write!(f, " {id}")?;
        }
        if let Some(output) = self.output() {
            write!(f, " -> {output}")?;
        }
        write!(f, " ({})", self.reason.code)
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "level {} ", self.level)?;
        match self.place {
            Place::NewRun => f.write_str("new run"),
            Place::JoinRun(epoch) => write!(f, "run {epoch}"),
            Place::ReplaceNewest => f.write_str("newest input's run"),
        }
    }
}
