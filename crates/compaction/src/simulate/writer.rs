//! The user who writes: how fast the engine lets him, and how much time he loses.

use super::{Backpressure, StallTimes};

/// Full speed. Speeds are parts of it.
const FULL: u64 = 1_024;
/// A writer that is slowed down and does not wait is never slower.
const SLOWEST: u64 = FULL / 100;

/// How fast a writer is let write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Speed {
    /// Not at all, until something ends.
    Stopped(Stop),
    /// So many parts of `FULL`.
    Parts(u64),
}

/// What a writer waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stop {
    Memtables,
    Level0,
    Debt,
}

impl Backpressure {
    /// The speed that compaction allows. When no job is running, waiting would not help.
    pub(super) fn speed(&self, debt_bytes: u64, level0_runs: u64, is_running: bool) -> Speed {
        if !is_running {
            return Speed::Parts(FULL);
        }
        let level0 = pressure(level0_runs, self.level0_runs_slow, self.level0_runs_stop);
        let debt = pressure(debt_bytes, self.debt_bytes_slow, self.debt_bytes_stop);
        match level0.max(debt) {
            FULL if level0 == FULL => Speed::Stopped(Stop::Level0),
            FULL => Speed::Stopped(Stop::Debt),
            parts => Speed::Parts((FULL - parts).max(SLOWEST)),
        }
    }
}

/// 0 up to `slow`, `FULL` from `stop` on, and in proportion between them.
fn pressure(value: u64, slow: u64, stop: u64) -> u64 {
    if value >= stop {
        return FULL;
    }
    let parts = u128::from(value.saturating_sub(slow)) * u128::from(FULL)
        / u128::from((stop - slow.min(stop)).max(1));
    u64::try_from(parts).unwrap_or(FULL).min(FULL - 1)
}

/// Fills one memtable after the other.
#[derive(Default, Debug)]
pub(super) struct Writer {
    /// What is left of the memtable under way, as time at full speed.
    work_ns: u64,
    stopped_for_ns: u64,
    stalls: StallTimes,
}

impl Writer {
    pub(super) fn begin(&mut self, work_ns: u64) {
        self.work_ns = work_ns;
    }

    /// When the memtable will be full, from now; `None` as long as the writer waits.
    pub(super) fn done_in_ns(&self, speed: Speed) -> Option<u64> {
        match speed {
            Speed::Stopped(_) => None,
            Speed::Parts(parts) => {
                let scaled = u128::from(self.work_ns) * u128::from(FULL);
                Some(u64::try_from(scaled.div_ceil(u128::from(parts.max(1)))).unwrap_or(u64::MAX))
            }
        }
    }

    /// Lets time pass, not beyond the moment in which the memtable is full.
    pub(super) fn advance(&mut self, passed_ns: u64, speed: Speed) {
        match speed {
            Speed::Stopped(stop) => {
                let lost = match stop {
                    Stop::Memtables => &mut self.stalls.memtables_ns,
                    Stop::Level0 => &mut self.stalls.level0_ns,
                    Stop::Debt => &mut self.stalls.debt_ns,
                };
                *lost += passed_ns;
                self.stopped_for_ns += passed_ns;
                self.stalls.longest_stop_ns = self.stalls.longest_stop_ns.max(self.stopped_for_ns);
            }
            Speed::Parts(parts) => {
                let done = u128::from(passed_ns) * u128::from(parts) / u128::from(FULL);
                let done = u64::try_from(done).unwrap_or(u64::MAX).min(self.work_ns);
                self.work_ns -= done;
                self.stalls.slowed_ns += passed_ns - done;
                if passed_ns > 0 {
                    self.stopped_for_ns = 0;
                }
            }
        }
    }

    pub(super) fn stalls(&self) -> StallTimes {
        self.stalls
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Backpressure =
        Backpressure { debt_bytes_slow: 100, debt_bytes_stop: 200, level0_runs_slow: 4, level0_runs_stop: 8 };

    #[test]
    fn speed_falls_between_the_limits_and_ends_at_the_second() {
        let speed = |debt, level0| LIMITS.speed(debt, level0, true);
        assert_eq!(speed(0, 0), Speed::Parts(FULL));
        assert_eq!(speed(100, 4), Speed::Parts(FULL));
        assert_eq!(speed(150, 0), Speed::Parts(FULL / 2));
        assert_eq!(speed(125, 6), Speed::Parts(FULL / 2), "the worse of the two counts");
        assert_eq!(speed(199, 0), Speed::Parts(11));
        assert_eq!(speed(200, 0), Speed::Stopped(Stop::Debt));
        assert_eq!(speed(0, 8), Speed::Stopped(Stop::Level0));
        assert_eq!(speed(900, 9), Speed::Stopped(Stop::Level0));
        assert_eq!(LIMITS.speed(900, 9, false), Speed::Parts(FULL), "nothing to wait for");
        assert_eq!(Backpressure::NONE.speed(1 << 60, 1 << 60, true), Speed::Parts(FULL));
    }

    #[test]
    fn a_limit_at_which_nothing_is_slow_yet_may_be_the_one_to_stop_at() {
        let limits = Backpressure { debt_bytes_slow: 200, ..LIMITS };
        assert_eq!(limits.speed(199, 0, true), Speed::Parts(FULL));
        assert_eq!(limits.speed(200, 0, true), Speed::Stopped(Stop::Debt));
    }

    #[test]
    fn lost_time_is_what_is_not_work() {
        let mut writer = Writer::default();
        writer.begin(1_000);
        writer.advance(300, Speed::Parts(FULL));
        writer.advance(50, Speed::Stopped(Stop::Level0));
        writer.advance(70, Speed::Stopped(Stop::Debt));
        writer.advance(0, Speed::Parts(FULL));
        writer.advance(30, Speed::Stopped(Stop::Memtables));
        writer.advance(400, Speed::Parts(FULL / 4));
        writer.advance(10, Speed::Stopped(Stop::Level0));
        let done_in = writer.done_in_ns(Speed::Parts(FULL / 2)).unwrap();
        assert_eq!(done_in, 1_200);
        assert_eq!(writer.done_in_ns(Speed::Stopped(Stop::Debt)), None);
        writer.advance(done_in, Speed::Parts(FULL / 2));
        assert_eq!(writer.done_in_ns(Speed::Parts(1)), Some(0));
        let stalls = writer.stalls();
        let expected = StallTimes {
            memtables_ns: 30,
            level0_ns: 60,
            debt_ns: 70,
            slowed_ns: 300 + 600,
            longest_stop_ns: 150,
        };
        assert_eq!(stalls, expected);
        assert_eq!(300 + 50 + 70 + 30 + 400 + 10 + 1_200 - stalls.total_ns(), 1_000);
    }
}
