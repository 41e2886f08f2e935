//! Plans compactions, runs them in the background, and installs what they made.

use std::{cmp::Reverse, time::Duration};

use siltstone_compaction::{
    Action, Budget, Cuts, Epoch, Job, Output as Destination, Place, Reason, RetainStatistics, RunningJob,
    TableId, TreeView, apply, runs_by_age, validate,
};

use crate::{
    Db, Error, Result,
    components::Profile,
    db::Inner,
    execute::Merged,
    executor::Lane,
    keyspace::KeyspaceId,
    ledger::Ledger,
    manifest::format::Field,
    parts::Parts,
    planted::Bug,
    sync::{Arc, Mutex},
    tree::{OpenTable, Tree},
    version::{KeyspaceVersion, Version},
};

/// What a compaction did.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct CompactionReport {
    /// Tables before.
    pub tables_before: u64,
    /// Tables after.
    pub tables_after: u64,
    /// Entries that are gone: stale versions, what has expired, and tombstones with nothing left to hide.
    pub entries_removed: u64,
    /// Bytes by which the files shrank.
    pub bytes_reclaimed: u64,
    /// How long it took.
    pub duration: Duration,
}

/// A job that has begun, with what it needs to go on without any lock.
pub(crate) struct Begun {
    pub(crate) id: KeyspaceId,
    pub(crate) job: Job,
    pub(crate) profile: Arc<Profile>,
    /// The tree it was planned on.
    pub(crate) tree: Arc<Tree>,
    /// Where the result goes.
    pub(crate) level: u32,
    pub(crate) epoch: Epoch,
    running: RunningJob,
    /// Where the outcome goes, if somebody asked for the job.
    answer: Option<Arc<Answer>>,
}

/// The outcome of a job, once there is one, for the one who asked for it.
type Answer = Mutex<Option<Result<RetainStatistics>>>;

impl Begun {
    /// True for an input of the job.
    pub(crate) fn has_input(&self, table: &OpenTable) -> bool {
        self.job.inputs.contains(&TableId(table.record.number))
    }
}

/// Whether a job changed the tree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Installed {
    Yes,
    No,
}

pub(crate) fn invalid(error: impl std::fmt::Display) -> Error {
    Error::invalid_argument(error.to_string())
}

/// The tables of a move, where they are to be.
fn relabeled(begun: &Begun) -> Vec<Arc<OpenTable>> {
    let moved = begun.tree.tables().filter(|table| begun.job.inputs.contains(&TableId(table.record.number)));
    moved.map(|table| table.moved_to(begun.level, begun.epoch.0)).collect()
}

impl Inner {
    /// Begins as many due jobs as there are workers for.
    pub(crate) fn schedule_compactions(&self) {
        while let Some(begun) = self.begin_due() {
            let begun = Arc::new(begun);
            self.spawn(Lane::Compaction, move |inner| inner.run(&begun));
        }
    }

    /// Plans a job and marks its inputs as busy, under one lock.
    fn begin_due(&self) -> Option<Begun> {
        let ignores_snapshots = self.shared.planted.is(Bug::DropIgnoresSnapshots);
        let snapshots = if ignores_snapshots { Vec::new() } else { self.snapshots.live() };
        let mut state = self.background.state.lock();
        // Under the lock: a job that ends in between would leave us a tree without its result, and its inputs no longer marked as busy.
        let version = self.version();
        if state.busy_workers() >= self.shared.settings.workers() || state.compaction_failure.is_some() {
            return None;
        }
        self.metrics.heat.keep(|id| version.keyspace(id).is_some());
        // The one that owes most comes first, or those with low numbers could keep others from ever being merged.
        let mut keyspaces: Vec<_> = version.keyspaces.iter().collect();
        keyspaces.sort_by_key(|(_, keyspace)| Reverse(keyspace.debt.bytes));
        for (&id, keyspace) in keyspaces {
            let hot_ranges = self.metrics.heat.ranges(id);
            let running = state.running.entry(id).or_default();
            let view = TreeView {
                levels: &keyspace.tree.levels,
                running,
                snapshots: &snapshots,
                now_unix_ms: self.shared.clock.now_unix_ms(),
                budget: Budget::UNLIMITED,
                hot_ranges: &hot_ranges,
            };
            let Some(job) = keyspace.profile.strategy.plan(&view) else { continue };
            match self.begin(id, job, keyspace, running) {
                Ok(begun) => return Some(begun),
                Err(error) => tracing::error!(%error, "a strategy asked for what cannot be done"),
            }
        }
        None
    }

