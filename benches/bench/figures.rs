//! Makes charts of the cells: one for each workload, where cells have the same place and colour throughout.

use std::fmt::Write as _;

use siltstone_benches::{
    cell::label,
    row::{LevelRow, Row},
    stores::StoreName,
    units,
};

use crate::{
    chart::{self, Bar, Dots, Spot, Stack, Times, bars, dots, escaped, stacks},
    metrics::{METRICS, short},
    peers::{Line, Verdict},
    summary::{self, Summary},
};

/// Charts of a run: the name of the workload, and the picture.
type Charts = Vec<(String, String)>;

/// What the charts are drawn from.
#[derive(Debug)]
pub(crate) struct Figures<'a> {
    groups: Vec<(String, Vec<&'a Summary>)>,
    axes: Vec<&'static str>,
    /// The axis whose values have colours.
    axis: &'static str,
    /// Its values, in the order of their colours.
    colours: Vec<String>,
}

impl Figures<'_> {
    /// Colours are those of stores or of strategies, or else of the first axis that has several values.
    pub(crate) fn new(summaries: &[Summary]) -> Figures<'_> {
        let axes = summary::axes(summaries);
        let is_shared = |axis: &&&str| !matches!(**axis, "workload" | "matrix");
        let coloured = if axes.contains(&"store") {
            "store"
        } else if axes.contains(&"strategy") {
            "strategy"
        } else {
            axes.iter().find(is_shared).copied().unwrap_or("strategy")
        };
        let mut colours: Vec<String> = Vec::new();
        for word in summaries.iter().map(|summary| summary.cell.word(coloured)) {
            if !colours.contains(&word) {
                colours.push(word);
            }
        }
        Figures { groups: summary::by_workload(summaries), axes, axis: coloured, colours }
    }

    fn label(&self, summary: &Summary) -> String {
        label(&summary.cell, &self.axes, &["workload"])
    }

    fn colour(&self, summary: &Summary) -> usize {
        let word = summary.cell.word(self.axis);
        self.colours.iter().position(|known| *known == word).unwrap_or(0)
    }

    /// Which colour is which.
    pub(crate) fn key(&self) -> String {
        let mut html = "<h2>Colours</h2>\n<ul class=\"key\">\n".to_owned();
        for (at, word) in self.colours.iter().enumerate() {
            let _ = writeln!(html, "<li><i class=\"c{}\"></i>{} {}</li>", at % 8, self.axis, escaped(word));
        }
        html + "</ul>\n"
    }

    /// One chart for each peer.
    pub(crate) fn ratios(&self, lines: &[Line], peers: &[StoreName]) -> Charts {
        let chart = |peer: &StoreName| {
            let colour = self.colours.iter().position(|known| *known == peer.word()).unwrap_or(0);
            let times = |line: &Line| {
                let ratio = line.ratios.iter().find(|ratio| ratio.peer == *peer)?;
                Some(Times {
                    label: line.label.clone(),
                    colour,
                    value: ratio.value,
                    text: format!("{ratio}  ({} / {})", short(ratio.ours.median), short(ratio.theirs.median)),
                    is_certain: matches!(ratio.verdict, Verdict::Won | Verdict::Lost),
                })
            };
            let times: Vec<Times> = lines.iter().filter_map(times).collect();
            (format!("siltstone / {}", peer.word()), chart::ratios(&times))
        };
        peers.iter().map(chart).collect()
    }

    fn charts(&self, draw: impl Fn(&[&Summary]) -> String) -> Charts {
        self.groups.iter().map(|(name, group)| (name.clone(), draw(group))).collect()
    }

    fn bars(&self, value: fn(&Row) -> Option<f64>, mark: fn(&Row) -> Option<f64>) -> Charts {
        let bar = |summary: &&Summary| {
            let spread = summary.spread(value)?;
            Some(Bar {
                label: self.label(summary),
                colour: self.colour(summary),
                value: spread.median,
                range: (spread.count > 1).then_some((spread.min, spread.max)),
                mark: summary.spread(mark).map(|spread| spread.median),
                text: short(spread.median),
            })
        };
        self.charts(|group| bars(&group.iter().filter_map(bar).collect::<Vec<_>>()))
    }

    pub(crate) fn throughput(&self) -> Charts {
        self.bars(|row| Some(row.per_second), |_| None)
    }

    pub(crate) fn write_amplification(&self) -> Charts {
        self.bars(
            |row| row.amplification.table_write,
            |row| row.predicted.map(|predicted| predicted.table_write),
        )
    }

    pub(crate) fn latency(&self) -> Charts {
        let line = |summary: &&Summary| Dots {
            label: self.label(summary),
            colour: self.colour(summary),
            values: vec![
                ("p50".to_owned(), summary.median(|row| row.latency_us.p50)),
                ("p95".to_owned(), summary.median(|row| row.latency_us.p95)),
                ("p99".to_owned(), summary.median(|row| row.latency_us.p99)),
                ("p99.9".to_owned(), summary.median(|row| row.latency_us.p999)),
            ],
        };
        self.charts(|group| dots(&group.iter().map(line).collect::<Vec<_>>(), "µs"))
    }

    pub(crate) fn shapes(&self) -> Charts {
        let stack = |summary: &&Summary| {
            let row = summary.typical()?;
            if row.levels.is_empty() {
                return None;
            }
            let part = |level: &LevelRow| {
                let hint = format!(
                    "level {}: {} in {} runs, {} tables",
                    level.level,
                    units::bytes(level.file_bytes),
                    level.runs,
                    level.tables
                );
                (level.level, units::number(level.file_bytes), hint)
            };
            let total = row.levels.iter().map(|level| level.file_bytes).sum();
            let runs: u64 = row.levels.iter().map(|level| level.runs).sum();
            Some(Stack {
                label: self.label(summary),
                text: format!("{runs} runs, {}", units::bytes(total)),
                parts: row.levels.iter().map(part).collect(),
            })
        };
        let charts = self
            .groups
            .iter()
            .map(|(name, group)| (name.clone(), group.iter().filter_map(stack).collect::<Vec<_>>()));
        charts.filter(|(_, parts)| !parts.is_empty()).map(|(name, parts)| (name, stacks(&parts))).collect()
    }

    /// Which shade is which level.
    pub(crate) fn level_key(&self) -> String {
        let rows = self.groups.iter().flat_map(|(_, group)| group).flat_map(|summary| &summary.rows);
        let mut levels: Vec<u32> = rows.flat_map(|row| row.levels.iter().map(|level| level.level)).collect();
        levels.sort_unstable();
        levels.dedup();
        let mut html = "<ul class=\"key\">\n".to_owned();
        for level in levels {
            let _ = writeln!(html, "<li><i class=\"l{}\"></i>level {level}</li>", level % 8);
        }
        html + "</ul>\n"
    }

    /// Cells by two figures, each named as in the table, that all of them have.
    pub(crate) fn spots(&self, x: &str, y: &str) -> Vec<Spot> {
        let metric = |head: &str| METRICS.iter().find(|metric| metric.head == head);
        let (Some(x), Some(y)) = (metric(x), metric(y)) else { return Vec::new() };
        let summaries = self.groups.iter().flat_map(|(name, group)| group.iter().map(move |one| (name, one)));
        let spot = |(name, summary): (&String, &&Summary)| {
            Some(chart::Spot {
                label: format!("{name}, {}", self.label(summary)),
                colour: self.colour(summary),
                x: summary.spread(x.value)?.median,
                y: summary.spread(y.value)?.median,
            })
        };
        summaries.filter_map(spot).collect()
    }
}
