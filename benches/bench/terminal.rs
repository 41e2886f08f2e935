//! The results as a table for a terminal, workload by workload.

use std::fmt::Write as _;

use siltstone_benches::cell::{label, varying};

use crate::{
    metrics::METRICS,
    peers,
    results::Results,
    summary::{self, GROUP, Summary},
};

/// The table, with what the machine can do below it.
pub(crate) fn table(results: &Results, summaries: &[Summary]) -> String {
    let axes = summary::axes(summaries);
    let failed = results.failures.iter().map(|failure| &failure.cell);
    let failed_axes = varying(failed.chain(summaries.iter().map(|summary| &summary.cell)));
    let mut text = String::new();
    for (workload, group) in summary::by_workload(summaries) {
        let mut lines = vec![head(&workload)];
        let best = summary::best(&group);
        lines.extend(group.iter().map(|one| line(one, &label(&one.cell, &axes, GROUP), best.as_ref())));
        text += &aligned(&lines);
        text.push('\n');
    }
    text += &peers::table(summaries);
    for failure in &results.failures {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "ERROR {}: {}", label(&failure.cell, &failed_axes, &[]), failure.error);
    }
    let limits = results.run.machine.limits;
    text + &format!(
        "medians of {} repetitions; `of best` ends in ? where there are too few to know the noise, and is ≈ within it\n\
         this machine, on one thread: fdatasync {:.0} µs; crc32c {:.0}, lz4 {:.0}, zstd {:.0}, memcpy {:.0} MB/s; load {:.1} on {} processors before\n",
        results.run.repeats,
        limits.fdatasync_us,
        limits.crc32c_mb_s,
        limits.lz4_mb_s,
        limits.zstd_mb_s,
        limits.memcpy_mb_s,
        results.run.machine.load,
        results.run.machine.processors,
    )
}

fn head(workload: &str) -> Vec<String> {
    let heads = METRICS.iter().filter(|metric| metric.is_main).map(|metric| metric.head.to_owned());
    let mut line = vec![workload.to_owned()];
    line.extend(heads);
    line.insert(2, "of best".to_owned());
    line
}

fn line(one: &Summary, name: &str, best: Option<&summary::Spread>) -> Vec<String> {
    let mut line = vec![name.to_owned()];
    for metric in METRICS.iter().filter(|metric| metric.is_main) {
        line.push(
            one.spread(metric.value).map_or_else(|| "-".to_owned(), |spread| (metric.text)(spread.median)),
        );
    }
    let speed = one.spread(|row| Some(row.per_second));
    let standing = speed.zip(best).map(|(own, best)| summary::standing(&own, best).to_string());
    line.insert(2, standing.unwrap_or_default());
    line
}

/// The first column to the left, all others to the right.
pub(crate) fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |at: usize| lines.iter().filter_map(|line| line.get(at)).map(|word| word.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|at| width(at).unwrap_or(0)).collect();
    let mut text = String::new();
    for line in lines {
        let words = line.iter().zip(&widths).enumerate();
        let padded: Vec<String> = words
            .map(
                |(at, (word, width))| {
                    if at == 0 { format!("{word:<width$}") } else { format!("{word:>width$}") }
                },
            )
            .collect();
        text += padded.join("  ").trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn every_cell_has_a_line_and_every_failure() {
        let results = Results::parse(fixture::TEXT).unwrap();
        let text = table(&results, &summary::summaries(&results));
        for named in [
            "size-tiered, lz4",
            "leveled,base-bytes=1MiB, none",
            "ERROR size-tiered, lz4, keys 1000: 0 compactions",
            "fdatasync",
            " best ",
        ] {
            assert!(text.contains(named), "{named}: {text}");
        }
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_word() {
        let line = |words: &str| words.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(aligned(&[line("a 1"), line("bcd 12345")]), "a        1\nbcd  12345\n");
    }
}
