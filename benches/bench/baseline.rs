//! Compares a run with an earlier one, cell by cell and workload by workload, and tells regressions from noise.

use siltstone_benches::{cell::label, row::Row, units::number};

use crate::{
    metrics::short,
    noise::{Evidence, Noise, mean},
    summary::{self, Spread, Summary},
    terminal::aligned,
};

/// What is compared.
struct Compared {
    name: &'static str,
    value: fn(&Row) -> Option<f64>,
    /// Whether more of it is better.
    more_is_better: bool,
    /// What of the machine's own speed it depends on, if on any.
    pace: Option<fn(&Row) -> f64>,
}

/// Other work takes processors away.
const WITH_WAITING: Option<fn(&Row) -> f64> = Some(|row| row.pace.mean_mb_s);
/// Other work only makes them slower.
const WITHOUT_WAITING: Option<fn(&Row) -> f64> = Some(|row| row.pace.median_mb_s);

const COMPARED: &[Compared] = &[
    Compared {
        name: "undisturbed/s",
        value: |row| Some(undisturbed(row, 0.0)),
        more_is_better: true,
        pace: WITHOUT_WAITING,
    },
    Compared {
        name: "settled/s",
        value: |row| Some(undisturbed(row, row.settling_seconds)),
        more_is_better: true,
        pace: WITH_WAITING,
    },
    Compared {
        name: "p50 µs",
        value: |row| Some(row.latency_us.p50),
        more_is_better: false,
        pace: WITHOUT_WAITING,
    },
    Compared {
        name: "cpu µs", value: |row| Some(cpu_us(row)), more_is_better: false, pace: WITHOUT_WAITING
    },
    Compared {
        name: "table amp",
        value: |row| row.amplification.table_write,
        more_is_better: false,
        pace: None,
    },
];

/// Operations in a second of the time in which the threads did not wait for a processor: other work takes processors away for longer in one run than in another, and that is not the
/// engine's. With the time that comes on top of the workload's.
fn undisturbed(row: &Row, further_seconds: f64) -> f64 {
    number(row.operations) / (row.seconds * (1.0 - row.waited_share.min(0.99)) + further_seconds).max(1e-9)
}

/// Of all threads, for each operation.
fn cpu_us(row: &Row) -> f64 {
    (row.cpu_user_seconds + row.cpu_system_seconds) * 1e6 / number(row.operations.max(1))
}

/// What a difference is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// Worse, beyond noise and threshold.
    Regression,
    /// It would be one, but there are too few repetitions to know the noise.
    Suspect,
    /// Better, in the same sense.
    Improvement,
    /// Neither.
    Same,
}

/// One figure of one cell in both runs, or of all cells of a workload together.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Change {
    /// The cell, or the workload.
    pub(crate) of: String,
    pub(crate) name: &'static str,
    /// Before and after; a workload has none.
    pub(crate) spreads: Option<(Spread, Spread)>,
    /// By how much it is worse, as a share of what it was before; negative when it is better.
    pub(crate) worse_by: f64,
    pub(crate) verdict: Verdict,
}

/// What became of a run since another one.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Comparison {
    pub(crate) changes: Vec<Change>,
    /// Cells that both runs have.
    cells: usize,
    /// By which share a figure must be worse, at least.
    threshold: f64,
    /// By which share the machine itself became slower, as the same loop in both runs says: with the time in which it waited for a processor, and without. Negative when it
    /// became faster.
    machine_slower_by: [f64; 2],
    /// Workload, figure, and the share from which on a difference of the whole workload is not taken for chance.
    seen_from: Vec<(String, &'static str, f64)>,
}

