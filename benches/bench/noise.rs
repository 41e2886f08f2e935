//! How much figures differ by chance: from the repetitions of all cells of a workload together, since those of one cell are too few to know.

use siltstone_benches::units::number;

use crate::summary::Summary;

/// A difference must be so many times what chance makes of it on average. A run has hundreds of figures, and none of them may be flagged by chance.
const ERRORS_MIN: f64 = 4.0;
/// The noise is known the less well the fewer repetitions there are: half as many errors more at eight, none at many. Close to where Student's distribution has one in ten
/// thousand of its values beyond.
const ERRORS_MORE: f64 = 4.0;
/// With fewer repetitions than this beyond the first of each cell, the noise itself is not known.
const FREEDOM_MIN: usize = 8;

/// The noise of one repetition, in natural logarithms: for small ones, a share.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Noise {
    pub(crate) deviation: f64,
    /// Repetitions beyond the first of each cell.
    freedom: usize,
}

/// What can be said of a difference.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Evidence {
    /// It is beyond what chance does.
    Real,
    /// It may be chance.
    Chance,
    /// Nothing: there are too few repetitions.
    Unknown,
}

impl Noise {
    /// The noise of a figure in cells that are measured alike, each against its own mean.
    pub(crate) fn of<'a>(
        cells: impl IntoIterator<Item = &'a Summary>,
        value: impl Fn(&siltstone_benches::row::Row) -> Option<f64>,
    ) -> Noise {
        let (mut squares, mut freedom) = (0.0, 0);
        for cell in cells {
            let logs: Vec<f64> =
                cell.rows.iter().filter_map(&value).filter(|value| *value > 0.0).map(f64::ln).collect();
            let mean = mean(&logs);
            squares += logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>();
            freedom += logs.len().saturating_sub(1);
        }
        let deviation = if freedom > 0 { (squares / number(freedom as u64)).sqrt() } else { 0.0 };
        Noise { deviation, freedom }
    }

    /// Of a difference of the logarithms of two medians, of so many repetitions each.
    pub(crate) fn judge(&self, difference: f64, before: usize, after: usize) -> Evidence {
        let inverse = |count: usize| 1.0 / number(count.max(1) as u64);
        self.judge_against(difference, self.deviation * (inverse(before) + inverse(after)).sqrt())
    }

    /// Of the mean of such differences over cells. How far cells disagree about it counts too.
    pub(crate) fn judge_mean(&self, differences: &[f64], repeats: usize) -> Evidence {
        self.judge_against(mean(differences), self.error_of_mean(differences, repeats))
    }

    /// From which share on such a mean is not chance.
    pub(crate) fn seen_from(&self, differences: &[f64], repeats: usize) -> f64 {
        (self.errors_min() * self.error_of_mean(differences, repeats)).exp() - 1.0
    }

    fn error_of_mean(&self, differences: &[f64], repeats: usize) -> f64 {
        let count = number(differences.len() as u64);
        let mean = mean(differences);
        let between =
            differences.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
        let within = self.deviation.powi(2) * 2.0 / number(repeats.max(1) as u64);
        (between.max(within) / count.max(1.0)).sqrt()
    }

    fn errors_min(&self) -> f64 {
        ERRORS_MIN * (1.0 + ERRORS_MORE / number(self.freedom.max(1) as u64))
    }

    fn judge_against(&self, difference: f64, error: f64) -> Evidence {
        if difference.abs() <= self.errors_min() * error {
            Evidence::Chance
        } else if self.freedom < FREEDOM_MIN {
            Evidence::Unknown
        } else {
            Evidence::Real
        }
    }
}

/// 0 of nothing.
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / number(values.len().max(1) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fixture, results::Results, summary};

    fn noise(deviation: f64, freedom: usize) -> Noise {
        Noise { deviation, freedom }
    }

    #[test]
    fn noise_is_that_of_repetitions_not_of_cells() {
        let mut summaries = summary::summaries(&Results::parse(fixture::TEXT).unwrap());
        for (speed, summary) in [1.0, 10.0, 100.0, 1_000.0].into_iter().zip(&mut summaries) {
            for (row, times) in summary.rows.iter_mut().zip([0.1_f64, 0.0, -0.1]) {
                row.per_second = speed * times.exp();
            }
        }
        let noise = Noise::of(&summaries, |row| Some(row.per_second));
        assert!((noise.deviation - 0.1).abs() < 1e-9 && noise.freedom == 8, "{noise:?}");
    }

    #[test]
    fn more_repetitions_and_more_cells_see_smaller_differences() {
        let noise = noise(0.05, 24);
        assert_eq!(noise.judge(-0.22, 2, 2), Evidence::Chance);
        assert_eq!(noise.judge(-0.24, 2, 2), Evidence::Real);
        assert_eq!(noise.judge(-0.22, 3, 3), Evidence::Real);
        assert_eq!(noise.judge_mean(&[-0.1; 12], 2), Evidence::Real);
        assert_eq!(noise.judge_mean(&[-0.1; 3], 2), Evidence::Chance);
        assert_eq!(
            noise.judge_mean(&[-0.4, 0.2, -0.4, 0.2, -0.4, 0.2], 2),
            Evidence::Chance,
            "cells disagree"
        );
    }

    #[test]
    fn noise_that_nobody_measured_is_not_known() {
        assert_eq!(noise(0.0, 0).judge(-0.3, 1, 1), Evidence::Unknown);
        assert_eq!(noise(0.01, 7).judge(-0.3, 2, 2), Evidence::Unknown);
        assert_eq!(noise(0.01, 7).judge(0.0, 2, 2), Evidence::Chance);
    }
}
