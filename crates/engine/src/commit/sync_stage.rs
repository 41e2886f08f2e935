//! Makes logs durable: one sync at a time, for everything that was appended before it began, older logs first.

use std::{collections::VecDeque, time::Duration};

use siltstone_wal::{LogSyncer, LogWriter};

use crate::{
    Clock, Error, Result,
    manifest::state::LogPosition,
    sync::{Condvar, Mutex},
};

/// The longest time that a sync waits for company.
const COMPANY_WAIT_MAX: Duration = Duration::from_millis(1);

/// A shorter wait is none: threads sleep longer than they are told to, by about so much (50 us is Linux's default timer slack).
const COMPANY_WAIT_MIN: Duration = Duration::from_micros(50);

/// The syncing side of the logs.
#[derive(Debug)]
pub(crate) struct SyncStage {
    state: Mutex<State>,
    changed: Condvar,
    /// All the company that the next sync waits for is there.
    gathered: Condvar,
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
    /// Logs that were rotated away, with their end records, and are not synced yet, oldest first.
    retiring: VecDeque<LogSyncer>,
    /// Who waits for a sync: up to where, and how many batches. Batches, and not groups: a few groups come back before all who were in them do.
    waiting: Vec<(LogPosition, usize)>,
    /// How many batches the next sync waits for, a moment: those that the last one served, and those that came meanwhile. Without the latter, writers
    /// that once fell into two halves would stay so, and take turns.
    expected: usize,
    /// Of the last sync.
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
            waiting: Vec::new(),
            expected: 0,
            last_took: Duration::ZERO,
            failed: None,
        };
        SyncStage { state: Mutex::new(state), changed: Condvar::default(), gathered: Condvar::default() }
    }

    /// Takes over a log that was rotated away; none, if all of it is synced. Called under the log's lock, before anything is appended to the new one.
    pub(crate) fn rotate(&self, old: Option<LogSyncer>, new: &LogWriter) {
        let mut state = self.state.lock();
        state.retiring.extend(old);
        state.current = new.syncer();
        state.current_number = new.number();
    }

    /// Everything below is durable.
    pub(crate) fn synced(&self) -> LogPosition {
        self.state.lock().synced
    }

    /// Returns when everything below `target` is durable; `batches` is how many wait for it here.
    ///
    /// # Errors
    ///
    /// The first sync that failed: it is final.
    pub(crate) fn sync_to(&self, target: LogPosition, batches: usize, clock: &dyn Clock) -> Result<()> {
        let mut state = self.state.lock();
        state.waiting.push((target, batches));
        if state.is_gathering && state.has_company() {
            self.gathered.notify_one();
        }
        loop {
            if let Some(error) = &state.failed {
                return Err(error.clone());
            }
            if state.synced >= target {
                state.forget_served();
                return Ok(());
            }
            if state.is_running {
                state = self.changed.wait(state);
                continue;
            }
            state.is_running = true;
            let limit = COMPANY_WAIT_MAX.min(state.last_took / 8);
            if !state.has_company() && limit >= COMPANY_WAIT_MIN {
                state.is_gathering = true;
                state = self.gathered.wait_for(state, limit);
                state.is_gathering = false;
            }
            let (retiring, current, number) =
                (std::mem::take(&mut state.retiring), state.current.clone(), state.current_number);
            drop(state);
            let started = clock.monotonic();
            let outcome = sync_all(&retiring, &current);
            let took = clock.monotonic().saturating_sub(started);
            state = self.state.lock();
            state.is_running = false;
            (state.expected, state.last_took) = (state.batches(), took);
            match outcome {
                Ok(offset) => state.synced = LogPosition { log: number, offset },
                Err(error) => state.failed = Some(error),
            }
            state.forget_served();
            self.changed.notify_all();
        }
    }
}

impl State {
    fn batches(&self) -> usize {
        self.waiting.iter().map(|(_, batches)| batches).sum()
    }

    /// Whether all who are likely to come are there.
    fn has_company(&self) -> bool {
        self.batches() >= self.expected
    }

    fn forget_served(&mut self) {
        let synced = self.synced;
        self.waiting.retain(|(target, _)| *target > synced);
    }
}

fn sync_all(retiring: &VecDeque<LogSyncer>, current: &LogSyncer) -> Result<u64> {
    // What was reserved behind their end records goes with them, soon. Cutting it off could fail, and nothing depends on it.
    retiring.iter().try_for_each(|log| log.sync().map(|_| ()))?;
    // From here on a record of the current log may promise that its predecessors are durable.
    current.predecessors_synced();
    Ok(current.sync()?)
}
