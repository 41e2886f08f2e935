//! What advice is for, and the figures that say how well it is reached.

use std::collections::BTreeMap;

use clap::ValueEnum;

/// What matters most.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Debug)]
pub(crate) enum Goal {
    /// Write little for each byte, and so write much in a second
    Write,
    /// Ask few runs, and so answer soon
    Read,
    /// Keep little that is stale
    Space,
    /// Let no write wait long
    P99,
}

impl Goal {
    /// All of them.
    pub(crate) const ALL: [Goal; 4] = [Goal::Write, Goal::Read, Goal::Space, Goal::P99];

    /// In a sentence.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Goal::Write => "writing",
            Goal::Read => "reading",
            Goal::Space => "space",
            Goal::P99 => "the slowest writes",
        }
    }
}

/// A figure.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Metric {
    /// Bytes of flushes and compactions for each byte flushed.
    TableWrite,
    /// Operations in a second, until nothing is left to compact.
    SettledPerSecond,
    /// Runs with a table that may have what a read looks for: each has a filter to ask, or a cursor to move.
    RunsAsked,
    /// Those of them that are read.
    RunsRead,
    /// Half of the reads take no longer, in microseconds.
    ReadP50,
    /// 99 of a hundred reads take no longer, in microseconds.
    ReadP99,
    /// Bytes in tables for each live byte.
    Space,
    /// The same at its highest, with what merges have not removed yet.
    SpacePeak,
    /// Part of the time of writing that writers lose, from 0 to 1.
    StallShare,
    /// 99 of a hundred writes take no longer, in microseconds.
    WriteP99,
}

impl Metric {
    /// All of them.
    pub(crate) const ALL: [Metric; 10] = [
        Metric::TableWrite,
        Metric::SettledPerSecond,
        Metric::RunsAsked,
        Metric::RunsRead,
        Metric::ReadP50,
        Metric::ReadP99,
        Metric::Space,
        Metric::SpacePeak,
        Metric::StallShare,
        Metric::WriteP99,
    ];

    /// Which goal it speaks for.
    pub(crate) fn goal(self) -> Goal {
        match self {
            Metric::TableWrite | Metric::SettledPerSecond => Goal::Write,
            Metric::RunsAsked | Metric::RunsRead | Metric::ReadP50 | Metric::ReadP99 => Goal::Read,
            Metric::Space | Metric::SpacePeak => Goal::Space,
            Metric::StallShare | Metric::WriteP99 => Goal::P99,
        }
    }

    /// The head of its column.
    pub(crate) fn head(self) -> &'static str {
        match self {
            Metric::TableWrite => "write amp.",
            Metric::SettledPerSecond => "settled/s",
            Metric::RunsAsked => "runs asked",
            Metric::RunsRead => "runs read",
            Metric::ReadP50 => "read p50 us",
            Metric::ReadP99 => "read p99 us",
            Metric::Space => "space amp.",
            Metric::SpacePeak => "space peak",
            Metric::StallShare => "stalled %",
            Metric::WriteP99 => "write p99 us",
        }
    }

    /// Its value in the column.
    pub(crate) fn show(self, value: f64) -> String {
        match self {
            Metric::SettledPerSecond => format!("{value:.0}"),
            Metric::ReadP50 | Metric::ReadP99 | Metric::WriteP99 => format!("{value:.1}"),
            Metric::StallShare => format!("{:.1}", 100.0 * value),
            _ => format!("{value:.2}"),
        }
    }

    /// How often `value` is as bad as `best`: 1 or more. Shares are compared with a twentieth added to both, so that none at all is not infinitely better than little.
    fn times_worse(self, value: f64, best: f64) -> f64 {
        match self {
            Metric::SettledPerSecond => best / value,
            Metric::StallShare => (0.05 + value) / (0.05 + best),
            _ => value / best,
        }
    }

    /// The better of two values.
    fn better(self, one: f64, other: f64) -> f64 {
        if self == Metric::SettledPerSecond { one.max(other) } else { one.min(other) }
    }
}

/// What is known of one candidate.
pub(crate) type Figures = BTreeMap<Metric, f64>;

/// How far each candidate is from the best of all in what speaks for a goal: the geometric mean over those of its figures that all candidates have. 1 is the best in
/// everything; `None` when there is nothing to compare.
pub(crate) fn distances(goal: Goal, all: &[Figures]) -> Option<Vec<f64>> {
    let is_known = |metric: &Metric| {
        let values = all.iter().map(|figures| figures.get(metric));
        metric.goal() == goal && values.clone().all(|value| value.is_some_and(|value| *value >= 0.0))
    };
    let metrics: Vec<Metric> = Metric::ALL.into_iter().filter(is_known).collect();
    if metrics.is_empty() || all.is_empty() {
        return None;
    }
    let mut distances = vec![1.0_f64; all.len()];
    let count = f64::from(u32::try_from(metrics.len()).unwrap_or(u32::MAX));
    for metric in metrics {
        // Nothing is infinitely better than something else.
        let value = |figures: &Figures| figures.get(&metric).copied().unwrap_or_default().max(1e-9);
        let best = all.iter().map(value).reduce(|one, other| metric.better(one, other)).unwrap_or(1.0);
        for (distance, figures) in distances.iter_mut().zip(all) {
            *distance *= metric.times_worse(value(figures), best).powf(1.0 / count);
        }
    }
    Some(distances)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_means_over_the_figures_of_the_goal_that_all_have() {
        let all = [
            Figures::from([
                (Metric::TableWrite, 4.0),
                (Metric::SettledPerSecond, 100.0),
                (Metric::Space, 9.0),
            ]),
            Figures::from([(Metric::TableWrite, 16.0), (Metric::SettledPerSecond, 100.0)]),
            Figures::from([
                (Metric::TableWrite, 4.0),
                (Metric::SettledPerSecond, 25.0),
                (Metric::Space, 1.0),
            ]),
        ];
        assert_eq!(distances(Goal::Write, &all).unwrap(), [1.0, 2.0, 2.0]);
        assert_eq!(distances(Goal::Space, &all), None, "one of them has none");
        assert_eq!(distances(Goal::Space, &all[..1]).unwrap(), [1.0]);
        assert_eq!(distances(Goal::Write, &[]), None);
    }

    #[test]
    fn no_stalls_at_all_are_not_infinitely_better_than_few() {
        let all = [0.0, 0.1].map(|share| Figures::from([(Metric::StallShare, share)]));
        let distances = distances(Goal::P99, &all).unwrap();
        assert!((distances[1] - 3.0).abs() < 1e-6, "{distances:?}");
    }
}
