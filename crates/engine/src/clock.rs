//! Time, as something that is handed in.

use std::{
    fmt,
    sync::LazyLock,
    time::{Duration, Instant, SystemTime},
};

use crate::sync::{AtomicU64, Ordering};

/// Tells the time. Wall time stamps tables and says what has expired, and decides nothing else; it may jump.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Milliseconds since the Unix epoch; 0 before it.
    fn now_unix_ms(&self) -> u64;
    /// Time since some moment in the past. Never goes back: it is for figures.
    fn monotonic(&self) -> Duration;
}

/// The operating system's clock.
#[derive(Clone, Copy, Default, Debug)]
pub struct OsClock;

impl Clock for OsClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the engine reads the clock")]
    fn now_unix_ms(&self) -> u64 {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
    }

    fn monotonic(&self) -> Duration {
        #[expect(clippy::disallowed_methods, reason = "the one place where the engine reads the clock")]
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }
}

/// A clock that moves when it is told to.
#[derive(Default, Debug)]
pub struct TestClock {
    milliseconds: AtomicU64,
}

impl TestClock {
    /// A clock that stands at this many milliseconds since the Unix epoch.
    pub fn new(unix_ms: u64) -> TestClock {
        TestClock { milliseconds: AtomicU64::new(unix_ms) }
    }

    /// Moves it on.
    pub fn advance(&self, milliseconds: u64) {
        self.milliseconds.fetch_add(milliseconds, Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now_unix_ms(&self) -> u64 {
        self.milliseconds.load(Ordering::Relaxed)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.milliseconds.load(Ordering::Relaxed))
    }
}
