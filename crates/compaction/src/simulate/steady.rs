//! Simulates a tree in which compaction takes no time, on keys that the caller draws.

use std::collections::{BTreeMap, HashSet};

use siltstone_types::Kind;

use super::{
    EntrySizes, SimulationError,
    error::JOBS_MAX,
    ratio,
    tree::{SimulatedTree, Written},
    version::Version,
};
use crate::{Action, CompactionStrategy, Debt, Epoch, Level, TreeView, runs_by_age, validate};

/// A tree that is written to and compacted. All entries have one size, compaction is done before the next
/// flush begins, and no entry is a tombstone. What is rewritten, how often and into which tables is exact.
///
/// Jobs pass [`validate`](crate::validate) and are put into the tree by [`apply`](crate::apply), as in the
/// engine.
#[derive(Debug)]
pub struct Simulation<S> {
    strategy: S,
    parameters: SimulationParameters,
    tree: SimulatedTree,
    distinct: HashSet<u32>,
    last_flush: u32,
}

/// How much is written, and in which portions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SimulationParameters {
    /// The tree begins with a run in level 1 that holds the keys below this number.
    pub loaded_keys: u32,
    /// Keys drawn for each flush. A key that is drawn twice is in the flush once.
    pub flush_entries: u32,
    /// Flushes before anything is counted.
    pub warm_up_flushes: u32,
    /// Flushes that are counted.
    pub flushes: u32,
    /// Size of an entry, in bytes: this is what sizes of tables are computed with.
    pub entry_bytes: u64,
}

impl Default for SimulationParameters {
    fn default() -> SimulationParameters {
        SimulationParameters {
            loaded_keys: 100_000,
            flush_entries: 100,
            warm_up_flushes: 5_000,
            flushes: 5_000,
            entry_bytes: 100,
        }
    }
}

/// What a simulation counted. Space is in proportion to the distinct keys.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct SimulationReport {
    /// Entries that were written by the user: keys drawn.
    pub entries_drawn: u64,
    /// Entries written by flushes.
    pub entries_flushed: u64,
    /// Entries written by merges.
    pub entries_merged: u64,
    /// Entries flushed or merged for each one drawn.
    pub write_amplification: f64,
    /// Entries in the tree for each distinct key, after compaction: the mean over the flushes.
    pub space_amplification_mean: f64,
    /// The same at its highest.
    pub space_amplification_max: f64,
    /// The same at its highest while a merge has its inputs and its outputs on disk.
    pub space_amplification_peak: f64,
    /// Runs after compaction: the mean over the flushes.
    pub runs_mean: f64,
    /// The same at its highest.
    pub runs_max: u64,
    /// Jobs by the code of their reason.
    pub jobs: BTreeMap<&'static str, u64>,
}

impl<S: CompactionStrategy> Simulation<S> {
    /// A loaded tree.
    pub fn new(strategy: S, parameters: SimulationParameters) -> Simulation<S> {
        let SimulationParameters { entry_bytes, loaded_keys, .. } = parameters;
        let sizes = EntrySizes { put_bytes: entry_bytes, tombstone_bytes: entry_bytes };
        let mut tree = SimulatedTree::new(sizes);
        let epoch = tree.take_epoch();
        let loaded = (0..loaded_keys).map(|key| Version::new(key, 0, Kind::Put)).collect();
        if let Some(table) = tree.make_table(loaded, Written::at(0)) {
            tree.add(1, epoch, table);
        }
        Simulation { strategy, parameters, tree, distinct: (0..loaded_keys).collect(), last_flush: 0 }
    }

    /// Flushes what `draw_key` draws, compacts, and counts. It can be called again, and goes on with the same
    /// tree.
    ///
    /// # Errors
    ///
    /// When the strategy breaks a rule. The tree is as it was before the job in question.
    pub fn run(&mut self, mut draw_key: impl FnMut() -> u32) -> Result<SimulationReport, SimulationError> {
        for _ in 0..self.parameters.warm_up_flushes {
            self.flush(&mut draw_key, &mut Counts::default())?;
        }
        let mut counts = Counts::default();
        for _ in 0..self.parameters.flushes {
            self.flush(&mut draw_key, &mut counts)?;
            let space = ratio(self.tree.entry_count(), self.distinct.len() as u64);
            let runs = runs_by_age(self.tree.levels()).count() as u64;
            counts.space_sum += space;
            counts.runs_sum += runs;
            counts.report.space_amplification_max = counts.report.space_amplification_max.max(space);
            counts.report.runs_max = counts.report.runs_max.max(runs);
        }
        Ok(counts.into_report(self.parameters.flushes))
    }

    /// The tree as it is.
    pub fn levels(&self) -> &[Level] {
        self.tree.levels()
    }

    fn flush(
        &mut self,
        draw_key: &mut impl FnMut() -> u32,
        counts: &mut Counts,
    ) -> Result<(), SimulationError> {
        let mut keys: Vec<u32> = (0..self.parameters.flush_entries).map(|_| draw_key()).collect();
        counts.report.entries_drawn += keys.len() as u64;
        keys.sort_unstable();
        keys.dedup();
        counts.report.entries_flushed += keys.len() as u64;
        self.distinct.extend(&keys);
        self.last_flush += 1;
        let versions = keys.into_iter().map(|key| Version::new(key, self.last_flush, Kind::Put)).collect();
        let Some(table) = self.tree.make_table(versions, Written::at(0)) else { return Ok(()) };
        let epoch = self.tree.take_epoch();
        self.tree.add(0, epoch, table);
        self.compact(counts)
    }

    fn compact(&mut self, counts: &mut Counts) -> Result<(), SimulationError> {
        for _ in 0..JOBS_MAX {
            let view = TreeView::idle(self.tree.levels());
            let (job, debt) = (self.strategy.plan(&view), self.strategy.debt(&view));
            if job.is_some() != (debt != Debt::ZERO) {
                return Err(SimulationError::WrongDebt { debt });
            }
            let Some(job) = job else { return Ok(()) };
            validate(&job, &view).map_err(SimulationError::invalid(&job))?;
            let before = self.tree.entry_count();
            let merged = self.tree.merge(&job, 0).map_err(SimulationError::invalid(&job))?;
            if matches!(job.action, Action::Merge { .. }) {
                counts.report.entries_merged += merged.entries_out();
                let peak = ratio(before + merged.entries_out(), self.distinct.len() as u64);
                counts.report.space_amplification_peak = counts.report.space_amplification_peak.max(peak);
            }
            let fresh: Epoch = self.tree.take_epoch();
            self.tree.finish(&job, merged.tables, fresh).map_err(SimulationError::invalid(&job))?;
            *counts.report.jobs.entry(job.reason.code).or_default() += 1;
        }
        Err(SimulationError::Endless)
    }
}

#[derive(Default)]
struct Counts {
    report: SimulationReport,
    space_sum: f64,
    runs_sum: u64,
}

impl Counts {
    fn into_report(self, flushes: u32) -> SimulationReport {
        let mut report = self.report;
        let written = report.entries_flushed + report.entries_merged;
        report.write_amplification = ratio(written, report.entries_drawn);
        report.space_amplification_mean = self.space_sum / f64::from(flushes.max(1));
        report.runs_mean = ratio(self.runs_sum, u64::from(flushes));
        report
    }
}
