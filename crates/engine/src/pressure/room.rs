//! Lets writers in: at once, after a while, or when something was flushed or compacted.

use std::time::Duration;

use super::{
    StallCause, WriteState,
    pace::{Load, Marks, Pace, pace},
};
use crate::{
    Result,
    db::Inner,
    keyspace::KeyspaceId,
    memory::Admission,
    version::{KeyspaceVersion, Version},
};

/// A write that may be held up. When it goes on, or fails, what it waited is counted.
struct Held<'a> {
    inner: &'a Inner,
    /// Since when it is stopped, and by what.
    stopped: Option<(StallCause, Duration)>,
    was_slowed: bool,
}

impl Held<'_> {
    fn stop(&mut self, cause: StallCause) {
        if self.stopped.is_none_or(|(before, _)| before != cause) {
            self.go_on();
            self.stopped = Some((cause, self.inner.shared.clock.monotonic()));
            self.inner.background.gauge.enter(WriteState::Stopped(cause));
            if matches!(cause, StallCause::SealedMemtables | StallCause::Memory) {
                self.inner.shared.limiter.hurry_flush();
            }
        }
    }

    fn go_on(&mut self) {
        if let Some((cause, since)) = self.stopped.take() {
            let time = self.inner.shared.clock.monotonic().saturating_sub(since);
            self.inner.background.gauge.stopped[cause.index()].add(1, time);
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.go_on();
    }
}

impl Inner {
    /// Returns when a write may be taken in: memory and level 0 have room, and compactions keep up.
    ///
    /// # Errors
    ///
    /// The failure of a flush that would have made room, and ended meanwhile. Another write makes it try again at once; without one it is tried later.
    pub(crate) fn wait_for_room(&self, bytes: u64) -> Result<Option<Admission>> {
        let memory = &self.shared.memory;
        if !memory.has_budget() {
            let version = self.versions.load();
            // As a rule nothing has to be looked at, and else mostly nothing is locked.
            if !version.is_strained {
                return Ok(None);
            }
            if self.pace(&version) == Pace::Full {
                self.background.gauge.go_on();
                return Ok(None);
            }
        }
        let mut held = Held { inner: self, stopped: None, was_slowed: false };
        let mut failures_before = None;
        loop {
            self.writable()?;
            let seen = self.background.progress_count();
            let cause = match self.pace(&self.version()) {
                Pace::Stop { cause } => cause,
                Pace::Slow { cause, delay_ps_per_byte } if !held.was_slowed => {
                    held.was_slowed = true;
                    held.go_on();
                    self.slow_down(cause, bytes, delay_ps_per_byte, seen);
                    continue;
                }
                pace => {
                    if pace == Pace::Full {
                        self.background.gauge.go_on();
                    }
                    let admission = if memory.has_budget() { self.admit(bytes)? } else { None };
                    if admission.is_some() || !memory.has_budget() {
                        return Ok(admission);
                    }
                    StallCause::Memory
                }
            };
            held.stop(cause);
            // Before it is scheduled: its failure is one to be told of.
            let failures = self.background.state.lock().flush_failures;
            let failures_before = *failures_before.get_or_insert(failures);
            self.schedule_flush();
            self.schedule_compactions();
            let failure = {
                let state = self.background.state.lock();
                state.flush_failure.clone().filter(|_| state.flush_failures > failures_before)
            };
            if let Some(error) = failure {
                return Err(error);
            }
            self.background.wait_for_progress(seen, &*self.executor);
        }
    }

    /// The pace of writers: that of the keyspace that is worst off, whichever they write to, since all of them share the log.
    fn pace(&self, version: &Version) -> Pace {
        let settings = &self.shared.settings;
        let rates = self.background.gauge.rates();
        let mut worst = Pace::Full;
        let has_sealed = version.keyspaces.values().any(|keyspace| !keyspace.sealed.is_empty());
        if has_sealed {
            // Only what is sealed can be flushed, so only that is worth waiting for.
            let max = settings.memtables_bytes_max;
            let load = Load { memtable_bytes: version.memtable_bytes(), rates, ..Load::default() };
            worst = pace(&load, &Marks::of_memory(max));
        }
        for (id, keyspace) in version.keyspaces.iter().filter(|(_, keyspace)| keyspace.is_strained()) {
            let mut load = keyspace.load(self.shared.memory.shares.memtable, rates);
            let marks = keyspace.marks();
            if keyspace.waits_for_compaction() && !self.is_being_compacted(*id) {
                // Nothing would end the wait: a compaction failed, or the strategy has a debt and no plan.
                (load.level0_runs, load.debt_bytes) = (0, 0);
            }
            worst = worst.and(pace(&load, &marks));
        }
        worst
    }

    /// True when a compaction of the keyspace runs, or will as soon as a worker is free.
    fn is_being_compacted(&self, id: KeyspaceId) -> bool {
        let state = self.background.state.lock();
        let running: usize = state.running.values().map(Vec::len).sum();
        state.running.get(&id).is_some_and(|jobs| !jobs.is_empty())
            || (state.compaction_failure.is_none() && running >= self.shared.settings.workers())
    }

    /// After a change of the version: writers may be free, even if none comes to see it.
    pub(crate) fn note_pressure(&self) {
        if self.pace(&self.version()) == Pace::Full {
            self.background.gauge.go_on();
        }
    }

    /// Makes a writer wait for its bytes, or until there is news.
    fn slow_down(&self, cause: StallCause, bytes: u64, delay_ps_per_byte: u64, seen: u64) {
        let gauge = &self.background.gauge;
        gauge.enter(WriteState::Slowed(cause));
        let started = self.shared.clock.monotonic();
        if self.executor.has_threads() {
            let wait = gauge.wait_for_bytes(bytes, delay_ps_per_byte, started);
            if !wait.is_zero() {
                self.background.wait_at_most(seen, wait);
            }
        } else {
            // Without threads no time passes; what has to be done is done here.
            self.executor.help();
        }
        gauge.slowed[cause.index()].add(1, self.shared.clock.monotonic().saturating_sub(started));
    }

    /// Takes a write in within the budget. Where there is no room, something can be flushed.
    fn admit(&self, bytes: u64) -> Result<Option<Admission>> {
        let version = self.version();
        let is_empty = version
            .keyspaces
            .values()
            .flat_map(KeyspaceVersion::memtables)
            .all(|slot| slot.first_log().is_none());
        let admission = self.shared.memory.admit(bytes, version.memtable_bytes(), is_empty);
        let has_sealed = version.keyspaces.values().any(|keyspace| !keyspace.sealed.is_empty());
        if admission.is_none() && !has_sealed {
            // Many small ones that no limit of their own has sealed: the larger half goes.
            let log = self.commit_side()?.log.lock();
            let active = |keyspace: &KeyspaceVersion| keyspace.active.table.bytes();
            let largest = self.version().keyspaces.values().map(active).max().unwrap_or(0);
            self.seal(&log, |keyspace| active(keyspace) >= largest / 2);
        }
        Ok(admission)
    }
}