    fn begin(
        &self,
        id: KeyspaceId,
        job: Job,
        keyspace: &KeyspaceVersion,
        running: &mut Vec<RunningJob>,
    ) -> Result<Begun> {
        let (tree, profile) = (Arc::clone(&keyspace.tree), Arc::clone(&keyspace.profile));
        let levels = &tree.levels;
        let view = TreeView { running, ..TreeView::idle(levels) };
        validate(&job, &view).map_err(invalid)?;
        let fresh = Epoch(self.counters.epoch());
        // Where the result goes does not depend on what it is.
        let place = apply(levels, &job, Vec::new(), fresh).map_err(invalid)?.place;
        let (level, epoch) = place.unwrap_or((0, fresh));
        let this = RunningJob::new(&job, levels).map_err(invalid)?;
        running.push(this.clone());
        Ok(Begun { id, job, profile, tree, level, epoch, running: this, answer: None })
    }

    fn end(&self, begun: &Begun) {
        let mut state = self.background.state.lock();
        if let Some(running) = state.running.get_mut(&begun.id)
            && let Some(at) = running.iter().position(|other| *other == begun.running)
        {
            running.swap_remove(at);
        }
        // The ids of keyspaces that were dropped do not gather.
        state.running.retain(|_, running| !running.is_empty());
    }

    /// Carries a job out, or begins to: one that is divided is ended by whoever ends its last part.
    fn run(&self, begun: &Arc<Begun>) {
        let started = self.shared.clock.monotonic();
        let outcome = match begun.job.action {
            Action::Merge { .. } => self.merge_in_parts(begun),
            Action::Move { .. } => Some(self.moved(begun, started)),
            Action::Drop => Some(self.finish(begun, &[], RetainStatistics::default(), started)),
        };
        if let Some(outcome) = outcome {
            self.conclude(begun, outcome);
        }
    }

    /// The job is over: its inputs are free, and who waits for it is told.
    pub(crate) fn conclude(&self, begun: &Begun, outcome: Result<RetainStatistics>) {
        self.end(begun);
        if let Some(answer) = &begun.answer {
            *answer.lock() = Some(outcome);
        } else if let Err(error) = outcome {
            // It costs nothing but space, and is tried again after the next flush, or later. What is damaged stays so.
            tracing::warn!(%error, job = %begun.job, "a compaction failed");
            let is_of_the_disk = matches!(error, Error::Io { .. } | Error::NoSpace { .. });
            self.background.state.lock().compaction_failure = Some(error);
            if is_of_the_disk {
                self.retry_later();
            }
        } else {
            self.background.succeeded();
        }
        self.schedule_compactions();
        self.note_pressure();
        self.background.wake();
        self.shared.obsolete_files.remove_all();
    }

    fn moved(&self, begun: &Begun, started: Duration) -> Result<RetainStatistics> {
        // Where the edit fails, what was to be moved is where it was, in the same files.
        self.finish(begun, &relabeled(begun), RetainStatistics::default(), started)
    }

    /// All of a merge is written.
    pub(crate) fn merged(&self, parts: &Parts, merged: &Merged) -> Result<RetainStatistics> {
        let finished = self.finish(&parts.begun, &merged.tables, merged.statistics, parts.started);
        // Where the edit itself failed, a manifest may name them: they stay for the next open to decide (files.md, Order 4).
        if finished.is_err() && self.knows_manifest() {
            merged.tables.iter().for_each(|table| table.make_obsolete());
        }
        finished
    }

