//! Decides when background jobs run, and what happens when they fail.

use std::{collections::BTreeMap, panic::AssertUnwindSafe, time::Duration};

use siltstone_compaction::RunningJob;

use crate::{
    Error, Result,
    db::Inner,
    executor::{Executor, Lane},
    keyspace::KeyspaceId,
    memory::Admission,
    sync::{AtomicBool, Condvar, Mutex, MutexGuard, Ordering},
    version::KeyspaceVersion,
};

/// A keyspace with this many sealed memtables takes no more writes until one is flushed.
const SEALED_MAX: usize = 2;

/// What is going on in the background.
#[derive(Default, Debug)]
pub(crate) struct Background {
    /// Held by the one that flushes.
    pub(crate) flush_turn: Mutex<()>,
    flush_is_scheduled: AtomicBool,
    preparation_is_scheduled: AtomicBool,
    pub(crate) state: Mutex<BackgroundState>,
    /// Something was flushed or compacted, or failed.
    progress: Condvar,
}

#[derive(Default, Debug)]
pub(crate) struct BackgroundState {
    /// Compactions under way.
    pub(crate) running: BTreeMap<KeyspaceId, Vec<RunningJob>>,
    /// Why the last flush failed; taken by the next writer that would have to wait for it.
    flush_failure: Option<Error>,
    /// Why the last compaction failed: no other begins before the next flush.
    pub(crate) compaction_failure: Option<Error>,
}

impl Background {
    /// Waits until something was flushed or compacted, or failed. May return before.
    pub(crate) fn wait_for_progress(&self, state: MutexGuard<'_, BackgroundState>, executor: &dyn Executor) {
        if executor.has_threads() {
            // Limited, so that a wake-up between looking and waiting costs time and nothing else.
            drop(self.progress.wait_for(state, Duration::from_millis(10)));
        } else {
            drop(state);
            executor.help();
        }
    }

    /// Tells those who wait for room to look again.
    pub(crate) fn wake(&self) {
        let _state = self.state.lock();
        self.progress.notify_all();
    }
}

impl Inner {
    /// Runs a job in the background; a panic stops writing and is told to the next caller.
    pub(crate) fn spawn(&self, lane: Lane, job: impl FnOnce(&Inner) + Send + 'static) {
        let database = self.weak.clone();
        self.executor.spawn(
            lane,
            Box::new(move || {
                // A database that is gone needs no jobs.
                let Some(inner) = database.upgrade() else { return };
                if std::panic::catch_unwind(AssertUnwindSafe(|| job(&inner))).is_err() {
                    inner.stop_writing(&Error::InvalidArgument {
                        what: "a background job panicked".to_owned(),
                    });
                }
            }),
        );
    }

    pub(crate) fn schedule_flush(&self) {
        if !self.background.flush_is_scheduled.swap(true, Ordering::AcqRel) {
            self.spawn(Lane::Flush, |inner| {
                // Before it looks, so that whatever comes later is scheduled anew.
                inner.background.flush_is_scheduled.store(false, Ordering::Release);
                inner.run_flushes();
            });
        }
    }

    fn run_flushes(&self) {
        // Whatever stopped compactions may be gone.
        self.background.state.lock().compaction_failure = None;
        let outcome = self.flush_sealed();
        if let Err(error) = &outcome {
            tracing::warn!(%error, "a flush failed");
        }
        // A success takes back an older failure: no writer that waits later is to hear of it.
        self.background.state.lock().flush_failure = outcome.err();
        self.background.wake();
    }

    /// A memtable whose last write was just published can be flushed now.
    pub(crate) fn after_publish(&self) {
        let has_sealed = self.version().keyspaces.values().any(|keyspace| !keyspace.sealed.is_empty());
        if has_sealed {
            self.schedule_flush();
        }
    }

    pub(crate) fn schedule_log_preparation(&self) {
        if !self.background.preparation_is_scheduled.swap(true, Ordering::AcqRel) {
            self.spawn(Lane::Housekeeping, |inner| {
                inner.background.preparation_is_scheduled.store(false, Ordering::Release);
                if let Err(error) = inner.keep_a_log_ready() {
                    tracing::warn!(%error, "cannot prepare a log");
                }
            });
        }
    }

    fn keep_a_log_ready(&self) -> Result<()> {
        // Not under the log's lock: writes go on, until one of them needs the log.
        let mut next_log = self.writable()?.next_log.lock();
        if next_log.is_none() {
            *next_log = Some(self.prepare_log()?);
        }
        Ok(())
    }

    /// Returns when a write may be taken in: memory and level 0 have room.
    ///
    /// # Errors
    ///
    /// The failure of the flush that would have made room; the flush is tried again.
    pub(crate) fn wait_for_room(&self, bytes: u64) -> Result<Option<Admission>> {
        loop {
            self.poison.check()?;
            self.writable()?;
            if self.has_room() {
                if !self.shared.memory.has_budget() {
                    return Ok(None);
                }
                if let Some(admission) = self.admit(bytes)? {
                    return Ok(Some(admission));
                }
            }
            self.schedule_flush();
            self.schedule_compactions();
            let mut state = self.background.state.lock();
            if let Some(error) = state.flush_failure.take() {
                return Err(error);
            }
            self.background.wait_for_progress(state, &*self.executor);
        }
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

    fn has_room(&self) -> bool {
        let settings = &self.shared.settings;
        let version = self.version();
        let has_sealed = version.keyspaces.values().any(|keyspace| !keyspace.sealed.is_empty());
        let has_piled_up = version.keyspaces.values().any(|keyspace| keyspace.sealed.len() >= SEALED_MAX);
        // Only what is sealed can be flushed, so only that is worth waiting for.
        let memory_is_full = has_sealed && version.memtable_bytes() >= settings.memtables_bytes_max;
        !has_piled_up && !memory_is_full && self.level0_has_room(&version)
    }
}
