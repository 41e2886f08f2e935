//! How fast writers may go: a pure function of what waits to be flushed and compacted.

use super::StallCause;

/// What is assumed of flushes and compactions before the first has ended, in bytes per second. As `delayed_write_rate` in `RocksDB`.
const RATE_ASSUMED: u64 = 16 << 20;
/// Writers are never slowed below this rate, in bytes per second; beyond it they are stopped.
const RATE_MIN: u64 = 1 << 20;

const MILLION: u64 = 1_000_000;

/// What is in arrears, of a keyspace or, for memory, of all of them.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub(crate) struct Load {
    /// Runs of level 0 that compactions will take away.
    pub(crate) level0_runs: u64,
    /// Bytes that compactions have to read.
    pub(crate) debt_bytes: u64,
    /// Memtables that wait for their flush, and the filled part of the one that takes writes, in thousandths; 0 while none waits.
    pub(crate) sealed_thousandths: u64,
    /// Bytes of all memtables; 0 while none waits for its flush.
    pub(crate) memtable_bytes: u64,
    pub(crate) rates: Rates,
}

/// How fast it went lately, in bytes per second; 0 where nothing is known.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Rates {
    /// Keys and values that were written.
    pub(crate) write: u64,
    /// Tables that a flush wrote, while it ran.
    pub(crate) flush: u64,
    /// Tables that one compaction read, while it ran.
    pub(crate) compaction: u64,
}

/// From where on writers are slowed, and from where on they are stopped.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Marks {
    pub(crate) level0_runs: (u64, u64),
    pub(crate) debt_bytes: (u64, u64),
    pub(crate) sealed_thousandths: (u64, u64),
    pub(crate) memtable_bytes: (u64, u64),
}

impl Marks {
    /// For all memtables together.
    pub(crate) fn of_memory(bytes_max: u64) -> Marks {
        let never = (u64::MAX, u64::MAX);
        Marks {
            level0_runs: never,
            debt_bytes: never,
            sealed_thousandths: never,
            memtable_bytes: (bytes_max - bytes_max / 8, bytes_max),
        }
    }
}

/// How fast a writer may go.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) enum Pace {
    #[default]
    Full,
    /// It waits so long for each byte, in picoseconds.
    Slow { cause: StallCause, delay_ps_per_byte: u64 },
    /// It waits until something has changed.
    Stop { cause: StallCause },
}

