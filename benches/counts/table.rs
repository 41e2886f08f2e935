//! Prints counts as a table, and in words what they mean.

use std::fmt::Write as _;

use crate::{
    baseline::Baseline,
    callgrind::Count,
    compare::{Compared, Comparison, Verdict},
};

/// The counts alone.
pub(crate) fn counts(counts: &[Count]) -> String {
    let mut text = format!("{:<20}{:>14}  an operation is\n", "path", "instructions");
    for count in counts {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:<20}{:>14}  {}", count.name, each(count.each()), count.about);
    }
    text
}

/// The counts beside the baseline.
pub(crate) fn comparison(comparison: &Comparison, baseline: &Baseline) -> String {
    let mut text = format!(
        "{:<20}{:>14}{:>12}{:>12}  an operation is\n",
        "path", "instructions", "baseline", "difference"
    );
    for path in &comparison.paths {
        let percent = path.percent().map_or_else(|| "new".to_owned(), |percent| format!("{percent:+.2} %"));
        let _ = writeln!(
            text,
            "{:<20}{:>14}{:>12}{percent:>12}  {}{}",
            path.count.name,
            each(path.count.each()),
            path.baseline.map(each).unwrap_or_default(),
            path.count.about,
            mark(path)
        );
    }
    text + &words(comparison, baseline)
}

/// With fewer digits the larger it is: hundredths of an instruction decide only where there are few.
fn each(instructions: f64) -> String {
    if instructions < 1000.0 { format!("{instructions:.1}") } else { format!("{instructions:.0}") }
}

fn mark(path: &Compared) -> &'static str {
    match path.verdict {
        Verdict::Same => "",
        Verdict::Above => "  <- above",
        Verdict::Below => "  <- below",
        Verdict::New => "  <- not in the baseline",
    }
}

fn words(comparison: &Comparison, baseline: &Baseline) -> String {
    let mut text = String::new();
    let of = |verdict| comparison.paths.iter().filter(move |path| path.verdict == verdict).count();
    for name in &comparison.gone {
        let _ = writeln!(text, "the baseline has `{name}`, and there is no such path");
    }
    for (verdict, side) in [(Verdict::Above, "above"), (Verdict::Below, "below")] {
        if of(verdict) > 0 {
            let (paths, percent) = (paths(of(verdict)), baseline.tolerance_percent);
            let _ = writeln!(text, "{paths} {side} the baseline by more than {percent} %");
        }
    }
    if of(Verdict::New) > 0 {
        let _ = writeln!(text, "{} not in the baseline", paths(of(Verdict::New)));
    }
    if !comparison.differences.is_empty() {
        text +=
            "the baseline was made under other conditions, so that differences are shown and fail nothing:\n";
        for difference in &comparison.differences {
            let _ = writeln!(text, "  {difference}");
        }
    }
    if comparison.should_be_blessed() || !comparison.is_well() {
        text +=
            "`cargo xtask bench --counts --bless` makes what was counted the baseline, where that is right\n";
    }
    text
}

fn paths(count: usize) -> String {
    if count == 1 { "1 path is".to_owned() } else { format!("{count} paths are") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        compare::{self, Extent, tests as fixture},
        conditions::Conditions,
    };

    #[test]
    fn differences_stand_beside_the_baseline_and_in_words() {
        let mut baseline = fixture::baseline();
        baseline.paths.insert("get".to_owned(), 700.0);
        baseline.paths.remove("seek");
        let conditions = fixture::conditions();
        let compared = compare::compare(&fixture::counts(), &conditions, &baseline, Extent::All);
        let text = comparison(&compared, &baseline);
        for line in [
            "put                           2040        2000     +2.00 %  an operation\n",
            "get                          800.0       700.0    +14.29 %  an operation  <- above\n",
            "seek                         400.0                     new  an operation  <- not in the baseline\n",
            "1 path is above the baseline by more than 2 %\n",
            "1 path is not in the baseline\n",
            "--bless",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }

    #[test]
    fn nothing_is_said_where_nothing_is_to_be_done() {
        let (baseline, conditions) = (fixture::baseline(), fixture::conditions());
        let compared = compare::compare(&fixture::counts(), &conditions, &baseline, Extent::All);
        assert_eq!(comparison(&compared, &baseline).lines().count(), 4);
        let other = Conditions { valgrind: "valgrind-3.24.0".to_owned(), ..conditions };
        let compared = compare::compare(&fixture::counts(), &other, &baseline, Extent::All);
        let text = comparison(&compared, &baseline);
        assert!(text.contains("other conditions") && text.contains("`valgrind-3.24.0` now"), "{text}");
    }
}
