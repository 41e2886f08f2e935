//! What holds writers up: the causes, how often and how long, and the state they are in.

pub(crate) mod pace;
mod room;

use std::{fmt, time::Duration};

use crate::{
    metrics::Counter,
    sync::{FigureAtomicU64, Mutex, Ordering},
    version::KeyspaceVersion,
};
use pace::{Load, Marks, Rates, scale};

/// A keyspace with this many sealed memtables, in thousandths, takes no more writes until one is flushed.
const SEALED_MAX: u64 = 2000;
/// With one sealed, writers are slowed once the next is half full: so the flush that runs has the time of the other half, and more.
const SEALED_SLOW: u64 = 1500;

/// A wait that is shorter is saved up: a thread that is put to sleep for less sleeps too long.
const WAIT_MIN: Duration = Duration::from_millis(1);
/// A slowed write waits no longer than this, however large it is.
const WAIT_MAX: Duration = Duration::from_millis(100);

/// Why writers are held up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum StallCause {
    /// Level 0 of a keyspace has many runs: `level0-runs-slow`, `level0-runs-stop`.
    Level0Runs,
    /// Compactions have much to read: `debt-bytes-slow`, `debt-bytes-stop`.
    Debt,
    /// Memtables of a keyspace are filled faster than they are flushed.
    SealedMemtables,
    /// All memtables together have little room left: `memtables-bytes-max`, `memory-bytes-max`.
    Memory,
}

impl StallCause {
    /// All of them.
    pub const ALL: [StallCause; 4] =
        [StallCause::Level0Runs, StallCause::Debt, StallCause::SealedMemtables, StallCause::Memory];

    fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for StallCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StallCause::Level0Runs => "level0-runs",
            StallCause::Debt => "debt",
            StallCause::SealedMemtables => "sealed-memtables",
            StallCause::Memory => "memory",
        })
    }
}

/// What writers meet at the moment.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub enum WriteState {
    /// Nothing holds them up.
    #[default]
    Normal,
    /// They wait a little for each byte.
    Slowed(StallCause),
    /// They wait until something was flushed or compacted.
    Stopped(StallCause),
}

impl fmt::Display for WriteState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WriteState::Normal => f.write_str("normal"),
            WriteState::Slowed(cause) => write!(f, "slowed by {cause}"),
            WriteState::Stopped(cause) => write!(f, "stopped by {cause}"),
        }
    }
}

/// Writes that were held up.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct StallFigures {
    /// How many writes.
    pub writes: u64,
    /// How long they waited together.
    pub time: Duration,
}

/// How writers were held up since the database was opened.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct StallStats {
    /// What writers met last, or meet now.
    pub state: WriteState,
    slowed: [StallFigures; StallCause::ALL.len()],
    stopped: [StallFigures; StallCause::ALL.len()],
}

impl StallStats {
    /// Writes that waited a little, for one cause.
    pub fn slowed_by(&self, cause: StallCause) -> StallFigures {
        self.slowed[cause.index()]
    }

    /// Writes that waited for something to be flushed or compacted, for one cause. A write that met several counts for each.
    pub fn stopped_by(&self, cause: StallCause) -> StallFigures {
        self.stopped[cause.index()]
    }

    /// Writes that waited a little.
    pub fn slowed(&self) -> StallFigures {
        total(&self.slowed)
    }

    /// Writes that waited for something to be flushed or compacted.
    pub fn stopped(&self) -> StallFigures {
        total(&self.stopped)
    }
}

fn total(figures: &[StallFigures]) -> StallFigures {
    figures.iter().fold(StallFigures::default(), |sum, figures| StallFigures {
        writes: sum.writes + figures.writes,
        time: sum.time + figures.time,
    })
}

#[derive(Default, Debug)]
struct StallCounters {
    writes: Counter,
    nanoseconds: Counter,
}