    fn finish(
        &self,
        begun: &Begun,
        added: &[Arc<OpenTable>],
        statistics: RetainStatistics,
        started: Duration,
    ) -> Result<RetainStatistics> {
        // A drop that did not happen is planned anew when the snapshot is gone.
        if self.install_result(begun, added)? == Installed::Yes {
            self.count_compaction(begun, added, statistics, started);
        }
        Ok(statistics)
    }

    fn count_compaction(
        &self,
        begun: &Begun,
        added: &[Arc<OpenTable>],
        statistics: RetainStatistics,
        started: Duration,
    ) {
        if matches!(begun.job.action, Action::Move { .. }) {
            return self.metrics.moves.add(1);
        }
        let bytes_in: u64 = begun
            .tree
            .tables()
            .filter(|table| begun.has_input(table))
            .map(|table| table.record.file_bytes)
            .sum();
        let bytes_out: u64 = added.iter().map(|table| table.record.file_bytes).sum();
        self.metrics.bytes_reclaimed.add(bytes_in.saturating_sub(bytes_out));
        if begun.job.action == Action::Drop {
            return self.metrics.drops.add(1);
        }
        self.background.gauge.compacted(bytes_in, self.shared.clock.monotonic().saturating_sub(started));
        self.metrics.compactions.add(1);
        self.metrics.compaction_bytes.add(bytes_out);
        self.metrics.entries_removed.add(statistics.entries_in - statistics.entries_out);
        self.metrics.last_compaction_unix_ms.raise(self.shared.clock.now_unix_ms());
    }

    /// Makes the result of a job part of the tree. A drop is given up when there is a snapshot by now that sees what it drops: there was none when it was
    /// planned, and none is taken while the tables go.
    fn install_result(&self, begun: &Begun, added: &[Arc<OpenTable>]) -> Result<Installed> {
        let mut ledger = self.ledger()?.lock();
        let lost_from = match begun.job.action {
            Action::Merge { .. } | Action::Move { .. } => None,
            Action::Drop if self.shared.planted.is(Bug::DropIgnoresSnapshots) => None,
            Action::Drop => begun
                .tree
                .tables()
                .filter(|table| begun.has_input(table))
                .map(|table| table.meta().first_sequence)
                .min(),
        };
        let Some(from) = lost_from else {
            return self.install_at_once(begun, added, &mut ledger).map(|()| Installed::Yes);
        };
        let installed = self.snapshots.unless_seen(from, || self.install_at_once(begun, added, &mut ledger));
        installed.map_or(Ok(Installed::No), |outcome| outcome.map(|()| Installed::Yes))
    }

    fn install_at_once(&self, begun: &Begun, added: &[Arc<OpenTable>], ledger: &mut Ledger) -> Result<()> {
        let Begun { id, job, .. } = begun;
        let version = self.version();
        let gone = || Error::NotFound { what: "the keyspace was dropped meanwhile".to_owned() };
        let keyspace = version.keyspace(*id).ok_or_else(gone)?;
        // The tree may have changed since the job was planned: flushes came in front of it, other jobs ended.
        let metas = match job.action {
            Action::Merge { .. } => added.iter().map(|table| Arc::new(table.meta())).collect(),
            Action::Move { .. } | Action::Drop => Vec::new(),
        };
        let place = apply(&keyspace.tree.levels, job, metas, begun.epoch).map_err(invalid)?.place;
        if place.is_some_and(|place| place != (begun.level, begun.epoch)) {
            return Err(Error::invalid_argument("the place of the result is gone"));
        }
        let removed = job.inputs.iter().map(|table| Field::TableRemoved { keyspace: id.0, number: table.0 });
        let fields = removed.chain(added.iter().map(|table| table.added())).collect();
        self.commit_edit(ledger, fields)?;
        let stays = |table: &&Arc<OpenTable>| !begun.has_input(table);
        let (old, now_unix_ms) = (Arc::clone(&keyspace.tree), self.shared.clock.now_unix_ms());
        self.install(|version| {
            if let Some(keyspace) = version.keyspace_mut(*id) {
                let tables = keyspace.tree.tables().filter(stays).cloned().chain(added.iter().cloned());
                keyspace.set_tree(Tree::new(tables), now_unix_ms);
            }
        });
        if !matches!(job.action, Action::Move { .. }) {
            self.metrics.heat.forget(*id, &begun.running.range);
            old.tables().filter(|table| begun.has_input(table)).for_each(|table| table.make_obsolete());
        }
        Ok(())
    }

