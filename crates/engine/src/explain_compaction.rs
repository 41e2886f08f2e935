//! Says what would be compacted next, why, and what other strategies would do.

use std::fmt;

use siltstone_compaction::{
    Budget, CompactionStrategy, Debt, Job, RunningJob, TableMeta, TreeView, runs_by_age,
};

use crate::{CompactionSettings, Db, Error, Result, Settings};

/// What is going on in one keyspace, and what comes next.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CompactionExplanation {
    /// The keyspace's name.
    pub keyspace: String,
    /// Jobs under way.
    pub running: Vec<RunningJob>,
    /// What the keyspace's strategy says.
    pub own: Alternative,
    /// What the built-in strategies would say about the same tree, each with its default parameters.
    pub others: Vec<Alternative>,
    /// Why the last compaction of the database failed, if nothing is begun before a flush, or a while, has passed.
    pub failure: Option<Error>,
}

/// What a strategy says about a tree.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Alternative {
    /// Its name.
    pub strategy: &'static str,
    /// The job it would begin now, beside those that run.
    pub next: Option<PlannedJob>,
    /// All that is left to do.
    pub debt: Debt,
}

/// A job that has not begun.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct PlannedJob {
    /// What it does to which tables, and why.
    pub job: Job,
    /// Bytes of its inputs' files.
    pub input_bytes: u64,
}

impl Alternative {
    fn of(strategy: &dyn CompactionStrategy, view: &TreeView<'_>) -> Alternative {
        let next = strategy.plan(view).map(|job| {
            let tables = runs_by_age(view.levels).flat_map(|(_, run)| &run.tables);
            let inputs = tables.filter(|table| job.inputs.contains(&table.id));
            let input_bytes = inputs.map(|table: &std::sync::Arc<TableMeta>| table.file_bytes).sum();
            PlannedJob { job, input_bytes }
        });
        Alternative { strategy: strategy.name(), next, debt: strategy.debt(view) }
    }
}

impl fmt::Display for CompactionExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "keyspace {}", self.keyspace)?;
        for running in &self.running {
            write!(f, "  running:")?;
            running.inputs.iter().try_for_each(|id| write!(f, " {id}"))?;
            match running.output {
                Some(output) => writeln!(f, " -> {output}")?,
                None => writeln!(f, " are dropped")?,
            }
        }
        if let Some(failure) = &self.failure {
            writeln!(f, "  held up: {failure}")?;
        }
        write!(f, "  {}", self.own)?;
        self.others.iter().try_for_each(|other| write!(f, "\n  {other}, if it were in charge"))
    }
}

/// `size-tiered: merge 7 6 5 -> level 1 new run (size-ratio), 300 bytes, since 3 runs of similar size hold 300 bytes; debt 300 bytes, 2 runs`.
impl fmt::Display for Alternative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.strategy)?;
        match &self.next {
            Some(PlannedJob { job, input_bytes }) => {
                write!(f, "{job}, {input_bytes} bytes, since {}", job.reason.text)?;
            }
            None => f.write_str("nothing")?,
        }
        write!(f, "; debt {} bytes, {} runs", self.debt.bytes, self.debt.runs)
    }
}

impl Db {
    /// What would be compacted next in each keyspace, why, and what each built-in strategy would do with its default parameters.
    ///
    /// Nothing is begun. Where workers are free, what is next begins at once, so there is mostly nothing to see but the debt of zero; it is for a
    /// database that is opened read-only, is behind, or does not do what was expected.
    ///
    /// # Errors
    ///
    /// `Closed`.
    pub fn explain_compaction(&self) -> Result<Vec<CompactionExplanation>> {
        let inner = self.inner();
        inner.view()?;
        let snapshots = inner.snapshots.live();
        let (version, running, failure) = {
            let state = inner.background.state.lock();
            // Under the lock, as when a job is planned: the version has the inputs of what runs.
            (inner.version(), state.running.clone(), state.compaction_failure.clone())
        };
        let explained = version.keyspaces.iter().map(|(id, keyspace)| {
            let running = running.get(id).cloned().unwrap_or_default();
            let hot_ranges = inner.metrics.heat.ranges(*id);
            let view = TreeView {
                levels: &keyspace.tree.levels,
                running: &running,
                snapshots: &snapshots,
                hot_ranges: &hot_ranges,
                now_unix_ms: inner.shared.clock.now_unix_ms(),
                budget: Budget::UNLIMITED,
            };
            let own = Alternative::of(&*keyspace.profile.strategy, &view);
            let others = CompactionSettings::built_in().into_iter().map(|compaction| {
                let settings = Settings { compaction, ..keyspace.profile.settings.clone() };
                let profile = inner.shared.components.profile_for_reading(&settings);
                Alternative::of(&*profile.strategy, &view)
            });
            let (keyspace, others, failure) = (keyspace.name.to_string(), others.collect(), failure.clone());
            CompactionExplanation { keyspace, own, others, failure, running: running.clone() }
        });
        Ok(explained.collect())
    }
}