impl StallCounters {
    fn add(&self, writes: u64, time: Duration) {
        self.writes.add(writes);
        self.nanoseconds.add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    fn figures(&self) -> StallFigures {
        StallFigures { writes: self.writes.get(), time: Duration::from_nanos(self.nanoseconds.get()) }
    }
}

/// Measures, and remembers what writers were told.
#[derive(Default, Debug)]
pub(crate) struct Gauge {
    state: Mutex<WriteState>,
    /// 1 unless the state is normal, to be read without waiting.
    is_held_up: FigureAtomicU64,
    slowed: [StallCounters; StallCause::ALL.len()],
    stopped: [StallCounters; StallCause::ALL.len()],
    /// Until when the bytes that were let in have been paid for, by the monotonic clock.
    paid_until: Mutex<Duration>,
    write_rate: Mean,
    flush_rate: Mean,
    compaction_rate: Mean,
    /// When the last flush ended, and how many bytes had been written by then.
    last_flush: Mutex<Option<(Duration, u64)>>,
}

/// A mean in which what is older counts less.
#[derive(Default, Debug)]
struct Mean(FigureAtomicU64);

impl Mean {
    fn note(&self, bytes: u64, time: Duration) {
        let Some(rate) = (u128::from(bytes) * 1_000_000_000).checked_div(time.as_nanos()) else { return };
        let rate = u64::try_from(rate).unwrap_or(u64::MAX);
        let before = self.0.load(Ordering::Relaxed);
        let mean = if before == 0 { rate } else { before - before / 4 + rate / 4 };
        self.0.store(mean, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Gauge {
    pub(crate) fn stats(&self) -> StallStats {
        StallStats {
            state: *self.state.lock(),
            slowed: self.slowed.each_ref().map(StallCounters::figures),
            stopped: self.stopped.each_ref().map(StallCounters::figures),
        }
    }

    fn rates(&self) -> Rates {
        Rates {
            write: self.write_rate.get(),
            flush: self.flush_rate.get(),
            compaction: self.compaction_rate.get(),
        }
    }

    /// A flush has written so many bytes from one time to another, when so many bytes had been written by users.
    pub(crate) fn flushed(&self, bytes: u64, from: Duration, to: Duration, user_bytes: u64) {
        self.flush_rate.note(bytes, to.saturating_sub(from));
        if let Some((then, before)) = self.last_flush.lock().replace((to, user_bytes)) {
            self.write_rate.note(user_bytes.saturating_sub(before), to.saturating_sub(then));
        }
    }

    /// A compaction has read so many bytes.
    pub(crate) fn compacted(&self, bytes: u64, time: Duration) {
        self.compaction_rate.note(bytes, time);
    }

    /// Nothing holds a writer up.
    fn go_on(&self) {
        if self.is_held_up.load(Ordering::Relaxed) != 0 {
            self.enter(WriteState::Normal);
        }
    }

    /// Tells the log when the state changes.
    fn enter(&self, state: WriteState) {
        self.is_held_up.store(u64::from(state != WriteState::Normal), Ordering::Relaxed);
        let before = std::mem::replace(&mut *self.state.lock(), state);
        if before == state {
            return;
        }
        match state {
            WriteState::Normal => tracing::info!(%before, "writers go on at full speed"),
            WriteState::Slowed(cause) => tracing::info!(%cause, %before, "writers are slowed"),
            WriteState::Stopped(cause) => tracing::warn!(%cause, %before, "writers are stopped"),
        }
    }

    /// How long a writer of so many bytes has to wait at this pace. All writers together keep to it, so each waits behind those who came before.
    fn wait_for_bytes(&self, bytes: u64, delay_ps_per_byte: u64, now: Duration) -> Duration {
        let mut paid_until = self.paid_until.lock();
        let nanoseconds = u128::from(bytes) * u128::from(delay_ps_per_byte) / 1000;
        let delay = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
        *paid_until = (*paid_until).max(now).saturating_add(delay).min(now.saturating_add(WAIT_MAX));
        let wait = paid_until.saturating_sub(now);
        if wait < WAIT_MIN { Duration::ZERO } else { wait }
    }
}

impl KeyspaceVersion {
    /// Whether anything may hold up writers. It is kept with the version, so that writes need not look at each keyspace.
    pub(crate) fn is_strained(&self) -> bool {
        !self.sealed.is_empty() || self.waits_for_compaction()
    }

    /// Whether level 0 or the debt is beyond its first mark.
    fn waits_for_compaction(&self) -> bool {
        let marks = self.marks();
        let is_beyond = |value: u64, (slow, stop): (u64, u64)| value > slow || value >= stop;
        is_beyond(self.level0_runs_due(), marks.level0_runs) || is_beyond(self.debt.bytes, marks.debt_bytes)
    }

    /// Runs of level 0 that compactions will take away. Those that the strategy leaves there are no reason to wait: nothing would end it.
    fn level0_runs_due(&self) -> u64 {
        let runs = self.tree.levels.first().map_or(0, |level| level.runs.len() as u64);
        // What is merged may leave one.
        if self.debt.level0_runs == 0 { 0 } else { runs.min(self.debt.level0_runs.saturating_add(1)) }
    }

    fn load(&self, memtable_bytes_max: u64, rates: Rates) -> Load {
        let (active, own) = (&self.active.table, &self.profile.settings);
        let filled = |part: u64, whole: u64| scale(part, 1000, whole);
        let bytes = filled(active.bytes(), own.memtable_bytes_max.min(memtable_bytes_max));
        let entries = filled(active.entry_count(), own.memtable_entries_max);
        Load {
            level0_runs: self.level0_runs_due(),
            debt_bytes: self.debt.bytes,
            sealed_thousandths: match self.sealed.len() as u64 {
                0 => 0,
                // However full the next one is, it is no reason to stop before it is sealed.
                1 => 1000 + bytes.max(entries).min(990),
                more => more * 1000,
            },
            memtable_bytes: 0,
            rates,
        }
    }

    fn marks(&self) -> Marks {
        let settings = &self.profile.settings;
        // What would be read if the whole tree were merged once, or twice, is not in arrears: size-tiered compaction does nothing else.
        let whole = self.tree.file_bytes;
        Marks {
            level0_runs: (settings.level0_runs_slow.into(), settings.level0_runs_stop.into()),
            debt_bytes: (
                settings.debt_bytes_slow.max(whole.saturating_mul(2)),
                settings.debt_bytes_stop.max(whole.saturating_mul(4)),
            ),
            sealed_thousandths: (SEALED_SLOW, SEALED_MAX),
            memtable_bytes: (u64::MAX, u64::MAX),
        }
    }
}
