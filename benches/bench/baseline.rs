//! Compares a run with an earlier one, cell by cell, and tells regressions from noise.

use siltstone_benches::{cell::label, row::Row};

use crate::{
    summary::{self, REPEATS_MIN, Spread, Summary},
    terminal::aligned,
};

/// What is compared.
struct Compared {
    name: &'static str,
    value: fn(&Row) -> Option<f64>,
    /// Whether more of it is better.
    more_is_better: bool,
}

const COMPARED: &[Compared] = &[
    Compared { name: "ops/s", value: |row| Some(row.per_second), more_is_better: true },
    Compared { name: "settled/s", value: |row| Some(row.settled_per_second), more_is_better: true },
    Compared { name: "table amp", value: |row| row.amplification.table_write, more_is_better: false },
];

/// What a difference is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// Worse, beyond the noise of both runs and the threshold.
    Regression,
    /// It would be one, but one of the runs has too few repetitions to know its noise.
    Suspect,
    /// Better, in the same sense.
    Improvement,
    /// Neither.
    Same,
}

/// One figure of one cell in both runs.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Change {
    pub(crate) cell: String,
    pub(crate) name: &'static str,
    pub(crate) before: Spread,
    pub(crate) after: Spread,
    /// By how much it is worse, as a share of the median before; negative when it is better.
    pub(crate) worse_by: f64,
    pub(crate) verdict: Verdict,
}

/// Every figure of every cell that both runs have. The threshold is a share.
pub(crate) fn compare(before: &[Summary], after: &[Summary], threshold: f64) -> Vec<Change> {
    let axes = summary::axes(after);
    let mut changes = Vec::new();
    for new in after {
        let Some(old) = before.iter().find(|old| old.cell == new.cell) else { continue };
        for compared in COMPARED {
            let spread = |summary: &Summary| summary.spread(compared.value);
            let (Some(before), Some(after)) = (spread(old), spread(new)) else { continue };
            let grown = if before.median > 0.0 { after.median / before.median - 1.0 } else { 0.0 };
            let worse_by = if compared.more_is_better { -grown } else { grown };
            let verdict = judge(&before, &after, worse_by, threshold);
            changes.push(Change {
                cell: label(&new.cell, &axes, &[]),
                name: compared.name,
                before,
                after,
                worse_by,
                verdict,
            });
        }
    }
    changes
}

fn judge(before: &Spread, after: &Spread, worse_by: f64, threshold: f64) -> Verdict {
    let beyond = threshold.max(before.noise()).max(after.noise());
    if worse_by.abs() <= beyond || before.overlaps(after) {
        Verdict::Same
    } else if worse_by < 0.0 {
        Verdict::Improvement
    } else if before.count.min(after.count) < REPEATS_MIN {
        Verdict::Suspect
    } else {
        Verdict::Regression
    }
}

/// All that is not the same, in lines.
pub(crate) fn describe(changes: &[Change], threshold: f64) -> String {
    let is_shown = |change: &&Change| change.verdict != Verdict::Same;
    let lines: Vec<Vec<String>> = changes.iter().filter(is_shown).map(line).collect();
    let count = |verdict: Verdict| changes.iter().filter(|change| change.verdict == verdict).count();
    let compared = changes.len() / COMPARED.len();
    aligned(&lines)
        + &format!(
            "{compared} cells compared: {} regressions, {} suspects (fewer than {REPEATS_MIN} repetitions), {} improvements; beyond {:.0} % and the noise of both runs\n",
            count(Verdict::Regression),
            count(Verdict::Suspect),
            count(Verdict::Improvement),
            threshold * 100.0,
        )
}

fn line(change: &Change) -> Vec<String> {
    let verdict = match change.verdict {
        Verdict::Regression => "REGRESSION",
        Verdict::Suspect => "suspect",
        Verdict::Improvement => "better",
        Verdict::Same => "",
    };
    let figure = |spread: &Spread| {
        let short = crate::metrics::short;
        format!("{} ({} to {})", short(spread.median), short(spread.min), short(spread.max))
    };
    vec![
        change.cell.clone(),
        change.name.to_owned(),
        figure(&change.before),
        figure(&change.after),
        format!("{:+.1} % worse", change.worse_by * 100.0),
        verdict.to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fixture, results::Results};

    fn summaries() -> Vec<Summary> {
        summary::summaries(&Results::parse(fixture::TEXT).unwrap())
    }

    /// Speeds of the first cell: three, around a number.
    fn set(summaries: &mut [Summary], speed: f64, noise: f64) {
        for (row, times) in summaries[0].rows.iter_mut().zip([1.0 - noise, 1.0, 1.0 + noise]) {
            row.per_second = speed * times;
        }
    }

    fn verdicts(before: &[Summary], after: &[Summary]) -> Vec<Verdict> {
        compare(before, after, 0.1).into_iter().map(|change| change.verdict).collect()
    }

    #[test]
    fn a_run_is_no_regression_of_itself() {
        let verdicts = verdicts(&summaries(), &summaries());
        assert_eq!(verdicts, [Verdict::Same; 12]);
    }

    #[test]
    fn a_slowdown_of_thirty_percent_is_flagged_and_nothing_else() {
        let (mut before, mut after) = (summaries(), summaries());
        set(&mut before, 100_000.0, 0.03);
        set(&mut after, 70_000.0, 0.03);
        let changes = compare(&before, &after, 0.1);
        let flagged: Vec<&Change> = changes.iter().filter(|change| change.verdict != Verdict::Same).collect();
        assert_eq!(flagged.len(), 1);
        assert_eq!((flagged[0].verdict, flagged[0].name), (Verdict::Regression, "ops/s"));
        assert!(
            describe(&changes, 0.1).contains("1 regressions")
                && describe(&changes, 0.1).contains("+30.0 % worse")
        );
        assert!(verdicts(&after, &before).contains(&Verdict::Improvement));
    }

    #[test]
    fn what_lies_within_the_noise_or_the_threshold_is_not() {
        let (mut before, mut after) = (summaries(), summaries());
        set(&mut before, 100_000.0, 0.01);
        set(&mut after, 92_000.0, 0.01);
        assert_eq!(verdicts(&before, &after), [Verdict::Same; 12], "8 % are below the threshold");
        set(&mut after, 70_000.0, 0.35);
        assert_eq!(verdicts(&before, &after), [Verdict::Same; 12], "the noise is larger than the difference");
    }

    #[test]
    fn one_repetition_makes_a_suspect_at_most() {
        let (mut before, mut after) = (summaries(), summaries());
        set(&mut before, 100_000.0, 0.01);
        set(&mut after, 70_000.0, 0.01);
        after[0].rows.truncate(1);
        assert_eq!(verdicts(&before, &after)[0], Verdict::Suspect);
    }
}
