//! Decides when background jobs run, and what happens when they fail.

use std::{any::Any, collections::BTreeMap, panic::AssertUnwindSafe, time::Duration};

use siltstone_compaction::RunningJob;

use crate::{
    Error, Result,
    db::Inner,
    executor::{BackgroundJob, Executor, Lane},
    keyspace::KeyspaceId,
    pressure::Gauge,
    sync::{AtomicBool, Condvar, Mutex, Ordering},
};

/// The shortest and the longest wait before what failed is tried again. Each wait is twice as long as the one before.
const RETRY_DELAY_MIN: Duration = Duration::from_millis(100);
const RETRY_DELAY_MAX: Duration = Duration::from_secs(10);

/// How long a writer waits before it looks again, notified or not: what it waits for may have happened without anybody knowing that it waits, such as another write
/// that was on its way into memory.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

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
    pub(crate) gauge: Gauge,
}

#[derive(Default, Debug)]
pub(crate) struct BackgroundState {
    /// Compactions under way.
    pub(crate) running: BTreeMap<KeyspaceId, Vec<RunningJob>>,
    /// Workers that help with parts of these, or are about to.
    pub(crate) helpers: usize,
    /// How often something was flushed or compacted, or failed.
    progress_count: u64,
    /// How many flushes failed, so that whoever waits for one knows which failures are his.
    pub(crate) flush_failures: u64,
    /// Why the last flush failed; nothing after one that succeeded.
    pub(crate) flush_failure: Option<Error>,
    /// What failed is tried again, later.
    retry_is_scheduled: bool,
    /// How long the last wait before another try was; zero when nothing failed since.
    retry_delay: Duration,
    /// Why the last compaction failed: no other begins before the next flush, or the next try.
    pub(crate) compaction_failure: Option<Error>,
}

impl Background {
    /// Looked at before anything else, so that what happens afterwards is not waited for.
    pub(crate) fn progress_count(&self) -> u64 {
        self.state.lock().progress_count
    }

    /// Waits until something was flushed or compacted, or failed, since the count was `seen`. May return before.
    pub(crate) fn wait_for_progress(&self, seen: u64, executor: &dyn Executor) {
        if executor.has_threads() {
            self.wait_at_most(seen, LOOK_AGAIN);
        } else {
            executor.help();
        }
    }

    /// Waits so long, or until something was flushed or compacted, or failed, since the count was `seen`.
    pub(crate) fn wait_at_most(&self, seen: u64, limit: Duration) {
        let state = self.state.lock();
        if state.progress_count == seen {
            drop(self.progress.wait_for(state, limit));
        }
    }

    /// Something was flushed or compacted: if anything fails after it, it is tried again soon.
    pub(crate) fn succeeded(&self) {
        self.state.lock().retry_delay = Duration::ZERO;
        self.wake();
    }

    /// Tells those who wait for room to look again.
    pub(crate) fn wake(&self) {
        self.state.lock().progress_count += 1;
        self.progress.notify_all();
    }
}

impl BackgroundState {
    /// How many workers have something to do.
    pub(crate) fn busy_workers(&self) -> usize {
        self.running.values().map(Vec::len).sum::<usize>() + self.helpers
    }

    /// How long to wait before what failed is tried again; `None` when that is arranged already.
    fn next_retry(&mut self) -> Option<Duration> {
        if std::mem::replace(&mut self.retry_is_scheduled, true) {
            return None;
        }
        self.retry_delay = (self.retry_delay * 2).clamp(RETRY_DELAY_MIN, RETRY_DELAY_MAX);
        Some(self.retry_delay)
    }
}

/// Does what may panic. A panic is an error with its message.
pub(crate) fn catch_panic<T>(work: impl FnOnce() -> T) -> Result<T> {
    std::panic::catch_unwind(AssertUnwindSafe(work))
        .map_err(|panic| Error::Panicked { message: message_of(&*panic) })
}

/// What was given to `panic!`, as text.
fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a message".to_owned())
}

impl Inner {
    /// Runs a job in the background; a panic stops writing and is told to the next caller.
    pub(crate) fn spawn(&self, lane: Lane, job: impl FnOnce(&Inner) + Send + 'static) {
        self.executor.spawn(lane, self.guarded(job));
    }

    /// Like `spawn`, in the housekeeping lane, when this time has passed.
    pub(crate) fn spawn_after(&self, delay: Duration, job: impl FnOnce(&Inner) + Send + 'static) {
        self.executor.spawn_after(delay, self.guarded(job));
    }

    fn guarded(&self, job: impl FnOnce(&Inner) + Send + 'static) -> BackgroundJob {
        let database = self.weak.clone();
        Box::new(move || {
            // A database that is gone needs no jobs.
            let Some(inner) = database.upgrade() else { return };
            if let Err(panicked) = catch_panic(|| job(&inner)) {
                inner.stop_writing(&panicked);
            }
        })
    }

    /// Tries flushes and compactions again after a while, whether somebody writes meanwhile or not.
    pub(crate) fn retry_later(&self) {
        // Where writing has stopped, or the database is closed, no other try would end differently.
        if self.writable().is_err() {
            return;
        }
        let delay = self.background.state.lock().next_retry();
        if let Some(delay) = delay {
            self.spawn_after(delay, |inner| {
                let mut state = inner.background.state.lock();
                (state.retry_is_scheduled, state.compaction_failure) = (false, None);
                drop(state);
                inner.schedule_flush();
                inner.schedule_compactions();
            });
        }
    }

    /// Asks the strategies again when some time has passed, though nobody wrote: data that expires makes work by itself.
    pub(crate) fn check_later(&self) {
        let period = Duration::from_millis(self.shared.settings.compaction_check_ms);
        if period.is_zero() || self.writable().is_err() {
            return;
        }
        self.spawn_after(period, |inner| {
            inner.assess_all();
            inner.schedule_compactions();
            inner.check_later();
        });
    }

    fn assess_all(&self) {
        let now_unix_ms = self.shared.clock.now_unix_ms();
        self.versions.replace(|current| {
            let mut next = current.clone();
            let mut is_changed = false;
            for keyspace in next.keyspaces.values_mut() {
                let before = keyspace.debt;
                keyspace.assess(now_unix_ms);
                is_changed |= keyspace.debt != before;
            }
            is_changed.then_some(next)
        });
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
        let mut state = self.background.state.lock();
        match outcome {
            Ok(()) => state.flush_failure = None,
            Err(error) => {
                state.flush_failure = Some(error);
                state.flush_failures += 1;
                drop(state);
                self.background.wake();
            }
        }
    }

    /// A memtable whose last write was just published can be flushed now.
    pub(crate) fn after_publish(&self) {
        let has_sealed = self.versions.load().keyspaces.values().any(|keyspace| !keyspace.sealed.is_empty());
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
}
