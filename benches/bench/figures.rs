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
    curves::{Curve, curves},
    metrics::{METRICS, short},
    peers::{Line, Verdict},
    strips::{Strip, strips},
    summary::{self, GROUP, Summary},
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
        let is_shared = |axis: &&&str| !matches!(**axis, "workload" | "arrivals-per-second" | "matrix");
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
        label(&summary.cell, &self.axes, GROUP)
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

    /// Write amplification over the size of the data; nothing when all cells have as many keys.
    pub(crate) fn over_sizes(&self) -> Charts {
        if !self.axes.contains(&"keys") {
            return Charts::new();
        }
        let charts = self.groups.iter().map(|(name, group)| {
            let mut lines: Vec<Curve> = Vec::new();
            for summary in group {
                let label = label(
                    &summary.cell,
                    &self.axes,
                    &["workload", "arrivals-per-second", "keys", "operations"],
                );
                let Some(spread) = summary.spread(|row| row.amplification.table_write) else { continue };
                let point = (summary.cell.data_bytes(), spread.median);
                match lines.iter_mut().find(|line| line.label == label) {
                    Some(line) => line.points.push(point),
                    None => {
                        lines.push(Curve { label, colour: self.colour(summary), points: vec![point] });
                    }
                }
            }
            for line in &mut lines {
                line.points.sort_by_key(|(size, _)| *size);
            }
            (name.clone(), lines)
        });
        let with_lines = charts.filter(|(_, lines)| !lines.is_empty());
        with_lines.map(|(name, lines)| (name, curves(&lines, "write amplification of tables"))).collect()
    }

    /// What the tree of each cell went through, where the run has it.
    pub(crate) fn histories(&self) -> Charts {
        let charts = self.groups.iter().map(|(name, group)| {
            let lines: Vec<Strip<'_>> = group.iter().filter_map(|summary| self.strip(summary)).collect();
            (name.clone(), if lines.is_empty() { String::new() } else { strips(&lines) })
        });
        charts.filter(|(_, svg)| !svg.is_empty()).collect()
    }

    fn strip<'a>(&self, summary: &'a Summary) -> Option<Strip<'a>> {
        let row = summary.typical().filter(|row| !row.history.samples.is_empty())?;
        let most = row.history.samples.iter().map(|sample| sample.level0_runs).max().unwrap_or(0);
        Some(Strip {
            label: self.label(summary),
            text: format!("level 0 ≤ {most}, stalled {:.0} %", row.stall_share.unwrap_or_default() * 100.0),
            history: &row.history,
        })
    }

    /// Which shade is which level.
    pub(crate) fn level_key(&self) -> String {
        let rows = || self.groups.iter().flat_map(|(_, group)| group).flat_map(|summary| &summary.rows);
        let at_end = rows().flat_map(|row| &row.levels).map(|level| level.level);
        let before = rows().flat_map(|row| &row.history.samples).flat_map(|sample| &sample.levels);
        let mut levels: Vec<u32> = at_end.chain(before.map(|(level, _)| *level)).collect();
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
