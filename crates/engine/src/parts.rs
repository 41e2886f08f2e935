//! Merges a job's inputs in several parts at once, where workers have nothing else to do.
//!
//! Parts share no user key, and nothing that decides over an entry looks beyond its user key, so each can be merged for itself. Whoever works on a job takes one part after
//! the other until none is left, the one who began the job like those who help; nobody waits. The one who ends the last part has the result of all.

use std::time::Duration;

use siltstone_compaction::{Action, OlderData, Readers, RetainStatistics, Split};

use crate::{
    Result,
    background::catch_panic,
    compact::{Begun, invalid},
    db::Inner,
    execute::{self, Inputs, Merged, Rules},
    executor::Lane,
    parts::keys::{Extent, KeyPart, divide},
    sync::{Arc, Mutex},
    tree::OpenTable,
};

pub(crate) mod keys;

/// A merge on which several may work.
pub(crate) struct Parts {
    pub(crate) begun: Arc<Begun>,
    /// By the clock that never goes back.
    pub(crate) started: Duration,
    readers: Readers,
    older: OlderData,
    split: Split,
    keys: Vec<KeyPart>,
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    /// The next part that nobody has begun.
    next: usize,
    under_way: usize,
    /// No other part is begun.
    has_failed: bool,
    /// What was ended, by the number of the part.
    ended: Vec<(usize, Result<Merged>)>,
}

impl Progress {
    /// Takes a part that nobody has begun.
    fn begin(&mut self, parts: usize) -> Option<usize> {
        if self.has_failed || self.next == parts {
            return None;
        }
        self.next += 1;
        self.under_way += 1;
        Some(self.next - 1)
    }

    /// Everything that was made, for the one who ends the last part; nothing more is begun then.
    fn end(&mut self, part: usize, merged: Result<Merged>, parts: usize) -> Option<Vec<Result<Merged>>> {
        self.under_way -= 1;
        self.has_failed |= merged.is_err();
        self.ended.push((part, merged));
        let is_last = self.under_way == 0 && (self.has_failed || self.next == parts);
        is_last.then(|| {
            let mut ended = std::mem::take(&mut self.ended);
            ended.sort_by_key(|(part, _)| *part);
            ended.into_iter().map(|(_, merged)| merged).collect()
        })
    }
}

