//! Makes logs durable: one sync at a time, for everything that was appended before it began, older logs first.

use std::{collections::VecDeque, time::Duration};

use siltstone_wal::{LogSyncer, LogWriter};

use crate::{
    Clock, Error, Result,
    manifest::state::LogPosition,
    sync::{Condvar, Mutex},
};

/// The longest time that a sync waits for company.
const COMPANY_WAIT_MAX: Duration = Duration::from_micros(100);

/// The syncing side of the logs.
#[derive(Debug)]
pub(crate) struct SyncStage {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    is_running: bool,
    /// The next sync waits for company.
    is_gathering: bool,
    /// Everything below is durable.
    synced: LogPosition,
    current: LogSyncer,
    current_number: u64,
    /// Logs that were rotated away and are not finished yet, oldest first.
    retiring: VecDeque<LogWriter>,
    /// How many wait for a sync, the one who will do it included.
    waiting: u32,
    /// Of the last sync: how many it served, and how long it took.
    last_served: u32,
    last_took: Duration,
    failed: Option<Error>,
}

impl SyncStage {
    pub(crate) fn new(current: &LogWriter) -> SyncStage {
        let state = State {
            is_running: false,
            is_gathering: false,
            synced: LogPosition { log: current.number(), offset: current.synced_to() },
            current: current.syncer(),
            current_number: current.number(),
            retiring: VecDeque::new(),
            waiting: 0,
            last_served: 0,
            last_took: Duration::ZERO,
            failed: None,
        };
        SyncStage { state: Mutex::new(state), changed: Condvar::default() }
    }

    /// Takes over a log that was rotated away. Called under the log's lock, before anything is appended to the new one.
    pub(crate) fn rotate(&self, old: LogWriter, new: &LogWriter) {
        let mut state = self.state.lock();
        state.retiring.push_back(old);
        state.current = new.syncer();
        state.current_number = new.number();
    }

    /// Everything below is durable.
    pub(crate) fn synced(&self) -> LogPosition {
        self.state.lock().synced
    }

    /// Returns when everything below `target` is durable.
    ///
    /// # Errors
    ///
    /// The first sync that failed: it is final.
    pub(crate) fn sync_to(&self, target: LogPosition, clock: &dyn Clock) -> Result<()> {
        let mut state = self.state.lock();
        state.waiting += 1;
        if state.is_gathering && state.waiting >= state.last_served {
            self.changed.notify_all();
        }
        loop {
            if let Some(error) = &state.failed {
                let error = error.clone();
                state.waiting -= 1;
                return Err(error);
            }
            if state.synced >= target {
                state.waiting -= 1;
                return Ok(());
            }
            if state.is_running {
                state = self.changed.wait(state);
                continue;
            }
            state.is_running = true;
            // Those whose last sync had company are likely to be back in a moment.
            if state.last_served > 1 && state.waiting < state.last_served {
                state.is_gathering = true;
                let limit = COMPANY_WAIT_MAX.min(state.last_took / 8);
                state = self.changed.wait_for(state, limit);
                state.is_gathering = false;
            }
            let served = state.waiting;
            let (retiring, current, number) =
                (std::mem::take(&mut state.retiring), state.current.clone(), state.current_number);
            drop(state);
            let started = clock.monotonic();
            let outcome = sync_all(retiring, &current);
            let took = clock.monotonic().saturating_sub(started);
            state = self.state.lock();
            state.is_running = false;
            (state.last_served, state.last_took) = (served, took);
            match outcome {
                Ok(offset) => state.synced = LogPosition { log: number, offset },
                Err(error) => state.failed = Some(error),
            }
            self.changed.notify_all();
        }
    }
}

fn sync_all(retiring: VecDeque<LogWriter>, current: &LogSyncer) -> Result<u64> {
    for log in retiring {
        log.finish()?;
    }
    // From here on a record of the current log may promise that its predecessors are durable.
    current.predecessors_synced();
    Ok(current.sync()?)
}
