//! Chooses among candidates by their figures: the goal decides, and where it does not, the other goals do.

use crate::goal::{Figures, Goal, distances};

/// Where figures come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Source {
    /// Equal in every run.
    Simulated,
    /// Of a few measurements, on a machine that does other things as well.
    Measured,
}

impl Source {
    /// In a sentence.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Source::Simulated => "simulated",
            Source::Measured => "measured",
        }
    }

    /// Candidates that are by so many percent worse than the best are as good as it, for the goal.
    pub(crate) fn same_percent(self) -> u32 {
        match self {
            Source::Simulated => 3,
            // As the threshold of `cargo xtask bench --baseline`.
            Source::Measured => 10,
        }
    }

    /// Whether two distances from the best are as good as each other.
    pub(crate) fn is_same(self, distance: f64, best: f64) -> bool {
        distance <= best * (1.0 + f64::from(self.same_percent()) / 100.0)
    }
}

/// The order of the candidates, best first, as places in `all`.
///
/// Those nearest to the best in what the goal asks for come first. Among those that are as good as the best, the one comes first that costs least in the other goals together.
pub(crate) fn ranking(goal: Goal, all: &[Figures], source: Source) -> Vec<usize> {
    let of_goal = distances(goal, all).unwrap_or_else(|| vec![1.0; all.len()]);
    let mut of_others = vec![1.0; all.len()];
    for other in Goal::ALL.into_iter().filter(|other| *other != goal) {
        let distances = distances(other, all).unwrap_or_default();
        of_others.iter_mut().zip(distances).for_each(|(cost, distance)| *cost *= distance);
    }
    let best = of_goal.iter().copied().fold(f64::INFINITY, f64::min);
    let mut order: Vec<(bool, f64, usize)> = (0..all.len())
        .map(|at| {
            let is_worse = !source.is_same(of_goal[at], best);
            (is_worse, if is_worse { of_goal[at] } else { of_others[at] }, at)
        })
        .collect();
    order.sort_by(|one, other| one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)).then(one.2.cmp(&other.2)));
    order.into_iter().map(|(_, _, at)| at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::goal::Metric;

    /// Write amplification, runs read, space, stalls.
    fn figures(write: f64, runs: f64, space: f64, stalls: f64) -> Figures {
        Figures::from([
            (Metric::TableWrite, write),
            (Metric::RunsRead, runs),
            (Metric::Space, space),
            (Metric::StallShare, stalls),
        ])
    }

    fn ranking(goal: Goal, all: &[Figures]) -> Vec<usize> {
        super::ranking(goal, all, Source::Simulated)
    }

    #[test]
    fn each_goal_has_its_best() {
        let all = [figures(14.0, 1.2, 1.1, 0.3), figures(4.0, 4.0, 1.8, 0.1), figures(6.0, 2.5, 1.09, 0.0)];
        assert_eq!(ranking(Goal::Write, &all), [1, 2, 0]);
        assert_eq!(ranking(Goal::Read, &all), [0, 2, 1]);
        assert_eq!(ranking(Goal::Space, &all), [2, 0, 1]);
        assert_eq!(ranking(Goal::P99, &all), [2, 1, 0]);
    }

    #[test]
    fn where_the_goal_does_not_decide_the_others_do() {
        // The first writes 2 % less and reads twice as many runs; the last is a tenth worse, whatever else it is.
        let all = [figures(4.0, 6.0, 1.5, 0.0), figures(4.08, 3.0, 1.5, 0.0), figures(4.5, 1.0, 1.0, 0.0)];
        assert_eq!(ranking(Goal::Write, &all), [1, 0, 2]);
    }

    #[test]
    fn measured_throughput_counts_beside_amplification() {
        let with = |figures: Figures, per_second: f64| {
            let mut figures = figures;
            figures.insert(Metric::SettledPerSecond, per_second);
            figures
        };
        let all = [figures(4.0, 6.0, 1.5, 0.0), figures(5.0, 6.0, 1.5, 0.0)];
        assert_eq!(ranking(Goal::Write, &all), [0, 1]);
        let measured = [with(all[0].clone(), 100.0), with(all[1].clone(), 200.0)];
        assert_eq!(super::ranking(Goal::Write, &measured, Source::Measured), [1, 0]);
    }

    #[test]
    fn measured_figures_are_the_same_within_their_noise() {
        // The first writes 8 % less; the second is better in everything else.
        let all = [figures(4.0, 6.0, 1.5, 0.1), figures(4.32, 3.0, 1.2, 0.0)];
        assert_eq!(super::ranking(Goal::Write, &all, Source::Simulated), [0, 1]);
        assert_eq!(super::ranking(Goal::Write, &all, Source::Measured), [1, 0]);
    }

    #[test]
    fn nothing_known_leaves_the_order() {
        assert_eq!(ranking(Goal::Write, &[Figures::new(), Figures::new()]), [0, 1]);
        assert!(ranking(Goal::Write, &[]).is_empty());
    }
}
