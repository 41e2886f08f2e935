//! Simulates the engine around a strategy: memtables, the flush lane, workers, back-pressure, and the time they take.

use std::{cmp::Reverse, collections::VecDeque};

use siltstone_types::Kind;

use super::{
    EngineParameters, EngineReport, Operation, SimulationError, Timing,
    error::JOBS_MAX,
    live::LiveData,
    tally::{Moment, Tally, level0_runs},
    tree::{Merged, NewTable, SimulatedTree, Written},
    version::Version,
    writer::{Speed, Stop, Writer},
};
use crate::{
    Budget, CompactionStrategy, Debt, Epoch, InvalidJob, Job, Level, RunningJob, TreeView, validate,
};

const NS_PER_S: u64 = 1_000_000_000;
const NS_PER_MS: u64 = 1_000_000;
const NS_PER_US: u64 = 1_000;

/// An engine with one keyspace and no snapshots, one writer, and a strategy.
///
/// A memtable that is full is sealed. The flush lane makes one table of level 0 of it, with the last operation of each
/// key; tombstones are kept. Whenever a flush or a job ends, the strategy is asked for jobs until it has none or all
/// workers are busy. Jobs are validated, known to the strategy while they run, and applied by the code of the engine. A
/// job's result is fixed when it begins: of each key the newest version of the inputs, and no tombstone behind which
/// [`OlderData`](crate::OlderData) says there is nothing.
///
/// The writer writes at a fixed speed, is slowed down, and waits, as [`Backpressure`](super::Backpressure) and the
/// number of sealed memtables say. Nothing else costs time: no log, no reads, no contention between workers.
///
/// Each number of a key up to the highest takes four bytes of memory, so numbers should be dense.
#[derive(Debug)]
pub struct EngineSimulation<S> {
    strategy: S,
    parameters: EngineParameters,
    tree: SimulatedTree,
    live: LiveData,
    now_ns: u64,
    /// Full memtables, oldest first. The first one is being flushed if `flush` is there.
    sealed: VecDeque<Vec<Version>>,
    flush: Option<Flush>,
    /// What the strategy is told of `jobs`, in the same order.
    running: Vec<RunningJob>,
    jobs: Vec<JobUnderWay>,
    last_flush: u32,
    jobs_since_flush: u64,
}

#[derive(Debug)]
struct Flush {
    table: Option<NewTable>,
    epoch: Epoch,
    ends_ns: u64,
}

#[derive(Debug)]
struct JobUnderWay {
    job: Job,
    merged: Merged,
    epoch: Epoch,
    begins_ns: u64,
    ends_ns: u64,
}

impl JobUnderWay {
    /// What is written by then.
    fn bytes_written(&self, now_ns: u64) -> u64 {
        if now_ns >= self.ends_ns {
            return self.merged.bytes_out();
        }
        let whole = u128::from(self.ends_ns - self.begins_ns);
        let passed = u128::from(now_ns.saturating_sub(self.begins_ns));
        u64::try_from(u128::from(self.merged.bytes_out()) * passed / whole).unwrap_or(u64::MAX)
    }
}

/// Whether something ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Progress {
    Some,
    None,
}

impl<S: CompactionStrategy> EngineSimulation<S> {
    /// An engine with nothing in it.
    pub fn new(strategy: S, parameters: EngineParameters) -> EngineSimulation<S> {
        EngineSimulation {
            strategy,
            tree: SimulatedTree::new(parameters.file),
            parameters,
            live: LiveData::default(),
            now_ns: 0,
            sealed: VecDeque::new(),
            flush: None,
            running: Vec::new(),
            jobs: Vec::new(),
            last_flush: 0,
            jobs_since_flush: 0,
        }
    }

    /// The tree as it is.
    pub fn levels(&self) -> &[Level] {
        self.tree.levels()
    }

