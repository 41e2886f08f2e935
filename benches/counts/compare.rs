//! Holds counts against the baseline: which paths take more than they may, and whether that can be said at all.

use crate::{baseline::Baseline, callgrind::Count, conditions::Conditions};

/// What became of a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// Within the tolerance, above or below.
    Same,
    /// More than the tolerance above.
    Above,
    /// More than the tolerance below: the baseline should follow.
    Below,
    /// The baseline does not have it.
    New,
}

impl Verdict {
    /// For tables and JSON.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Verdict::Same => "same",
            Verdict::Above => "above",
            Verdict::Below => "below",
            Verdict::New => "new",
        }
    }
}

/// A path beside its baseline.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Compared {
    pub(crate) count: Count,
    pub(crate) baseline: Option<f64>,
    pub(crate) verdict: Verdict,
}

impl Compared {
    /// By how many percent it is above the baseline.
    pub(crate) fn percent(&self) -> Option<f64> {
        self.baseline.map(|baseline| (self.count.each() / baseline - 1.0) * 100.0)
    }
}

/// All of them.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Comparison {
    pub(crate) paths: Vec<Compared>,
    /// Paths of the baseline that do not exist.
    pub(crate) gone: Vec<String>,
    /// What differs in the conditions. With any of it the paths are compared, and nothing is decided.
    pub(crate) differences: Vec<String>,
}

impl Comparison {
    /// Whether nothing has to be done about it.
    pub(crate) fn is_well(&self) -> bool {
        let is_well = |path: &Compared| matches!(path.verdict, Verdict::Same | Verdict::Below);
        !self.differences.is_empty() || (self.gone.is_empty() && self.paths.iter().all(is_well))
    }

    /// Whether the baseline should follow, though nothing is wrong.
    pub(crate) fn should_be_blessed(&self) -> bool {
        !self.differences.is_empty() || self.paths.iter().any(|path| path.verdict == Verdict::Below)
    }
}

/// Whether all paths were counted, or only some.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Extent {
    All,
    Some,
}

/// Compares what was counted with the baseline.
pub(crate) fn compare(
    counts: &[Count],
    conditions: &Conditions,
    baseline: &Baseline,
    extent: Extent,
) -> Comparison {
    let of_path = |count: &Count| {
        let of_baseline = baseline.paths.get(count.name).copied();
        Compared {
            verdict: verdict(count.each(), of_baseline, baseline.tolerance_percent),
            count: count.clone(),
            baseline: of_baseline,
        }
    };
    let is_gone =
        |name: &&String| extent == Extent::All && counts.iter().all(|count| count.name != name.as_str());
    Comparison {
        paths: counts.iter().map(of_path).collect(),
        gone: baseline.paths.keys().filter(is_gone).cloned().collect(),
        differences: conditions.differences(&baseline.conditions),
    }
}

fn verdict(each: f64, baseline: Option<f64>, tolerance_percent: f64) -> Verdict {
    let Some(baseline) = baseline else { return Verdict::New };
    if each > baseline * (1.0 + tolerance_percent / 100.0) {
        Verdict::Above
    } else if each < baseline * (1.0 - tolerance_percent / 100.0) {
        Verdict::Below
    } else {
        Verdict::Same
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::counted::Done;

    pub(crate) fn conditions() -> Conditions {
        Conditions {
            rustc: "rustc 1.95.0".to_owned(),
            target: "x86_64-unknown-linux-gnu".to_owned(),
            features: vec!["avx".to_owned()],
            c_library: "ldd 2.36".to_owned(),
            valgrind: "valgrind-3.19.0".to_owned(),
        }
    }

    fn count(name: &'static str, instructions: u64) -> Count {
        let done = Done { operations: 10, features: Vec::new() };
        Count { name, about: "an operation", instructions, done }
    }

    pub(crate) fn counts() -> Vec<Count> {
        vec![count("put", 20_400), count("get", 8_000), count("seek", 4_000)]
    }

    /// Ten operations of 2,000, 800 and 400 instructions, and a tolerance of 2 %.
    pub(crate) fn baseline() -> Baseline {
        let mut baseline = Baseline::new(2.0, conditions(), &counts());
        baseline.paths.insert("put".to_owned(), 2_000.0);
        baseline
    }

    fn verdicts(counts: &[Count], baseline: &Baseline) -> (Vec<&'static str>, bool, bool) {
        let comparison = compare(counts, &conditions(), baseline, Extent::All);
        let words = comparison.paths.iter().map(|path| path.verdict.word()).collect();
        (words, comparison.is_well(), comparison.should_be_blessed())
    }

    #[test]
    fn only_more_than_the_tolerance_fails() {
        assert_eq!(verdicts(&counts(), &baseline()), (vec!["same"; 3], true, false), "2 % are tolerated");
        let more = [count("put", 20_401), count("get", 8_000), count("seek", 4_000)];
        assert_eq!(verdicts(&more, &baseline()), (vec!["above", "same", "same"], false, false));
        let less = [count("put", 19_599), count("get", 8_000), count("seek", 4_000)];
        assert_eq!(verdicts(&less, &baseline()), (vec!["below", "same", "same"], true, true));
        let percent = compare(&more, &conditions(), &baseline(), Extent::All).paths[0].percent().unwrap();
        assert!((percent - 2.005).abs() < 1e-9, "{percent}");
    }

    #[test]
    fn paths_that_only_one_side_has_fail() {
        let mut one_less = baseline();
        one_less.paths.remove("get");
        assert_eq!(verdicts(&counts(), &one_less), (vec!["same", "new", "same"], false, false));
        let mut one_more = baseline();
        one_more.paths.insert("scan".to_owned(), 5.0);
        assert!(!verdicts(&counts(), &one_more).1);
        let of_some = compare(&counts()[..1], &conditions(), &one_more, Extent::Some);
        assert!(of_some.is_well() && of_some.gone.is_empty());
    }

    #[test]
    fn under_other_conditions_nothing_is_decided() {
        let other = Conditions { rustc: "rustc 1.96.0".to_owned(), ..conditions() };
        let comparison = compare(&[count("put", 90_000)], &other, &baseline(), Extent::All);
        assert_eq!(comparison.paths[0].verdict, Verdict::Above, "it is still shown");
        assert!(comparison.is_well() && comparison.should_be_blessed());
        assert_eq!(comparison.differences.len(), 1);
    }
}