/// One result out of those of all parts. If any of them failed, what the others made goes.
fn together(all: Vec<Result<Merged>>) -> Result<Merged> {
    let mut whole = Merged { tables: Vec::new(), statistics: RetainStatistics::default() };
    let mut failure = None;
    for merged in all {
        match merged {
            Ok(merged) => {
                whole.tables.extend(merged.tables);
                whole.statistics += merged.statistics;
            }
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    match failure {
        None => Ok(whole),
        Some(error) => {
            whole.tables.iter().for_each(|table| table.make_obsolete());
            Err(error)
        }
    }
}

impl Inner {
    /// Merges. The result is given to the one who ended the last part, here or in a helper, which then goes on with [`Inner::merged`].
    pub(crate) fn merge_in_parts(&self, begun: &Arc<Begun>) -> Option<Result<RetainStatistics>> {
        let parts = match self.divided(begun) {
            Ok(parts) => Arc::new(parts),
            Err(error) => return Some(Err(error)),
        };
        for _ in 1..parts.keys.len() {
            let parts = Arc::clone(&parts);
            self.spawn(Lane::Compaction, move |inner| {
                let outcome = inner.work_on(&parts);
                inner.release_helpers(1);
                match outcome {
                    Some(outcome) => inner.conclude(&parts.begun, outcome),
                    // A worker is free.
                    None => inner.schedule_compactions(),
                }
            });
        }
        self.work_on(&parts)
    }

    /// Merges parts until there is none to begin. `Some` for the one who ended the last.
    fn work_on(&self, parts: &Parts) -> Option<Result<RetainStatistics>> {
        let count = parts.keys.len();
        loop {
            let part = parts.progress.lock().begin(count)?;
            let merged = self.merge_part(parts, part);
            let all = parts.progress.lock().end(part, merged, count);
            if let Some(all) = all {
                return Some(together(all).and_then(|merged| self.merged(parts, &merged)));
            }
        }
    }

    fn merge_part(&self, parts: &Parts, part: usize) -> Result<Merged> {
        let Begun { id, job, profile, tree, level, epoch, .. } = &*parts.begun;
        let rules = Rules {
            readers: &parts.readers,
            older_data_may_exist: &|key| parts.older.may_exist(key),
            split: &parts.split,
        };
        let keys = parts.keys.get(part).unwrap_or(&KeyPart::WHOLE);
        let inputs = Inputs { tree, tables: &job.inputs, keys };
        let draw = || self.draw_output(*id, *level, epoch.0);
        let merge = || execute::merge(&self.shared, profile, inputs, &rules, draw);
        if parts.keys.len() == 1 {
            return merge();
        }
        // Others count on this part to be ended.
        let merged = catch_panic(merge);
        merged.unwrap_or_else(|panicked| {
            self.stop_writing(&panicked);
            Err(panicked)
        })
    }

    /// Reads what the parts go by, once for all, and decides how many there are.
    fn divided(&self, begun: &Arc<Begun>) -> Result<Parts> {
        let started = self.shared.clock.monotonic();
        let Begun { job, tree, .. } = &**begun;
        let older = OlderData::behind(job, &tree.levels).map_err(invalid)?;
        // After the inputs were fixed: a snapshot that is taken later sees only what is newer than they are, or survives in them.
        let readers = self.snapshots.readers(&*self.shared.clock);
        let split = Split::of_job(job, &tree.levels).unwrap_or_else(|| Split::new(u64::MAX));
        let progress = Mutex::default();
        let keys = self.keys_of_parts(begun);
        Ok(Parts { begun: Arc::clone(begun), started, readers, older, split, keys, progress })
    }

    /// As many parts as there are workers free, so that each of them has one.
    fn keys_of_parts(&self, begun: &Begun) -> Vec<KeyPart> {
        let parts_max = self.shared.settings.subcompactions(self.executor.has_threads());
        let Action::Merge { table_bytes_max, .. } = begun.job.action else { return vec![KeyPart::WHOLE] };
        if parts_max <= 1 {
            return vec![KeyPart::WHOLE];
        }
        let inputs = extents(begun);
        let wanted = divide(&inputs, parts_max, table_bytes_max);
        let helpers = self.reserve_helpers(wanted.len() - 1);
        if helpers + 1 == wanted.len() {
            return wanted;
        }
        let parts = divide(&inputs, helpers + 1, table_bytes_max);
        // Fewer parts than there could be, where they would be too different.
        self.release_helpers(helpers + 1 - parts.len());
        parts
    }

    /// Takes up to so many workers that no job has.
    fn reserve_helpers(&self, wanted: usize) -> usize {
        let mut state = self.background.state.lock();
        let helpers = self.shared.settings.workers().saturating_sub(state.busy_workers()).min(wanted);
        state.helpers += helpers;
        helpers
    }

    fn release_helpers(&self, helpers: usize) {
        self.background.state.lock().helpers -= helpers;
    }
}

/// The inputs of a job, run by run.
fn extents(begun: &Begun) -> Vec<Extent> {
    let runs = begun.tree.runs.iter();
    let of_run = |tables: &[Arc<OpenTable>]| -> Vec<Extent> {
        let inputs = tables.iter().filter(|table| begun.has_input(table)).enumerate();
        inputs
            .map(|(at, table)| Extent {
                first: table.record.smallest.clone(),
                last: table.record.largest.clone(),
                file_bytes: table.record.file_bytes,
                begins_run: at == 0,
            })
            .collect()
    };
    runs.flat_map(|run| of_run(&run.tables)).collect()
}