/// Every figure of every cell that both runs have. The threshold is a share.
pub(crate) fn compare(before: &[Summary], after: &[Summary], threshold: f64) -> Comparison {
    let axes = summary::axes(after);
    let paces = [WITH_WAITING, WITHOUT_WAITING];
    let machine_slower_by = paces.map(|pace| slower_by(pace, before, after));
    let mut comparison =
        Comparison { changes: Vec::new(), cells: 0, threshold, machine_slower_by, seen_from: Vec::new() };
    for (workload, group) in summary::by_workload(after) {
        let in_both =
            group.iter().filter_map(|new| before.iter().find(|old| old.cell == new.cell).zip(Some(*new)));
        let pairs: Vec<(&Summary, &Summary)> = in_both.collect();
        let names: Vec<String> = pairs.iter().map(|(_, new)| label(&new.cell, &axes, &[])).collect();
        comparison.cells += pairs.len();
        for compared in COMPARED {
            let noise = Noise::of(pairs.iter().flat_map(|(old, new)| [*old, *new]), compared.value);
            let machine = slower_by(compared.pace, before, after).abs();
            let mut differences = Vec::new();
            for ((old, new), name) in pairs.iter().zip(&names) {
                let spread = |summary: &Summary| summary.spread(compared.value);
                let (Some(old), Some(spread)) = (spread(old), spread(new)) else { continue };
                if old.median > 0.0 && spread.median > 0.0 {
                    differences.push((spread.median / old.median).ln());
                    comparison.note_cell((compared, machine), name.clone(), (old, spread), &noise);
                }
            }
            comparison.note_workload((compared, machine), &workload, &differences, &noise, &pairs);
        }
    }
    comparison
}

/// By the medians of all cells that tell; 0 when they do not.
fn slower_by(pace: Option<fn(&Row) -> f64>, before: &[Summary], after: &[Summary]) -> f64 {
    let Some(pace) = pace else { return 0.0 };
    let median = |summaries: &[Summary]| {
        let rows = summaries.iter().flat_map(|summary| &summary.rows);
        Spread::of(rows.map(pace).filter(|pace| *pace > 0.0).collect())
    };
    median(before).zip(median(after)).map_or(0.0, |(before, after)| 1.0 - after.median / before.median)
}

impl Comparison {
    fn note_cell(
        &mut self,
        compared: (&Compared, f64),
        of: String,
        spreads: (Spread, Spread),
        noise: &Noise,
    ) {
        let (before, after) = spreads;
        let difference = (after.median / before.median).ln();
        // One cell may be noisier than the others of its workload.
        let is_apart = !before.holds(after.median) && !after.holds(before.median);
        let evidence =
            if is_apart { noise.judge(difference, before.count, after.count) } else { Evidence::Chance };
        self.note(compared, of, Some(spreads), difference, evidence);
    }

    /// What all cells of a workload have in common is seen where one cell alone is too noisy.
    fn note_workload(
        &mut self,
        compared: (&Compared, f64),
        workload: &str,
        differences: &[f64],
        noise: &Noise,
        pairs: &[(&Summary, &Summary)],
    ) {
        if differences.len() < 2 {
            return;
        }
        let repeats = pairs.iter().map(|(old, new)| old.rows.len().min(new.rows.len())).min().unwrap_or(1);
        let evidence = noise.judge_mean(differences, repeats);
        self.seen_from.push((workload.to_owned(), compared.0.name, noise.seen_from(differences, repeats)));
        let of = format!("{workload}, {} cells", differences.len());
        self.note(compared, of, None, mean(differences), evidence);
    }

    fn note(
        &mut self,
        (compared, machine): (&Compared, f64),
        of: String,
        spreads: Option<(Spread, Spread)>,
        difference: f64,
        evidence: Evidence,
    ) {
        let grown = difference.exp() - 1.0;
        let worse_by = if compared.more_is_better { -grown } else { grown };
        // What the machine lost or won is not the engine's.
        let least = self.threshold + machine;
        let verdict = match evidence {
            _ if worse_by.abs() <= least => Verdict::Same,
            Evidence::Chance => Verdict::Same,
            Evidence::Real if worse_by < 0.0 => Verdict::Improvement,
            Evidence::Real => Verdict::Regression,
            Evidence::Unknown if worse_by < 0.0 => Verdict::Same,
            Evidence::Unknown => Verdict::Suspect,
        };
        self.changes.push(Change { of, name: compared.name, spreads, worse_by, verdict });
    }