    /// Writes the operations, flushes what is left of them in memory, and lets the jobs end. It can be called again,
    /// and goes on with the same tree.
    ///
    /// # Errors
    ///
    /// When the strategy breaks a rule.
    pub fn run(
        &mut self,
        operations: impl IntoIterator<Item = Operation>,
    ) -> Result<EngineReport, SimulationError> {
        let mut operations = operations.into_iter();
        let mut tally = Tally::new(self.parameters.seed, &self.tree);
        let mut writer = Writer::default();
        let began_ns = self.now_ns;
        let mut memtable = self.fill(&mut operations, &mut writer, &mut tally);
        loop {
            self.begin_flush(&mut tally);
            self.begin_jobs(&mut tally)?;
            let speed = self.speed();
            let writer_in = memtable.as_ref().and_then(|_| writer.done_in_ns(speed));
            let Some(passed) = self.next_end_in_ns().into_iter().chain(writer_in).min() else { break };
            if passed > 0 {
                tally.see(self.moment());
            }
            self.now_ns += passed;
            if memtable.is_some() {
                writer.advance(passed, speed);
            }
            // What ends in the moment in which the memtable is full comes first, and all that follows from it.
            if self.end_flush() == Progress::Some || self.end_jobs(&mut tally)? == Progress::Some {
                continue;
            }
            if let Some(full) = memtable.take() {
                tally.sample(self.moment(), &self.live, &self.parameters);
                let versions = self.sorted(&full);
                self.sealed.push_back(versions);
                tally.report.writing_ns = self.now_ns - began_ns;
                memtable = self.fill(&mut operations, &mut writer, &mut tally);
            }
        }
        tally.sample(self.moment(), &self.live, &self.parameters);
        tally.report.settling_ns = self.now_ns - began_ns - tally.report.writing_ns;
        tally.report.stalls = writer.stalls();
        Ok(tally.into_report(&self.tree))
    }

    /// Takes operations until a memtable is full, and gives the writer the work; `None` when there are none left.
    fn fill(
        &mut self,
        operations: &mut impl Iterator<Item = Operation>,
        writer: &mut Writer,
        tally: &mut Tally,
    ) -> Option<Vec<Operation>> {
        let EngineParameters { memory, memtable_bytes_max, timing, .. } = &self.parameters;
        let (mut memtable, mut bytes) = (Vec::new(), 0);
        while bytes < *memtable_bytes_max
            && let Some(operation) = operations.next()
        {
            let is_delete = operation.kind == Kind::Delete;
            // Memtables only grow: a key that is written again takes room again.
            bytes += memory.bytes_of(1, u64::from(is_delete)).max(1);
            tally.remember(operation.key, is_delete);
            memtable.push(operation);
        }
        writer.begin(time_for(memtable.len() as u64, timing.writes_per_s));
        (!memtable.is_empty()).then_some(memtable)
    }

    /// The last operation of each key, in key order, as versions of the next flush.
    fn sorted(&mut self, memtable: &[Operation]) -> Vec<Version> {
        self.last_flush += 1;
        let flush = self.last_flush;
        // The later of two operations comes first, and the second is left out.
        let mut order: Vec<(u32, Reverse<usize>)> =
            memtable.iter().enumerate().map(|(at, operation)| (operation.key, Reverse(at))).collect();
        order.sort_unstable();
        order.dedup_by_key(|(key, _)| *key);
        let kind = |at: usize| memtable.get(at).map_or(Kind::Put, |operation| operation.kind);
        order.into_iter().map(|(key, at)| Version::new(key, flush, kind(at.0))).collect()
    }

    fn begin_flush(&mut self, tally: &mut Tally) {
        if self.flush.is_some() {
            return;
        }
        let Some(versions) = self.sealed.front().cloned() else { return };
        let epoch = self.tree.take_epoch();
        let table = self.tree.make_table(versions, Written::at(self.now_unix_ms()));
        let bytes = table.as_ref().map_or(0, |table| table.meta.file_bytes);
        tally.report.bytes_flushed += bytes;
        tally.report.entries_flushed += table.as_ref().map_or(0, |table| table.meta.entries);
        let takes_ns = job_time(bytes, self.parameters.timing.flush_bytes_per_s, &self.parameters.timing);
        self.flush = Some(Flush { table, epoch, ends_ns: self.now_ns + takes_ns });
    }

    fn end_flush(&mut self) -> Progress {
        let now_ns = self.now_ns;
        let Some(Flush { table, epoch, .. }) = self.flush.take_if(|flush| flush.ends_ns <= now_ns) else {
            return Progress::None;
        };
        self.sealed.pop_front();
        self.jobs_since_flush = 0;
        if let Some(table) = table {
            table.versions.iter().for_each(|version| self.live.add(*version));
            self.tree.add(0, epoch, table);
        }
        Progress::Some
    }

    /// Begins as many jobs as there are workers for.
    fn begin_jobs(&mut self, tally: &mut Tally) -> Result<(), SimulationError> {
        while self.running.len() < self.parameters.timing.workers.max(1) {
            let job = self.strategy.plan(&self.view());
            if self.running.is_empty() {
                let debt = self.debt();
                if job.is_some() != (debt != Debt::ZERO) {
                    return Err(SimulationError::WrongDebt { debt });
                }
            }
            let Some(job) = job else { break };
            validate(&job, &self.view()).map_err(SimulationError::invalid(&job))?;
            self.jobs_since_flush += 1;
            if self.jobs_since_flush > JOBS_MAX {
                return Err(SimulationError::Endless);
            }
            self.begin(&job, tally).map_err(SimulationError::invalid(&job))?;
        }
        Ok(())
    }

