//! Gathers what a run of a simulation is reported as.

use super::{
    EngineParameters, EngineReport, ReadCost, live::LiveData, random::Random, ratio, tree::SimulatedTree,
};
use crate::{Action, Debt, Job, Level, runs_by_age};

/// Keys of written operations that are kept to be read.
const READABLE_KEYS_MAX: usize = 8_192;
/// In one moment no more reads are tried once they asked so many runs: trees of a thousand runs exist.
const RUNS_ASKED_MAX: u64 = 1_024;

/// Sums, maxima, and a sample of the keys that were written.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) report: EngineReport,
    random: Random,
    samples: u64,
    space_samples: u64,
    space_sum: f64,
    runs_sum: u64,
    debt_sum: u128,
    readable_keys: Vec<u32>,
    found: ReadMoments,
    absent: ReadMoments,
}

/// What a simulation is like at one time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment<'a> {
    pub(super) tree: &'a SimulatedTree,
    pub(super) live_bytes: u64,
    pub(super) debt: Debt,
}

#[derive(Default, Debug)]
struct ReadSums {
    reads: u64,
    runs_asked: u64,
    runs_read: f64,
}

impl ReadSums {
    #[expect(clippy::cast_precision_loss, reason = "runs are few")]
    fn add(&mut self, asked: u64, answered: u64, false_positive_rate: f64) {
        self.reads += 1;
        self.runs_asked += asked;
        self.runs_read += answered as f64 + (asked - answered) as f64 * false_positive_rate;
    }

    fn mean(&self) -> ReadCost {
        let reads = ratio(self.reads, 1).max(1.0);
        ReadCost { runs_asked: ratio(self.runs_asked, self.reads), runs_read: self.runs_read / reads }
    }
}

/// What reads cost on average over moments, each of which counts alike however many reads were tried in it.
#[derive(Default, Debug)]
struct ReadMoments {
    moments: u64,
    sum: ReadCost,
}

impl ReadMoments {
    fn add(&mut self, reads: &ReadSums) {
        if reads.reads > 0 {
            let ReadCost { runs_asked, runs_read } = reads.mean();
            self.moments += 1;
            self.sum.runs_asked += runs_asked;
            self.sum.runs_read += runs_read;
        }
    }

    fn mean(&self) -> ReadCost {
        let moments = ratio(self.moments, 1).max(1.0);
        ReadCost { runs_asked: self.sum.runs_asked / moments, runs_read: self.sum.runs_read / moments }
    }
}

impl Tally {
    pub(super) fn new(seed: u64, tree: &SimulatedTree) -> Tally {
        Tally {
            report: EngineReport { entries_before: tree.entry_count(), ..EngineReport::default() },
            random: Random::new(seed),
            samples: 0,
            space_samples: 0,
            space_sum: 0.0,
            runs_sum: 0,
            debt_sum: 0,
            readable_keys: Vec::new(),
            found: ReadMoments::default(),
            absent: ReadMoments::default(),
        }
    }

    /// Remembers a key that was written, so that each operation has the same chance to be remembered (Vitter, "Random
    /// sampling with a reservoir", TOMS 1985, algorithm R).
    pub(super) fn remember(&mut self, key: u32, is_delete: bool) {
        self.report.operations += 1;
        self.report.deletes += u64::from(is_delete);
        if self.readable_keys.len() < READABLE_KEYS_MAX {
            self.readable_keys.push(key);
            return;
        }
        let at = self.random.below_u64(self.report.operations);
        if let Some(kept) = usize::try_from(at).ok().and_then(|at| self.readable_keys.get_mut(at)) {
            *kept = key;
        }
    }

    pub(super) fn count_job(&mut self, job: &Job) {
        *self.report.jobs.entry(job.reason.code).or_default() += 1;
        self.report.moves += u64::from(matches!(job.action, Action::Move { .. }));
    }