    fn compact_all(&self) -> Result<CompactionReport> {
        let started = self.shared.clock.monotonic();
        self.flush()?;
        let before = self.version();
        let tables = |version: &Version| {
            version.keyspaces.values().map(|keyspace| keyspace.tree.tables().count() as u64).sum()
        };
        let mut report = CompactionReport { tables_before: tables(&before), ..CompactionReport::default() };
        for id in before.keyspaces.keys() {
            let statistics = self.compact_keyspace(*id, job_for_everything)?;
            report.entries_removed += statistics.entries_in - statistics.entries_out;
        }
        let after = self.version();
        report.tables_after = tables(&after);
        report.bytes_reclaimed = before.file_bytes().saturating_sub(after.file_bytes());
        drop(before);
        self.shared.obsolete_files.remove_all();
        report.duration = self.shared.clock.monotonic().saturating_sub(started);
        Ok(report)
    }

    /// Carries out a job of a keyspace that was asked for, as soon as no other job has a part of it.
    pub(crate) fn compact_keyspace(
        &self,
        id: KeyspaceId,
        job: impl Fn(&KeyspaceVersion) -> Option<Job>,
    ) -> Result<RetainStatistics> {
        let answer = Arc::<Answer>::default();
        let begun = loop {
            let seen = self.background.progress_count();
            // Closing drops jobs that have not begun: what they have marked as busy stays so.
            self.writable()?;
            let mut state = self.background.state.lock();
            let version = self.version();
            let running = state.running.entry(id).or_default();
            if running.is_empty() {
                let Some(keyspace) = version.keyspace(id) else { return Ok(RetainStatistics::default()) };
                let Some(job) = job(keyspace) else { return Ok(RetainStatistics::default()) };
                let begun = self.begin(id, job, keyspace, running)?;
                break Begun { answer: Some(Arc::clone(&answer)), ..begun };
            }
            drop(state);
            self.background.wait_for_progress(seen, &*self.executor);
        };
        self.run(&Arc::new(begun));
        // Helpers may still have parts of it. Those that run end, also while the database is closed.
        loop {
            let seen = self.background.progress_count();
            if let Some(outcome) = answer.lock().take() {
                return outcome;
            }
            self.poison.check()?;
            self.background.wait_for_progress(seen, &*self.executor);
        }
    }
}

/// Merges everything a keyspace has.
fn job_for_everything(keyspace: &KeyspaceVersion) -> Option<Job> {
    let tree = &keyspace.tree;
    let table_bytes_max = keyspace.profile.settings.table_bytes_max;
    Some(Job {
        action: Action::Merge { output: place_of_everything(tree)?, table_bytes_max, cuts: Cuts::BY_SIZE },
        inputs: tree.tables().map(|table| TableId(table.record.number)).collect(),
        reason: Reason::new("manual", "asked for"),
    })
}

/// Where all tables of a tree go when they become one run: the place of the oldest run, but not level 0, whose tables are written for speed and not
/// for size. `None` for an empty tree.
fn place_of_everything(tree: &Tree) -> Option<Destination> {
    let (oldest, _) = runs_by_age(&tree.levels).last()?;
    Some(match oldest.level {
        0 => Destination { level: 1, place: Place::NewRun },
        level => Destination { level, place: Place::JoinRun(oldest.epoch()) },
    })
}

impl Db {
    /// Writes what is in memory to tables, and merges all tables of each keyspace into one run.
    ///
    /// # Errors
    ///
    /// As for [`Db::put`]; also `Corruption` when a table cannot be read. Nothing is lost then.
    pub fn compact(&self) -> Result<CompactionReport> {
        self.inner().compact_all()
    }
}
