//! Advice in words: the tables of figures, what is recommended, why, and what it costs.

use std::fmt::Write as _;

use crate::{
    candidates::Candidate,
    choose::Source,
    goal::{Figures, Goal, Metric, distances},
};

/// A candidate and what is known of it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Tried {
    pub(crate) candidate: Candidate,
    /// With the sizes of the large tree.
    pub(crate) name: String,
    pub(crate) simulated: Figures,
    /// Of those that were measured.
    pub(crate) measured: Option<Figures>,
}

/// One line for each candidate, with a column for each figure that any of them has.
pub(crate) fn table<'a>(rows: impl Iterator<Item = (&'a str, &'a Figures)>) -> String {
    let rows: Vec<(&str, &Figures)> = rows.collect();
    let has = |metric: &Metric| rows.iter().any(|(_, figures)| figures.contains_key(metric));
    let metrics: Vec<Metric> = Metric::ALL.into_iter().filter(has).collect();
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0).max("strategy".len());
    let mut text = format!("{:<width$}", "strategy");
    // Writing to a String cannot fail.
    for metric in &metrics {
        let _ = write!(text, "{:>14}", metric.head());
    }
    text += "\n";
    for (name, figures) in rows {
        let _ = write!(text, "{name:<width$}");
        for metric in &metrics {
            let _ = write!(text, "{:>14}", shown(*metric, figures));
        }
        text += "\n";
    }
    text
}

fn shown(metric: Metric, figures: &Figures) -> String {
    figures.get(&metric).map_or_else(|| "-".to_owned(), |value| metric.show(*value))
}

/// Why the first of these was chosen, and what it costs.
///
/// `tried` is in the order of the ranking; the default is among them.
pub(crate) fn reasons(goal: Goal, tried: &[Tried], default: Candidate) -> String {
    let Some((chosen, _)) = tried.split_first() else { return String::new() };
    let mut text = format!("recommended for {}: {}\n", goal.words(), chosen.name);
    let _ = writeln!(text, "  {}", chosen.candidate.about());
    let _ = writeln!(text, "why:");
    for line in comparisons(goal, tried, default) {
        let _ = writeln!(text, "  {line}");
    }
    let _ = writeln!(text, "what it costs:");
    let others = Goal::ALL.into_iter().filter(|other| *other != goal);
    for line in others.flat_map(|other| comparisons(other, tried, default)) {
        let _ = writeln!(text, "  {line}");
    }
    text
}

/// How the chosen one stands in what speaks for a goal, beside the best and the default; simulated first, then measured.
fn comparisons(goal: Goal, tried: &[Tried], default: Candidate) -> Vec<String> {
    let simulated: Vec<(&Tried, &Figures)> = tried.iter().map(|tried| (tried, &tried.simulated)).collect();
    let measured: Vec<(&Tried, &Figures)> =
        tried.iter().filter_map(|tried| Some((tried, tried.measured.as_ref()?))).collect();
    let mut lines = Vec::new();
    for (source, all) in [(Source::Simulated, simulated), (Source::Measured, measured)] {
        let figures: Vec<Figures> = all.iter().map(|(_, figures)| (*figures).clone()).collect();
        let Some(distances) = distances(goal, &figures) else { continue };
        let nearest = (0..all.len()).min_by(|one, other| distances[*one].total_cmp(&distances[*other]));
        let (Some(at), Some((chosen, of_chosen))) = (nearest, all.first().copied()) else { continue };
        let best = all[at];
        let mut line = format!("{} ({}): {}", goal.words(), source.word(), of(goal, of_chosen));
        let farthest = distances.iter().copied().fold(1.0, f64::max);
        if all.len() > 1 && source.is_same(farthest, distances[at]) {
            let _ = write!(line, "; none of {} differs by more than {} %", all.len(), source.same_percent());
            lines.push(line);
            continue;
        }
        if best.0.candidate == chosen.candidate {
            let _ = write!(line, ", the best of {}", all.len());
        } else {
            if source.is_same(distances[0], distances[at]) {
                let _ = write!(line, ", as good within {} %", source.same_percent());
            }
            let _ = write!(line, "; the best of {}, {}: {}", all.len(), best.0.name, of(goal, best.1));
        }
        let of_default = all.iter().find(|(tried, _)| tried.candidate == default);
        if let Some((_, figures)) = of_default
            && default != chosen.candidate
            && default != best.0.candidate
        {
            let _ = write!(line, "; the default: {}", of(goal, figures));
        }
        lines.push(line);
    }
    lines
}

/// The figures that speak for a goal.
fn of(goal: Goal, figures: &Figures) -> String {
    let of_goal = figures.iter().filter(|(metric, _)| metric.goal() == goal);
    let words: Vec<String> =
        of_goal.map(|(metric, value)| format!("{} {}", metric.head(), metric.show(*value))).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::candidates::CANDIDATES;

    fn tried(at: usize, write: f64, runs: f64, measured: Option<f64>) -> Tried {
        Tried {
            candidate: CANDIDATES[at],
            name: CANDIDATES[at].text(64 << 20),
            simulated: Figures::from([
                (Metric::TableWrite, write),
                (Metric::RunsRead, runs),
                (Metric::StallShare, 0.01),
            ]),
            measured: measured.map(|settled| Figures::from([(Metric::SettledPerSecond, settled)])),
        }
    }

    #[test]
    fn the_choice_is_held_against_the_best_and_the_default() {
        let all = [
            tried(4, 4.0, 6.0, Some(900.0)),
            tried(8, 6.0, 4.0, Some(800.0)),
            tried(0, 14.0, 1.5, Some(500.0)),
            tried(7, 15.0, 1.25, None),
            tried(6, 3.96, 6.5, None),
        ];
        let text = reasons(Goal::Write, &all, CANDIDATES[0]);
        for line in [
            "recommended for writing: size-tiered,runs-min=4\n",
            "writing (simulated): write amp. 4.00, as good within 3 %; the best of 5, size-tiered,runs-min=8: write amp. 3.96; the default: write amp. 14.00\n",
            "writing (measured): settled/s 900, the best of 3; the default: settled/s 500\n",
            "reading (simulated): runs read 6.00; the best of 5, lazy-leveled,ratio=3: runs read 1.25; the default: runs read 1.50\n",
        ] {
            assert!(text.contains(line), "{text}");
        }
        assert!(
            text.contains(
                "the slowest writes (simulated): stalled % 1.0; none of 5 differs by more than 3 %\n"
            ),
            "{text}"
        );
        assert!(!text.contains("space ("), "nothing is known of it: {text}");
    }

    #[test]
    fn tables_have_a_column_for_what_is_known() {
        let all = [tried(0, 14.0, 1.5, Some(500.0)), tried(4, 4.0, 6.0, None)];
        let simulated = table(all.iter().map(|tried| (tried.name.as_str(), &tried.simulated)));
        assert_eq!(simulated.lines().count(), 3);
        assert!(simulated.contains("write amp.     runs read     stalled %\n"), "{simulated}");
        assert!(!simulated.contains("settled"), "{simulated}");
    }
}