    /// Bytes on disk while merges are at work.
    pub(super) fn see_peak(&mut self, bytes: u64, live_bytes: u64) {
        if live_bytes > 0 {
            let peak = &mut self.report.space_amplification_peak;
            *peak = peak.max(ratio(bytes, live_bytes));
        }
    }

    /// Looks at a state that lasts for a while: how high things are.
    pub(super) fn see(&mut self, moment: Moment<'_>) {
        let Moment { tree, live_bytes, debt } = moment;
        let report = &mut self.report;
        let runs = runs_by_age(tree.levels()).count() as u64;
        report.runs_max = report.runs_max.max(runs);
        report.level0_runs_max = report.level0_runs_max.max(level0_runs(tree.levels()));
        report.debt_bytes_max = report.debt_bytes_max.max(debt.bytes);
        if live_bytes > 0 {
            let space = ratio(tree.file_bytes(), live_bytes);
            report.space_amplification_max = report.space_amplification_max.max(space);
        }
        self.see_peak(tree.file_bytes(), live_bytes);
    }

    /// Looks at the state in which a memtable is full, or everything is done: how high things are, and how high on
    /// average.
    pub(super) fn sample(&mut self, moment: Moment<'_>, live: &LiveData, parameters: &EngineParameters) {
        self.see(moment);
        let Moment { tree, live_bytes, debt } = moment;
        let report = &mut self.report;
        report.runs_settled = runs_by_age(tree.levels()).count() as u64;
        report.live_bytes = live_bytes;
        report.file_bytes = tree.file_bytes();
        self.samples += 1;
        self.runs_sum += report.runs_settled;
        self.debt_sum += u128::from(debt.bytes);
        if live_bytes > 0 {
            report.space_amplification_settled = ratio(report.file_bytes, live_bytes);
            self.space_samples += 1;
            self.space_sum += report.space_amplification_settled;
        }
        self.read(tree, live, parameters);
    }

    fn read(&mut self, tree: &SimulatedTree, live: &LiveData, parameters: &EngineParameters) {
        let (mut found, mut absent) = (ReadSums::default(), ReadSums::default());
        for _ in 0..parameters.reads_per_flush {
            let at = self.random.below_u64(self.readable_keys.len() as u64);
            let key = usize::try_from(at).ok().and_then(|at| self.readable_keys.get(at));
            let Some(&key) = key.filter(|_| absent.runs_asked < RUNS_ASKED_MAX) else { break };
            let answers: Vec<bool> = tree.asked(key).map(|answer| answer.is_some()).collect();
            let (all, rate) = (answers.len() as u64, parameters.filter_false_positive_rate);
            absent.add(all, 0, rate);
            if let Some(at) = answers.iter().position(|is_answer| *is_answer)
                && live.contains(key)
            {
                found.add(at as u64 + 1, 1, rate);
            }
        }
        self.found.add(&found);
        self.absent.add(&absent);
    }

    pub(super) fn into_report(self, tree: &SimulatedTree) -> EngineReport {
        let mut report = self.report;
        report.entries_settled = tree.entry_count();
        report.levels_settled = tree.levels().iter().filter(|level| !level.runs.is_empty()).count() as u64;
        report.tables_settled = runs_by_age(tree.levels()).map(|(_, run)| run.tables.len() as u64).sum();
        report.table_write_amplification =
            ratio(report.bytes_flushed + report.bytes_merged, report.bytes_flushed);
        report.space_amplification_mean = self.space_sum / ratio(self.space_samples, 1).max(1.0);
        report.runs_mean = ratio(self.runs_sum, self.samples);
        let debt_sum = u64::try_from(self.debt_sum).unwrap_or(u64::MAX);
        report.debt_bytes_mean = ratio(debt_sum, self.samples);
        report.found = self.found.mean();
        report.absent = self.absent.mean();
        report
    }
}

/// Runs of level 0.
pub(super) fn level0_runs(levels: &[Level]) -> u64 {
    levels.first().map_or(0, |level| level.runs.len() as u64)
}
