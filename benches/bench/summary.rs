//! What repeated measurements of a cell come to: medians, with the least and the most.

use siltstone_benches::{
    cell::{Cell, varying},
    row::Row,
};

use crate::results::Results;

/// A cell with all its rows.
#[derive(Clone, Debug)]
pub(crate) struct Summary {
    pub(crate) cell: Cell,
    pub(crate) rows: Vec<Row>,
}

/// A figure over repetitions.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) count: usize,
}

/// Fewer repetitions say nothing about the noise.
pub(crate) const REPEATS_MIN: usize = 3;

impl Spread {
    /// `None` of nothing.
    pub(crate) fn of(mut values: Vec<f64>) -> Option<Spread> {
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let upper = *values.get(values.len() / 2)?;
        let lower = *values.get((values.len() - 1) / 2)?;
        Some(Spread { median: f64::midpoint(lower, upper), min, max, count: values.len() })
    }

    /// Whether a value lies between the least and the most.
    pub(crate) fn holds(&self, value: f64) -> bool {
        (self.min..=self.max).contains(&value)
    }

    /// Whether there were values of one within those of the other. With one value each there never are.
    pub(crate) fn overlaps(&self, other: &Spread) -> bool {
        self.min <= other.max && other.min <= self.max
    }
}

impl Summary {
    /// A figure of all rows that have it.
    pub(crate) fn spread(&self, value: impl Fn(&Row) -> Option<f64>) -> Option<Spread> {
        Spread::of(self.rows.iter().filter_map(value).collect())
    }

    /// The median of a figure; 0 when no row has it.
    pub(crate) fn median(&self, value: impl Fn(&Row) -> f64) -> f64 {
        self.spread(|row| Some(value(row))).map_or(0.0, |spread| spread.median)
    }

    /// The repetition that was neither the fastest nor the slowest, for what has no median.
    pub(crate) fn typical(&self) -> Option<&Row> {
        let mut rows: Vec<&Row> = self.rows.iter().collect();
        rows.sort_by(|one, other| one.per_second.total_cmp(&other.per_second));
        rows.get(rows.len() / 2).copied()
    }
}

/// All cells of a run, each once and in order: equal workloads together.
pub(crate) fn summaries(results: &Results) -> Vec<Summary> {
    let mut summaries: Vec<Summary> = Vec::new();
    for row in &results.rows {
        match summaries.iter_mut().find(|summary| summary.cell == row.cell) {
            Some(summary) => {
                if summary.rows.iter().all(|known| known.repeat != row.repeat) {
                    summary.rows.push(row.clone());
                }
            }
            None => summaries.push(Summary { cell: row.cell.clone(), rows: vec![row.clone()] }),
        }
    }
    summaries.sort_by_cached_key(|summary| summary.cell.order());
    summaries
}

/// The axes that tell cells of the run apart.
pub(crate) fn axes(summaries: &[Summary]) -> Vec<&'static str> {
    varying(summaries.iter().map(|summary| &summary.cell))
}

/// The axes that the name of a group has.
pub(crate) const GROUP: &[&str] = &["workload", "arrivals-per-second"];

/// Cells of one workload of one matrix, which are compared with each other.
pub(crate) fn by_workload(summaries: &[Summary]) -> Vec<(String, Vec<&Summary>)> {
    let mut groups: Vec<(String, Vec<&Summary>)> = Vec::new();
    for summary in summaries {
        let name = summary.cell.group();
        match groups.last_mut() {
            Some((last, group))
                if *last == name
                    && group.last().is_some_and(|one| one.cell.matrix == summary.cell.matrix) =>
            {
                group.push(summary);
            }
            _ => groups.push((name, vec![summary])),
        }
    }
    groups
}

/// Operations a second of the fastest.
pub(crate) fn best(group: &[&Summary]) -> Option<Spread> {
    let speeds = group.iter().filter_map(|summary| summary.spread(|row| Some(row.per_second)));
    speeds.max_by(|one, other| one.median.total_cmp(&other.median))
}

/// How a cell compares with the best of its group.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Standing {
    /// It is the best.
    Best,
    /// It may be as good: some of its repetitions were as good as some of the best one's.
    Noise,
    /// There are too few repetitions to tell noise from a difference; so many times the best.
    Unknown(f64),
    /// So many times the best.
    Behind(f64),
}

/// How a cell compares with the best of its group.
pub(crate) fn standing(own: &Spread, best: &Spread) -> Standing {
    let share = if best.median > 0.0 { own.median / best.median } else { 1.0 };
    if own == best {
        Standing::Best
    } else if own.count.min(best.count) < REPEATS_MIN {
        Standing::Unknown(share)
    } else if own.overlaps(best) {
        Standing::Noise
    } else {
        Standing::Behind(share)
    }
}