    /// How small a difference could have been seen, by workload.
    fn sensitivity(&self) -> String {
        let mut lines: Vec<(&str, Vec<String>)> = Vec::new();
        for (workload, name, share) in &self.seen_from {
            let words = format!("{name} {:.0} %", share * 100.0);
            match lines.last_mut() {
                Some((last, figures)) if last == workload => figures.push(words),
                _ => lines.push((workload, vec![words])),
            }
        }
        let line = |(workload, figures): (&str, Vec<String>)| {
            format!("{workload}, all cells: chance makes up to {}\n", figures.join(", "))
        };
        lines.into_iter().map(line).collect()
    }

    /// Whether anything became worse.
    pub(crate) fn has_regressed(&self) -> bool {
        self.count(Verdict::Regression) > 0
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.changes.iter().filter(|change| change.verdict == verdict).count()
    }

    /// All that is not the same, in lines.
    pub(crate) fn describe(&self) -> String {
        let is_shown = |change: &&Change| change.verdict != Verdict::Same;
        let lines: Vec<Vec<String>> = self.changes.iter().filter(is_shown).map(line).collect();
        aligned(&lines)
            + &format!(
                "{} cells compared: {} regressions, {} suspects (too few repetitions to know the noise), {} improvements; beyond {:.0} % and four times what chance does\n\
                 the machine itself was {}, in a loop that is the same in both runs, and {} without the time in which it waited for a processor\n",
                self.cells,
                self.count(Verdict::Regression),
                self.count(Verdict::Suspect),
                self.count(Verdict::Improvement),
                self.threshold * 100.0,
                slower(self.machine_slower_by[0]),
                slower(self.machine_slower_by[1]),
            )
            + &self.sensitivity()
    }
}

fn slower(share: f64) -> String {
    format!("{:.1} % {} than before", share.abs() * 100.0, if share > 0.0 { "slower" } else { "faster" })
}

