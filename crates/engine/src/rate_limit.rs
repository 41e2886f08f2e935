//! Limits how fast flushes and compactions write.
//!
//! One bucket of tokens, a byte each, that fills at the rate of the settings and holds a tenth of a second's worth. Flushes are served first: they wait for
//! what flushes have written, and compactions for what both have. So a flush never waits for a compaction, which pays for it afterwards.

use std::time::Duration;

use crate::{
    Clock, Settings,
    sync::{Arc, Condvar, Mutex},
};

/// What the bucket holds, in time. `RocksDB` refills as often.
const BURST: Duration = Duration::from_millis(100);

/// In the auto-tuned mode the rate is looked at so often; as in `RocksDB`, whose numbers the next four are, too (`GenericRateLimiter::TuneLocked`).
const TUNE_EVERY: Duration = Duration::from_secs(10);
/// The rate is at least this part of the limit.
const AUTO_RANGE: u64 = 20;
/// The rate rises when the bucket was empty for more than the upper percentage of the time, and falls when for less than the lower.
const DRAINED_PERCENT: (u128, u128) = (50, 90);
/// By so many percent.
const STEP_PERCENT: u64 = 5;

/// Bytes for which a job asks at a time, at most: what it collects before it writes.
const CHUNK_BYTES_MAX: u64 = 256 << 10;

/// Who writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Priority {
    Flush,
    Compaction,
}

/// What the limit on background writes did.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct RateLimitStats {
    /// The rate in effect; 0 for no limit.
    pub bytes_per_second: u64,
    /// How long flushes waited.
    pub flush_wait: Duration,
    /// How long compactions waited.
    pub compaction_wait: Duration,
}

/// See the head of the file.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    clock: Arc<dyn Clock>,
    /// In bytes per second; 0 for none.
    limit: u64,
    is_auto: bool,
    state: Mutex<State>,
    /// Those who wait are to look again.
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// Nobody waits before the database is open, while it is closed, and where jobs have no threads.
    is_on: bool,
    /// Writers are stopped until a flush has ended.
    flush_is_urgent: bool,
    rate: u64,
    /// Until when what flushes wrote is paid for, by the clock.
    flush_paid_until: Duration,
    /// Until when everything is.
    paid_until: Duration,
    tuned_at: Duration,
    /// How long the bucket was empty since then, and until when that is counted.
    drained: Duration,
    drained_until: Duration,
    stats: RateLimitStats,
}

impl RateLimiter {
    pub(crate) fn new(settings: &Settings, clock: &Arc<dyn Clock>) -> RateLimiter {
        let (limit, is_auto) = (settings.background_bytes_per_second, settings.background_rate_auto);
        let now = clock.monotonic();
        let state = State {
            is_on: false,
            flush_is_urgent: false,
            rate: if is_auto { (limit / 2).max(1) } else { limit },
            flush_paid_until: now,
            paid_until: now,
            tuned_at: now,
            drained: Duration::ZERO,
            drained_until: now,
            stats: RateLimitStats::default(),
        };
        let (clock, state, changed) = (Arc::clone(clock), Mutex::new(state), Condvar::default());
        RateLimiter { clock, limit, is_auto, state, changed }
    }

    /// From now on jobs wait.
    pub(crate) fn turn_on(&self) {
        self.state.lock().is_on = self.limit > 0;
    }

    /// Lets everyone go, for good: the database is being closed.
    pub(crate) fn turn_off(&self) {
        self.state.lock().is_on = false;
        self.changed.notify_all();
    }

    /// Writers are stopped until a flush has ended: it does not wait.
    pub(crate) fn hurry_flush(&self) {
        if self.limit > 0 {
            self.state.lock().flush_is_urgent = true;
            self.changed.notify_all();
        }
    }

    /// A flush has ended.
    pub(crate) fn flush_ended(&self) {
        if self.limit > 0 {
            self.state.lock().flush_is_urgent = false;
        }
    }

    pub(crate) fn stats(&self) -> RateLimitStats {
        let state = self.state.lock();
        RateLimitStats { bytes_per_second: if self.limit == 0 { 0 } else { state.rate }, ..state.stats }
    }

    /// How many bytes a job writes before it asks; `None` where it need not ask.
    pub(crate) fn chunk_bytes(&self) -> Option<u64> {
        // Fifty times a second at the limit, and still more than twice at a twentieth of it.
        (self.limit > 0).then(|| (self.limit / 50).clamp(1, CHUNK_BYTES_MAX))
    }

    /// Returns when a job may go on that has written so many bytes.
    pub(crate) fn pass(&self, bytes: u64, priority: Priority) {
        let now = self.clock.monotonic();
        let mut state = self.state.lock();
        if !state.is_on {
            return;
        }
        if self.is_auto {
            self.tune(&mut state, now);
        }
        let mut wait = state.charge(bytes, priority, now);
        let waited = match priority {
            Priority::Flush => &mut state.stats.flush_wait,
            Priority::Compaction => &mut state.stats.compaction_wait,
        };
        *waited += wait;
        let deadline = now.saturating_add(wait);
        while state.is_on && !wait.is_zero() && !(state.flush_is_urgent && priority == Priority::Flush) {
            state = self.changed.wait_for(state, wait);
            let left = deadline.saturating_sub(self.clock.monotonic());
            // A clock that stands still must not hold anyone for ever.
            wait = if left < wait { left } else { Duration::ZERO };
        }
    }

    /// Moves the rate between a twentieth of the limit and the limit, by how often the bucket was empty.
    fn tune(&self, state: &mut State, now: Duration) {
        let elapsed = now.saturating_sub(state.tuned_at);
        if elapsed < TUNE_EVERY {
            return;
        }
        // What is counted beyond now belongs to the next time.
        let ahead = state.drained_until.saturating_sub(now);
        let percent = state.drained.saturating_sub(ahead).as_nanos() * 100 / elapsed.as_nanos().max(1);
        let least = (self.limit / AUTO_RANGE).max(1);
        let (low, high) = DRAINED_PERCENT;
        let scaled = |by: u64, of: u64| {
            u64::try_from(u128::from(state.rate) * u128::from(by) / u128::from(of)).unwrap_or(u64::MAX)
        };
        state.rate = match percent {
            0 => least,
            percent if percent < low => scaled(100, 100 + STEP_PERCENT).max(least),
            percent if percent > high => scaled(100 + STEP_PERCENT, 100).clamp(least, self.limit),
            _ => state.rate,
        };
        (state.tuned_at, state.drained) = (now, ahead);
    }
}

impl State {
    /// Takes tokens out, and says how long to wait until there are as many. They are taken at once: whoever comes next waits behind.
    fn charge(&mut self, bytes: u64, priority: Priority, now: Duration) -> Duration {
        let nanoseconds = u128::from(bytes) * 1_000_000_000 / u128::from(self.rate.max(1));
        let cost = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
        let pay = |paid_until: &mut Duration| {
            *paid_until = (*paid_until).max(now).saturating_add(cost);
            paid_until.saturating_sub(now.saturating_add(BURST))
        };
        let of_all = pay(&mut self.paid_until);
        let wait = match priority {
            Priority::Flush => pay(&mut self.flush_paid_until),
            Priority::Compaction => of_all,
        };
        let until = now.saturating_add(wait);
        self.drained += until.saturating_sub(self.drained_until.max(now));
        self.drained_until = self.drained_until.max(until);
        wait
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests;