impl std::fmt::Display for Standing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Standing::Best => formatter.write_str("best"),
            Standing::Noise => formatter.write_str("≈ best"),
            Standing::Unknown(share) => write!(formatter, "{share:.2}?"),
            Standing::Behind(share) => write!(formatter, "{share:.2}"),
        }
    }
}

/// How many times as much leveled compaction wrote as size-tiered: the least over all pairs of cells that differ in nothing else and write at all. `None` without such a pair.
pub(crate) fn leveled_over_size_tiered(summaries: &[Summary]) -> Option<f64> {
    let name = |summary: &Summary| summary.cell.strategy.0.split(',').next().unwrap_or_default().to_owned();
    let leveled = summaries
        .iter()
        .filter(|summary| name(summary) == "leveled" && !summary.cell.strategy.0.contains("ratio="));
    let ratios = leveled.flat_map(|leveled| {
        let is_pair = |other: &&Summary| {
            name(other) == "size-tiered"
                && Cell { strategy: leveled.cell.strategy.clone(), ..other.cell.clone() } == leveled.cell
        };
        let write = |summary: &Summary| {
            summary.spread(|row| row.amplification.table_write).map_or(f64::NAN, |spread| spread.median)
        };
        summaries.iter().filter(is_pair).map(move |tiered| write(leveled) / write(tiered))
    });
    ratios.filter(|ratio| ratio.is_finite()).min_by(f64::total_cmp)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn medians_have_their_least_and_most() {
        let spread = Spread::of(vec![3.0, 1.0, 2.0]).unwrap();
        assert_eq!(spread, Spread { median: 2.0, min: 1.0, max: 3.0, count: 3 });
        assert_eq!(Spread::of(vec![1.0, 2.0]), Some(Spread { median: 1.5, min: 1.0, max: 2.0, count: 2 }));
        assert_eq!(Spread::of(Vec::new()), None);
        assert!(spread.holds(1.0) && spread.holds(2.5) && !spread.holds(3.1));
    }

    #[test]
    fn every_cell_comes_once_with_all_its_rows() {
        let mut results = Results::parse(fixture::TEXT).unwrap();
        // A row that is there twice counts once.
        results.rows.push(results.rows[0].clone());
        let summaries = summaries(&results);
        assert_eq!(summaries.len(), 4);
        assert!(summaries.iter().all(|summary| summary.rows.len() == 3));
        assert_eq!(axes(&summaries), ["strategy", "compression"]);
        assert_eq!(by_workload(&summaries).len(), 1);
    }

    #[test]
    fn sizes_come_in_their_order() {
        let results = Results::parse(fixture::TEXT).unwrap();
        let mut rows = Vec::new();
        for keys in [160_000, 20_000, 4_000] {
            let mut row = results.rows[0].clone();
            row.cell.keys = keys;
            rows.push(row);
        }
        let summaries = summaries(&Results { rows, ..results });
        assert!(summaries.is_sorted_by_key(|summary| summary.cell.keys) && summaries.len() == 3);
    }

    #[test]
    fn differences_within_the_noise_are_no_differences() {
        let spread = |values: &[f64]| Spread::of(values.to_vec()).unwrap();
        let best = spread(&[9.0, 10.0, 11.0]);
        assert_eq!(standing(&best, &best), Standing::Best);
        assert_eq!(standing(&spread(&[7.0, 8.0, 9.5]), &best), Standing::Noise);
        assert_eq!(standing(&spread(&[4.0, 5.0, 6.0]), &best), Standing::Behind(0.5));
        assert_eq!(standing(&spread(&[5.0]), &best), Standing::Unknown(0.5));
        assert_eq!(Standing::Unknown(0.5).to_string(), "0.50?");
    }

    #[test]
    fn leveled_is_held_against_size_tiered_of_the_same_cell() {
        let mut summaries = summaries(&Results::parse(fixture::TEXT).unwrap());
        for summary in &mut summaries {
            let leveled = summary.cell.strategy.0.starts_with("leveled");
            let lz4 = summary.cell.compression.0 == "lz4";
            for row in &mut summary.rows {
                row.amplification.table_write = Some(if leveled && lz4 {
                    6.0
                } else if leveled {
                    4.0
                } else {
                    2.0
                });
            }
        }
        assert_eq!(leveled_over_size_tiered(&summaries), Some(2.0));
        assert_eq!(leveled_over_size_tiered(&summaries[..1]), None);
    }
}