fn line(change: &Change) -> Vec<String> {
    let verdict = match change.verdict {
        Verdict::Regression => "REGRESSION",
        Verdict::Suspect => "suspect",
        Verdict::Improvement => "better",
        Verdict::Same => "",
    };
    let figure =
        |spread: Spread| format!("{} ({} to {})", short(spread.median), short(spread.min), short(spread.max));
    let (before, after) =
        change.spreads.map(|(before, after)| (figure(before), figure(after))).unwrap_or_default();
    vec![
        change.of.clone(),
        change.name.to_owned(),
        before,
        after,
        format!("{:+.1} % worse", change.worse_by * 100.0),
        verdict.to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use siltstone_testkit::Rng;

    use super::*;
    use crate::{fixture, results::Results};

    fn summaries() -> Vec<Summary> {
        summary::summaries(&Results::parse(fixture::TEXT).unwrap())
    }

    /// A run of one build: cells of one workload, whose figures differ from their true ones by chance.
    fn simulated(rng: &mut Rng, cells: u32, repeats: u32, noise: f64, speed: f64) -> Vec<Summary> {
        let (first, mut run) = (fixture::row(), Vec::new());
        for keys in 1..=cells {
            let mut cell = first.cell.clone();
            cell.keys = keys;
            let rows = (0..repeats).map(|repeat| {
                let mut row = Row { cell: cell.clone(), repeat, ..first.clone() };
                row.seconds = (noise * normal(rng)).exp() / speed;
                row.settling_seconds = 0.0;
                row.cpu_user_seconds = (noise * normal(rng)).exp() / speed;
                row.latency_us.p50 = (noise * normal(rng)).exp() / speed;
                row
            });
            run.push(Summary { rows: rows.collect(), cell });
        }
        run
    }

    /// The sum of twelve uniform numbers is nearly normal.
    fn normal(rng: &mut Rng) -> f64 {
        (0..12)
            .map(|_| f64::from(u32::try_from(rng.next_u64() >> 32).unwrap()) / 4_294_967_296.0)
            .sum::<f64>()
            - 6.0
    }

    /// In how many of a hundred comparisons anything is flagged.
    fn flagged(cells: u32, repeats: u32, noise: f64, speed: f64) -> usize {
        let mut rng = Rng::new(7);
        let run = |_: &usize| {
            let before = simulated(&mut rng, cells, repeats, noise, 1.0);
            compare(&before, &simulated(&mut rng, cells, repeats, noise, speed), 0.1).has_regressed()
        };
        (0..100).filter(run).count()
    }

    #[test]
    fn a_run_is_no_regression_of_itself() {
        let comparison = compare(&summaries(), &summaries(), 0.1);
        assert_eq!(comparison.changes.len(), (4 + 1) * COMPARED.len());
        assert!(comparison.changes.iter().all(|change| change.verdict == Verdict::Same));
    }

    #[test]
    fn two_runs_of_one_build_are_the_same_however_noisy() {
        for noise in [0.01, 0.1, 0.4] {
            for (cells, repeats) in [(12, 2), (4, 3)] {
                let flagged = flagged(cells, repeats, noise, 1.0);
                assert!(flagged <= 1, "noise {noise}, {cells} cells, {repeats} repetitions: {flagged}");
            }
        }
    }

    #[test]
    fn a_slowdown_is_seen_through_the_noise() {
        assert_eq!(flagged(12, 2, 0.1, 0.7), 100, "30 % with a noise of 10 %");
        assert!(flagged(12, 2, 0.05, 0.8) >= 95, "20 % with a noise of 5 %");
        assert!(flagged(12, 3, 0.03, 0.85) >= 95, "15 % with a noise of 3 %");
        assert!(flagged(12, 2, 0.02, 0.87) >= 95, "13 % with a noise of 2 %");
        assert_eq!(flagged(12, 2, 0.01, 0.95), 0, "5 % are below the threshold");
    }

    #[test]
    fn one_cell_that_is_slower_is_named() {
        let mut rng = Rng::new(1);
        let before = simulated(&mut rng, 6, 3, 0.02, 1.0);
        let mut after = simulated(&mut rng, 6, 3, 0.02, 1.0);
        after[2].rows.iter_mut().for_each(|row| row.latency_us.p50 /= 0.7);
        let comparison = compare(&before, &after, 0.1);
        let flagged: Vec<&Change> =
            comparison.changes.iter().filter(|change| change.verdict == Verdict::Regression).collect();
        assert_eq!(flagged.len(), 1, "{flagged:?}");
        assert!(flagged[0].of.contains("keys 3") && flagged[0].name == "p50 µs");
        assert!(
            comparison.describe().contains("1 regressions") && comparison.describe().contains("REGRESSION")
        );
        let back = compare(&after, &before, 0.1);
        assert!(!back.has_regressed() && back.count(Verdict::Improvement) == 1);
    }

    #[test]
    fn what_the_machine_lost_is_not_the_engines() {
        let mut rng = Rng::new(2);
        let before = simulated(&mut rng, 12, 2, 0.02, 1.0);
        let mut after = simulated(&mut rng, 12, 2, 0.02, 0.8);
        assert!(compare(&before, &after, 0.1).has_regressed());
        for row in after.iter_mut().flat_map(|one| &mut one.rows) {
            row.pace.mean_mb_s *= 0.8;
            row.pace.median_mb_s *= 0.8;
        }
        let comparison = compare(&before, &after, 0.1);
        assert!(!comparison.has_regressed());
        assert!(comparison.describe().contains("20.0 % slower"), "{}", comparison.describe());
        assert!(comparison.describe().contains("fillrandom, all cells: chance makes up to undisturbed/s "));
    }

    #[test]
    fn time_without_a_processor_is_not_the_engines_either() {
        let mut rng = Rng::new(4);
        let before = simulated(&mut rng, 12, 2, 0.02, 1.0);
        let mut after = simulated(&mut rng, 12, 2, 0.02, 1.0);
        let rows = after.iter_mut().flat_map(|one| &mut one.rows);
        rows.for_each(|row| row.seconds *= 3.0);
        assert!(compare(&before, &after, 0.1).has_regressed());
        let rows = after.iter_mut().flat_map(|one| &mut one.rows);
        rows.for_each(|row| row.waited_share = 2.0 / 3.0);
        assert!(!compare(&before, &after, 0.1).has_regressed());
    }

    #[test]
    fn without_repetitions_there_are_suspects_at_most() {
        let mut rng = Rng::new(3);
        let before = simulated(&mut rng, 12, 1, 0.02, 1.0);
        let comparison = compare(&before, &simulated(&mut rng, 12, 1, 0.02, 0.7), 0.1);
        assert!(!comparison.has_regressed() && comparison.count(Verdict::Suspect) > 0);
    }
}
