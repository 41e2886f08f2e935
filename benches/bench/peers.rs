//! The engine beside its peers, cell by cell: ratios in which more than 1 is always in the engine's favour.

use std::fmt::Write as _;

use siltstone_benches::{
    cell::label,
    row::Row,
    stores::{PEERS, StoreName},
};

use crate::{
    summary::{self, REPEATS_MIN, Spread, Summary},
    terminal::aligned,
};

/// What is compared.
pub(crate) struct Measure {
    pub(crate) name: &'static str,
    value: fn(&Row) -> f64,
    more_is_better: bool,
}

/// One line for each.
pub(crate) const MEASURES: [Measure; 3] = [
    Measure { name: "operations a second", value: |row| row.per_second, more_is_better: true },
    Measure {
        name: "settled operations a second",
        value: |row| row.settled_per_second,
        more_is_better: true,
    },
    Measure { name: "latency at p99", value: |row| row.latency_us.p99, more_is_better: false },
];

/// How a cell of the engine compares with the same of a peer.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Ratio {
    pub(crate) peer: StoreName,
    /// How many times as good the engine is.
    pub(crate) value: f64,
    pub(crate) verdict: Verdict,
    /// In the unit of the measure.
    pub(crate) ours: Spread,
    pub(crate) theirs: Spread,
}

/// What a ratio is worth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// The engine's repetitions were all better.
    Won,
    /// The peer's were.
    Lost,
    /// Some of one were as good as some of the other.
    Noise,
    /// There are too few to tell.
    Unknown,
}

/// A cell of the engine, with its ratios to all peers that have the same.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Line {
    pub(crate) matrix: String,
    pub(crate) label: String,
    pub(crate) ratios: Vec<Ratio>,
}

/// The peers that there are cells of.
pub(crate) fn peers(summaries: &[Summary]) -> Vec<StoreName> {
    let is_there = |peer: &StoreName| summaries.iter().any(|summary| summary.cell.store == *peer);
    PEERS.into_iter().filter(is_there).collect()
}

/// All cells of the engine that some peer has too.
pub(crate) fn lines(summaries: &[Summary], measure: &Measure) -> Vec<Line> {
    let axes = summary::axes(summaries);
    let peers = peers(summaries);
    let own = summaries.iter().filter(|summary| summary.cell.store == StoreName::Siltstone);
    let line = |own: &Summary| {
        let ratio = |peer: &StoreName| ratio(own, summaries, *peer, measure);
        let ratios: Vec<Ratio> = peers.iter().filter_map(ratio).collect();
        let label = label(&own.cell, &axes, &["store"]);
        (!ratios.is_empty()).then(|| Line { matrix: own.cell.matrix.clone(), label, ratios })
    };
    own.filter_map(line).collect()
}

fn ratio(own: &Summary, summaries: &[Summary], peer: StoreName, measure: &Measure) -> Option<Ratio> {
    let cell = peer.cell(&own.cell).ok()?;
    let other = summaries.iter().find(|summary| summary.cell == cell)?;
    let spread = |summary: &Summary| summary.spread(|row| Some((measure.value)(row)));
    let (ours, theirs) = (spread(own)?, spread(other)?);
    let (more, less) = if measure.more_is_better { (&ours, &theirs) } else { (&theirs, &ours) };
    if less.median <= 0.0 {
        return None;
    }
    let value = more.median / less.median;
    let verdict = if ours.count.min(theirs.count) < REPEATS_MIN {
        Verdict::Unknown
    } else if ours.overlaps(&theirs) {
        Verdict::Noise
    } else if value > 1.0 {
        Verdict::Won
    } else {
        Verdict::Lost
    };
    Some(Ratio { peer, value, verdict, ours, theirs })
}

impl std::fmt::Display for Ratio {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.verdict {
            Verdict::Won | Verdict::Lost => write!(formatter, "{:.2}", self.value),
            Verdict::Noise => write!(formatter, "≈ {:.2}", self.value),
            Verdict::Unknown => write!(formatter, "{:.2}?", self.value),
        }
    }
}

/// How many cells were won, lost and neither against a peer.
pub(crate) fn count(lines: &[Line], peer: StoreName, verdict: Verdict) -> usize {
    let ratios = lines.iter().flat_map(|line| &line.ratios);
    ratios.filter(|ratio| ratio.peer == peer && ratio.verdict == verdict).count()
}

