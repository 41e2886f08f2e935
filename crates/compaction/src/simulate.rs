//! Runs a strategy on sorted key numbers instead of files.

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    sync::Arc,
};

use siltstone_types::SequenceNumber;

use crate::{
    Action, CompactionStrategy, Debt, Epoch, InvalidJob, Job, KeyRange, Level, Split, TableId, TableMeta,
    TreeView, apply, levels_from_tables, runs_by_age, validate,
};

/// More jobs than this between two flushes, and the strategy is taken not to come to an end.
const JOBS_MAX: u64 = 10_000;

/// A tree that is written to and compacted. All entries have one size, compaction is done before the next
/// flush begins, and no entry is a tombstone. What is rewritten, how often and into which tables is exact.
///
/// Jobs pass [`validate`](crate::validate) and are put into the tree by [`apply`](crate::apply), as in the
/// engine.
#[derive(Debug)]
pub struct Simulation<S> {
    strategy: S,
    parameters: SimulationParameters,
    levels: Vec<Level>,
    keys: BTreeMap<TableId, Vec<u32>>,
    distinct: HashSet<u32>,
    // The last table id, epoch and sequence number: one counter serves for all.
    last_number: u64,
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

/// The strategy broke a rule of [`CompactionStrategy`].
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

impl<S: CompactionStrategy> Simulation<S> {
    /// A loaded tree.
    pub fn new(strategy: S, parameters: SimulationParameters) -> Simulation<S> {
        let mut simulation = Simulation {
            strategy,
            parameters,
            levels: Vec::new(),
            keys: BTreeMap::new(),
            distinct: (0..parameters.loaded_keys).collect(),
            last_number: 1,
        };
        let loaded = (0..parameters.loaded_keys).collect();
        let placed = simulation.make_table(loaded).map(|table| (1, Epoch(1), table));
        simulation.levels = levels_from_tables(placed);
        simulation
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
            let space = ratio(self.entry_count(), self.distinct.len() as u64);
            let runs = runs_by_age(&self.levels).count() as u64;
            counts.space_sum += space;
            counts.runs_sum += runs;
            counts.report.space_amplification_max = counts.report.space_amplification_max.max(space);
            counts.report.runs_max = counts.report.runs_max.max(runs);
        }
        Ok(counts.into_report(self.parameters.flushes))
    }

    /// The tree as it is.
    pub fn levels(&self) -> &[Level] {
        &self.levels
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
        let Some(table) = self.make_table(keys) else { return Ok(()) };
        let epoch = Epoch(self.take_number());
        let present = runs_by_age(&self.levels).flat_map(|(at, run)| {
            run.tables.iter().map(move |table| (at.level, at.epoch(), Arc::clone(table)))
        });
        let placed: Vec<_> = present.chain([(0, epoch, table)]).collect();
        self.levels = levels_from_tables(placed);
        self.compact(counts)
    }

    fn compact(&mut self, counts: &mut Counts) -> Result<(), SimulationError> {
        for _ in 0..JOBS_MAX {
            let view = TreeView::idle(&self.levels);
            let (job, debt) = (self.strategy.plan(&view), self.strategy.debt(&view));
            if job.is_some() != (debt != Debt::ZERO) {
                return Err(SimulationError::WrongDebt { debt });
            }
            let Some(job) = job else { return Ok(()) };
            let refused = |broken| SimulationError::InvalidJob { job: Box::new(job.clone()), broken };
            validate(&job, &view).map_err(refused)?;
            let outputs = self.merge(&job, counts);
            let fresh = Epoch(self.take_number());
            self.levels = apply(&self.levels, &job, outputs, fresh).map_err(refused)?.levels;
            *counts.report.jobs.entry(job.reason.code).or_default() += 1;
            if !matches!(job.action, Action::Move { .. }) {
                job.inputs.iter().for_each(|id| drop(self.keys.remove(id)));
            }
        }
        Err(SimulationError::Endless)
    }

    /// The tables that a job makes.
    fn merge(&mut self, job: &Job, counts: &mut Counts) -> Vec<Arc<TableMeta>> {
        let Some(mut split) = Split::of_job(job, &self.levels) else { return Vec::new() };
        let before = self.entry_count();
        let mut keys: Vec<u32> =
            job.inputs.iter().filter_map(|id| self.keys.get(id)).flatten().copied().collect();
        keys.sort_unstable();
        keys.dedup();
        counts.report.entries_merged += keys.len() as u64;
        let peak = ratio(before + keys.len() as u64, self.distinct.len() as u64);
        counts.report.space_amplification_peak = counts.report.space_amplification_peak.max(peak);
        let (mut tables, mut table) = (Vec::new(), Vec::new());
        for key in keys {
            let bytes = (table.len() as u64).saturating_mul(self.parameters.entry_bytes);
            if split.ends_before(&key_bytes(key), bytes) {
                tables.extend(self.make_table(std::mem::take(&mut table)));
            }
            table.push(key);
        }
        tables.extend(self.make_table(table));
        tables
    }

    /// A table of sorted keys; `None` for no keys.
    fn make_table(&mut self, keys: Vec<u32>) -> Option<Arc<TableMeta>> {
        let (first, last) = (keys.first()?, keys.last()?);
        let (first, last) = (key_bytes(*first), key_bytes(*last));
        let id = TableId(self.take_number());
        let entries = keys.len() as u64;
        let bytes = entries.saturating_mul(self.parameters.entry_bytes);
        let sequence = SequenceNumber::new(id.0).unwrap_or(SequenceNumber::MAX);
        self.keys.insert(id, keys);
        Some(Arc::new(TableMeta {
            id,
            file_bytes: bytes,
            raw_bytes: bytes,
            entries,
            tombstones: 0,
            range: KeyRange::new(&first, &last),
            first_sequence: sequence,
            last_sequence: sequence,
            created_unix_ms: 0,
            oldest_tombstone_unix_ms: None,
        }))
    }

    fn take_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    fn entry_count(&self) -> u64 {
        self.keys.values().map(|keys| keys.len() as u64).sum()
    }
}

/// Bytes that sort as the numbers do.
fn key_bytes(key: u32) -> [u8; 4] {
    let mut bytes = key.to_le_bytes();
    bytes.reverse();
    bytes
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

#[expect(clippy::cast_precision_loss, reason = "counts of entries stay far below 2^53")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}