    fn begin(&mut self, job: &Job, tally: &mut Tally) -> Result<(), InvalidJob> {
        let known = RunningJob::new(job, self.tree.levels())?;
        let merged = self.tree.merge(job, self.now_unix_ms())?;
        let timing = &self.parameters.timing;
        let bytes = merged.bytes_in + merged.bytes_out();
        let takes_ns = job_time(bytes, timing.compaction_bytes_per_s, timing);
        let (begins_ns, ends_ns) = (self.now_ns, self.now_ns + takes_ns);
        let epoch = self.tree.take_epoch();
        self.running.push(known);
        self.jobs.push(JobUnderWay { job: job.clone(), merged, epoch, begins_ns, ends_ns });
        let running = self.jobs.len() as u64;
        tally.report.jobs_running_max = tally.report.jobs_running_max.max(running);
        Ok(())
    }

    fn end_jobs(&mut self, tally: &mut Tally) -> Result<Progress, SimulationError> {
        let mut progress = Progress::None;
        while let Some(at) = self.jobs.iter().position(|job| job.ends_ns <= self.now_ns) {
            let written: u64 = self.jobs.iter().map(|job| job.bytes_written(self.now_ns)).sum();
            tally.see_peak(self.tree.file_bytes() + written, self.live_bytes());
            self.running.remove(at);
            let JobUnderWay { job, merged, epoch, .. } = self.jobs.remove(at);
            tally.count_job(&job);
            let report = &mut tally.report;
            report.entries_read += merged.entries_in;
            report.entries_merged += merged.entries_out();
            report.superseded += merged.superseded;
            report.tombstones_dropped += merged.tombstones_dropped;
            report.bytes_read += merged.bytes_in;
            report.bytes_merged += merged.bytes_out();
            let dropped =
                self.tree.finish(&job, merged.tables, epoch).map_err(SimulationError::invalid(&job))?;
            report.entries_dropped += dropped.len() as u64;
            dropped.into_iter().for_each(|version| self.live.remove(version));
            progress = Progress::Some;
        }
        Ok(progress)
    }

    fn next_end_in_ns(&self) -> Option<u64> {
        let flush = self.flush.iter().map(|flush| flush.ends_ns);
        flush
            .chain(self.jobs.iter().map(|job| job.ends_ns))
            .min()
            .map(|ends| ends.saturating_sub(self.now_ns))
    }

    fn speed(&self) -> Speed {
        if self.sealed.len() >= self.parameters.sealed_max.max(1) {
            return Speed::Stopped(Stop::Memtables);
        }
        let level0_runs = level0_runs(self.tree.levels());
        self.parameters.backpressure.speed(self.debt().bytes, level0_runs, !self.jobs.is_empty())
    }

    fn debt(&self) -> Debt {
        self.strategy.debt(&self.view())
    }

    fn moment(&self) -> Moment<'_> {
        Moment { tree: &self.tree, live_bytes: self.live_bytes(), debt: self.debt() }
    }

    fn view(&self) -> TreeView<'_> {
        TreeView {
            levels: self.tree.levels(),
            running: &self.running,
            snapshots: &[],
            now_unix_ms: self.now_unix_ms(),
            hot_ranges: &[],
            budget: Budget::UNLIMITED,
        }
    }

    fn now_unix_ms(&self) -> u64 {
        self.now_ns / NS_PER_MS
    }

    fn live_bytes(&self) -> u64 {
        self.live.count() * self.parameters.file.put_bytes
    }

    /// Checks that a read of any key finds its newest version, or none if that was a tombstone: whatever strategies and
    /// their jobs did, nothing was lost and nothing came back.
    ///
    /// # Errors
    ///
    /// A key of which that is not true, in words.
    pub fn check_reads(&self) -> Result<(), String> {
        for key in 0..self.live.keys_end() {
            let found = self.tree.asked(key).flatten().next();
            let is_right = match found {
                Some(version) => self.live.is_newest(version),
                // A tombstone need not be there any more.
                None => !self.live.contains(key),
            };
            if !is_right {
                return Err(format!("a read of key {key} finds {found:?}"));
            }
        }
        Ok(())
    }
}

fn time_for(amount: u64, per_s: u64) -> u64 {
    let ns = u128::from(amount) * u128::from(NS_PER_S) / u128::from(per_s.max(1));
    u64::try_from(ns).unwrap_or(u64::MAX)
}

fn job_time(bytes: u64, bytes_per_s: u64, timing: &Timing) -> u64 {
    let transfer = if bytes_per_s == u64::MAX { 0 } else { time_for(bytes, bytes_per_s) };
    transfer.saturating_add(timing.job_us.saturating_mul(NS_PER_US))
}