/// The score in words: losses first.
pub(crate) fn score(lines: &[Line], peer: StoreName) -> String {
    let count = |verdict| count(lines, peer, verdict);
    format!(
        "{} behind, {} ahead, {} within the noise, {} with too few repetitions to know",
        count(Verdict::Lost),
        count(Verdict::Won),
        count(Verdict::Noise),
        count(Verdict::Unknown)
    )
}

/// The ratios of operations a second for a terminal; nothing without peers.
pub(crate) fn table(summaries: &[Summary]) -> String {
    let peers = peers(summaries);
    let [measure, ..] = &MEASURES;
    let lines = lines(summaries, measure);
    if lines.is_empty() {
        return String::new();
    }
    let mut rows = vec![
        std::iter::once("siltstone / peer".to_owned())
            .chain(peers.iter().map(|peer| peer.word().to_owned()))
            .collect(),
    ];
    for line in &lines {
        let word = |peer: &StoreName| {
            let ratio = line.ratios.iter().find(|ratio| ratio.peer == *peer);
            ratio.map_or_else(|| "-".to_owned(), ToString::to_string)
        };
        rows.push(std::iter::once(line.label.clone()).chain(peers.iter().map(word)).collect::<Vec<_>>());
    }
    let mut text = aligned(&rows);
    text += "operations a second as ratios: below 1 the peer is faster; ≈ is within the noise, ? has too few repetitions to know it\n";
    for peer in peers {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "beside {}: {}", peer.word(), score(&lines, peer));
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fixture, results::Results};

    /// The fixture with a peer beside it that is so many times as fast; three repetitions of each.
    fn summaries(times: f64) -> Vec<Summary> {
        let mut results = Results::parse(fixture::TEXT).unwrap();
        for row in results.rows.clone() {
            let mut peer = row.clone();
            peer.cell = StoreName::RocksDb.cell(&row.cell).unwrap();
            peer.per_second = row.per_second * times;
            results.rows.push(peer);
        }
        summary::summaries(&results)
    }

    fn verdicts(times: f64) -> Vec<Verdict> {
        let lines = lines(&summaries(times), &MEASURES[0]);
        lines.iter().flat_map(|line| line.ratios.iter().map(|ratio| ratio.verdict)).collect()
    }

    #[test]
    fn every_strategy_is_held_against_the_one_cell_of_the_peer() {
        let lines = lines(&summaries(100.0), &MEASURES[0]);
        assert_eq!(lines.len(), 4, "{lines:?}");
        assert!(lines.iter().all(|line| line.ratios.len() == 1 && !line.label.contains("siltstone")));
        assert_eq!(peers(&summaries(1.0)), [StoreName::RocksDb]);
    }

    #[test]
    fn wins_losses_and_noise_are_told_apart() {
        assert_eq!(verdicts(100.0), [Verdict::Lost; 4]);
        assert_eq!(verdicts(0.01), [Verdict::Won; 4]);
        assert!(verdicts(1.0).contains(&Verdict::Noise));
        let mut few = summaries(100.0);
        few.iter_mut().for_each(|summary| summary.rows.truncate(2));
        let lines = lines(&few, &MEASURES[0]);
        assert!(lines.iter().all(|line| line.ratios[0].verdict == Verdict::Unknown));
    }

    #[test]
    fn less_latency_is_in_the_engines_favour() {
        let mut summaries = summaries(1.0);
        for summary in summaries.iter_mut().filter(|summary| summary.cell.store == StoreName::RocksDb) {
            summary.rows.iter_mut().for_each(|row| row.latency_us.p99 *= 1000.0);
        }
        let lines = lines(&summaries, &MEASURES[2]);
        assert!(
            lines.iter().all(|line| line.ratios[0].value > 1.0 && line.ratios[0].verdict == Verdict::Won)
        );
    }

    #[test]
    fn the_table_says_what_is_lost() {
        let text = table(&summaries(100.0));
        assert!(text.contains("beside rocksdb: 4 behind, 0 ahead"), "{text}");
        assert!(text.contains("0.01") && text.contains("size-tiered, lz4"), "{text}");
        let none = summary::summaries(&Results::parse(fixture::TEXT).unwrap());
        assert_eq!(table(&none), "");
    }
}