impl Pace {
    /// The slower of the two.
    pub(crate) fn and(self, other: Pace) -> Pace {
        let rank = |pace: Pace| match pace {
            Pace::Full => 0,
            Pace::Slow { delay_ps_per_byte, .. } => delay_ps_per_byte,
            Pace::Stop { .. } => u64::MAX,
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

/// The pace for a load: that of the worst cause.
///
/// With `p` the part of the way from the first mark to the second, and `r` the rate at which the cause is worked off, writers get `r (1 - p) / p` bytes per second: everything at
/// the first mark, `r` half-way, nothing at the second. So a load that can be kept up with settles between the marks, further up the more each byte costs to work off;
/// and nothing that was measured wrongly can make it run away.
pub(crate) fn pace(load: &Load, marks: &Marks) -> Pace {
    let known = |rate: u64| if rate == 0 { load.rates.write } else { rate };
    let (flush, compaction) = (known(load.rates.flush), known(load.rates.compaction));
    let causes = [
        (StallCause::SealedMemtables, load.sealed_thousandths, marks.sealed_thousandths, flush),
        (StallCause::Memory, load.memtable_bytes, marks.memtable_bytes, flush),
        (StallCause::Level0Runs, load.level0_runs, marks.level0_runs, compaction),
        (StallCause::Debt, load.debt_bytes, marks.debt_bytes, compaction),
    ];
    causes.into_iter().fold(Pace::Full, |worst, (cause, value, marks, rate)| {
        worst.and(of_cause(cause, part(value, marks), rate))
    })
}

/// How far a value is from the first mark to the second, in millionths: 0 up to the first, all of them from the second on. Where the first is not below the second
/// there is nothing between them.
fn part(value: u64, (slow, stop): (u64, u64)) -> u64 {
    if value >= stop {
        MILLION
    } else if value <= slow {
        0
    } else {
        scale(value - slow, MILLION, stop - slow)
    }
}

fn of_cause(cause: StallCause, part: u64, rate: u64) -> Pace {
    match part {
        0 => Pace::Full,
        MILLION.. => Pace::Stop { cause },
        part => {
            let worked_off = if rate == 0 { RATE_ASSUMED } else { rate };
            let rate = scale(worked_off, MILLION - part, part).max(RATE_MIN);
            Pace::Slow { cause, delay_ps_per_byte: MILLION * MILLION / rate }
        }
    }
}

/// `value * by / of`, without overflow.
pub(super) fn scale(value: u64, by: u64, of: u64) -> u64 {
    let scaled = u128::from(value) * u128::from(by) / u128::from(of.max(1));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKS: Marks = Marks {
        level0_runs: (20, 24),
        debt_bytes: (64 << 30, 256 << 30),
        sealed_thousandths: (1500, 2000),
        memtable_bytes: (224 << 20, 256 << 20),
    };
    const RATES: Rates = Rates { write: 200_000_000, flush: 100_000_000, compaction: 50_000_000 };

    /// `slow level0-runs 20000`: by what, and how many picoseconds a byte waits.
    fn said(load: Load) -> String {
        match pace(&load, &MARKS) {
            Pace::Full => "full".to_owned(),
            Pace::Slow { cause, delay_ps_per_byte } => format!("slow {cause} {delay_ps_per_byte}"),
            Pace::Stop { cause } => format!("stop {cause}"),
        }
    }

    fn check(of: impl Fn(Load) -> Load, expected: &str) {
        assert_eq!(said(of(Load { rates: RATES, ..Load::default() })), expected);
    }

    #[test]
    fn level0_runs() {
        for (level0_runs, expected) in [
            (0, "full"),
            (19, "full"),
            (20, "full"),
            // A quarter of the way: three times the rate at which it is worked off.
            (21, "slow level0-runs 6666"),
            (22, "slow level0-runs 20000"),
            (23, "slow level0-runs 60000"),
            (24, "stop level0-runs"),
            (1000, "stop level0-runs"),
        ] {
            check(|load| Load { level0_runs, ..load }, expected);
        }
    }

    #[test]
    fn debt() {
        for (gib, expected) in [
            (0, "full"),
            (64, "full"),
            (65, "slow debt 104"),
            (160, "slow debt 20000"),
            (208, "slow debt 60000"),
            // The least rate.
            (255, "slow debt 953674"),
            (256, "stop debt"),
            (1 << 20, "stop debt"),
        ] {
            check(|load| Load { debt_bytes: gib << 30, ..load }, expected);
        }
    }

    #[test]
    fn memtables() {
        for (sealed_thousandths, expected) in [
            (0, "full"),
            (1000, "full"),
            (1500, "full"),
            (1750, "slow sealed-memtables 10000"),
            (1900, "slow sealed-memtables 40000"),
            (2000, "stop sealed-memtables"),
        ] {
            check(|load| Load { sealed_thousandths, ..load }, expected);
        }
        for (mib, expected) in [(0, "full"), (224, "full"), (240, "slow memory 10000"), (256, "stop memory")]
        {
            check(|load| Load { memtable_bytes: mib << 20, ..load }, expected);
        }
    }

    #[test]
    fn the_worst_cause_counts() {
        check(
            |load| Load { level0_runs: 22, sealed_thousandths: 1900, ..load },
            "slow sealed-memtables 40000",
        );
        check(|load| Load { level0_runs: 23, sealed_thousandths: 1900, ..load }, "slow level0-runs 60000");
        check(|load| Load { debt_bytes: 256 << 30, level0_runs: 23, ..load }, "stop debt");
    }

    #[test]
    fn rates_that_are_not_known_are_assumed() {
        let load = |rates| Load { level0_runs: 22, rates, ..Load::default() };
        for (rates, expected) in [
            (Rates { write: 0, compaction: 0, ..RATES }, "slow level0-runs 59604"),
            (Rates { compaction: 0, ..RATES }, "slow level0-runs 5000"),
            (Rates { compaction: 1000, ..RATES }, "slow level0-runs 953674"),
        ] {
            assert_eq!(said(load(rates)), expected);
        }
    }

    #[test]
    fn marks_in_the_wrong_order_leave_no_way_between_them() {
        let marks = Marks { level0_runs: (20, 8), ..MARKS };
        for (level0_runs, expected) in [(7, Pace::Full), (8, Pace::Stop { cause: StallCause::Level0Runs })] {
            assert_eq!(pace(&Load { level0_runs, ..Load::default() }, &marks), expected);
        }
    }

    #[test]
    fn the_delay_never_falls_while_the_load_grows() {
        let delay = |sealed_thousandths| match pace(
            &Load { sealed_thousandths, rates: RATES, ..Load::default() },
            &MARKS,
        ) {
            Pace::Full => 0,
            Pace::Slow { delay_ps_per_byte, .. } => delay_ps_per_byte,
            Pace::Stop { .. } => u64::MAX,
        };
        let delays: Vec<u64> = (0..=2100).map(delay).collect();
        assert!(delays.is_sorted(), "{delays:?}");
        // No step but the last: from one thousandth of a memtable to the next it at most doubles, once it is worth a word.
        for pair in delays.windows(2).filter(|pair| pair[0] > 1000 && pair[1] < u64::MAX) {
            assert!(pair[1] <= 2 * pair[0], "{pair:?}");
        }
    }
}
