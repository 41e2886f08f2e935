//! `report.html`: one page with charts, a table that can be sorted, and the settings and the machine behind every figure. It loads nothing from anywhere.

use std::fmt::Write as _;

use siltstone_benches::{
    cell::{label, varying},
    units,
};

use crate::{
    baseline::Comparison,
    chart::{escaped, plane},
    figures::Figures,
    metrics::METRICS,
    peers,
    results::Results,
    summary::{self, Spread, Summary},
};

/// The page, which forbids the browser to load anything. `comparison` is that with a baseline, if there is one.
pub(crate) fn page(results: &Results, summaries: &[Summary], comparison: Option<&Comparison>) -> String {
    let mut html = head(results);
    html += &facts(results, summaries);
    html += &failures(results);
    if let Some(comparison) = comparison {
        let _ = writeln!(
            html,
            "<h2>Compared with the baseline</h2>\n<pre>{}</pre>",
            escaped(&comparison.describe())
        );
    }
    let figures = Figures::new(summaries);
    html += &figures.key();
    html += &beside_peers(&figures, summaries);
    html += &section(
        "Throughput",
        "Operations acknowledged in a second. Bars are medians; lines across them go from the least to the most of the repetitions.",
        &figures.throughput(),
    );
    html += &section(
        "Latency",
        "What an operation took at p50 (the largest dot), p95, p99 and p99.9, on a logarithmic axis.",
        &figures.latency(),
    );
    html += &section(
        "Write amplification",
        "Bytes that flushes and compactions wrote for each byte flushed. The dashed line is what the simulation says, in which compactions take no time.",
        &figures.write_amplification(),
    );
    let over_sizes = figures.over_sizes();
    if !over_sizes.is_empty() {
        html += &section(
            "Write amplification over the size of the data",
            "Bytes that flushes and compactions wrote for each byte flushed, medians, by the bytes of keys and values when each key is there once. The axis of sizes is logarithmic.",
            &over_sizes,
        );
    }
    html += &section(
        "The triangle",
        "Less is better on every axis, and nobody has the least of all three. Point at a dot for its cell.",
        &triangle(&figures),
    );
    let shapes = section(
        "Shape of the tree",
        "Bytes of files by level once nothing was due, from level 0 on.",
        &figures.shapes(),
    );
    html += &shapes.replacen("<div", &(figures.level_key() + "<div"), 1);
    let histories = figures.histories();
    if !histories.is_empty() {
        let histories = section(
            "Shape and stalls over time",
            "Bytes of files by level from the opening of the empty database on, the deepest level at the bottom. The workload ran where the ground is lighter: what is before it was loaded, \
             and behind it compaction came to rest. The dashed line is the debt. Below the ground, red is the time in which writers were held up, the darker the more of it. \
             Of several repetitions the one of middle speed is shown. Point at a strip for its figures.",
            &histories,
        );
        html += &histories.replacen("<div", &(figures.level_key() + "<div"), 1);
    }
    html += &table(summaries);
    html += &details(results, summaries);
    let _ = writeln!(html, "<script>\n{}</script>\n</html>", include_str!("report.js"));
    html
}

fn head(results: &Results) -> String {
    let title = format!("Siltstone: {}", results.run.matrices.join(", "));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}</title>\n<style>\n{}</style>\n<h1>{}</h1>\n<p>{}</p>\n",
        escaped(&title),
        include_str!("report.css"),
        escaped(&title),
        escaped(&results.run.about)
    )
}

fn section(title: &str, about: &str, charts: &[(String, String)]) -> String {
    let mut html = format!("<h2>{title}</h2>\n<p class=\"soft\">{about}</p>\n<div class=\"charts\">\n");
    for (name, svg) in charts {
        let _ = writeln!(html, "<figure><h3>{}</h3>\n{svg}</figure>", escaped(name));
    }
    html + "</div>\n"
}

/// Nothing without peers. First of all, and whatever it says.
fn beside_peers(figures: &Figures<'_>, summaries: &[Summary]) -> String {
    let peers = peers::peers(summaries);
    let mut html = String::new();
    if peers.is_empty() {
        return html;
    }
    for (at, measure) in peers::MEASURES.iter().enumerate() {
        let lines = peers::lines(summaries, measure);
        html += &section(
            &format!("Beside the peers: {}", measure.name),
            "How many times as good the engine is as the peer with equal settings, on a logarithmic axis: to the left of 1 the peer is better. In brackets the medians of both. \
             Pale bars say nothing: ≈ is within the noise of the repetitions, ? has too few of them to know.",
            &figures.ratios(&lines, &peers),
        );
        if at == 0 {
            html += "<ul>\n";
            for peer in &peers {
                let _ = writeln!(html, "<li>Beside {}: {}</li>", peer.word(), peers::score(&lines, *peer));
            }
            html += "</ul>\n";
        }
    }
    html
}

fn triangle(figures: &Figures<'_>) -> Vec<(String, String)> {
    let chart = |x: &str, y: &str| {
        let spots = figures.spots(x, y);
        (!spots.is_empty()).then(|| (format!("{y} against {x}"), plane(&spots, x, y)))
    };
    [chart("write amp", "space amp"), chart("write amp", "read amp"), chart("read amp", "space amp")]
        .into_iter()
        .flatten()
        .collect()
}

/// What the run was, and what the machine can do.
fn facts(results: &Results, summaries: &[Summary]) -> String {
    let run = &results.run;
    let limits = run.machine.limits;
    let speed = |megabytes: f64| format!("{} MB/s", crate::metrics::short(megabytes));
    let facts = [
        ("cells", format!("{} of {}", summaries.len(), run.cells)),
        ("repetitions", run.repeats.to_string()),
        ("siltstone", run.version.clone()),
        ("peers", versions(results)),
        ("processor", format!("{} × {}", run.machine.processors, run.machine.processor)),
        ("memory", units::bytes(run.machine.memory_bytes)),
        ("Linux", run.machine.system.clone()),
        ("load before", format!("{:.2}", run.machine.load)),
        ("append and fdatasync", format!("{:.0} µs", limits.fdatasync_us)),
        ("crc32c", speed(limits.crc32c_mb_s)),
        ("lz4", speed(limits.lz4_mb_s)),
        ("zstd", speed(limits.zstd_mb_s)),
        ("memcpy", speed(limits.memcpy_mb_s)),
    ];
    let mut html = "<div class=\"facts\">\n".to_owned();
    for (name, value) in facts.into_iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(html, "<div><small>{name}</small><b>{}</b></div>", escaped(&value));
    }
    html += "</div>\n<p class=\"soft\">The last five were measured on one thread before the first cell: no cell can be faster than they allow.</p>\n";
    if run.machine.load > 0.5 {
        html += "<p class=\"bad\">Other work kept the machine busy when the run began. Compare ratios within it, if anything, and quote no figure.</p>\n";
    }
    html
}

/// Names and versions of the peers.
fn versions(results: &Results) -> String {
    let versions = results.run.peers.iter().map(|(name, version)| format!("{name} {version}"));
    versions.collect::<Vec<_>>().join(", ")
}

fn failures(results: &Results) -> String {
    if results.failures.is_empty() {
        return String::new();
    }
    let axes = varying(
        results.failures.iter().map(|failure| &failure.cell).chain(results.rows.iter().map(|row| &row.cell)),
    );
    let mut html = "<h2 class=\"bad\">Not measured</h2>\n<ul class=\"bad\">\n".to_owned();
    for failure in &results.failures {
        let _ = writeln!(
            html,
            "<li>{}: {}</li>",
            escaped(&label(&failure.cell, &axes, &[])),
            escaped(&failure.error)
        );
    }
    html + "</ul>\n"
}

/// All cells with all figures.
fn table(summaries: &[Summary]) -> String {
    let axes = summary::axes(summaries);
    let mut html = "<h2>All figures</h2>\n<p class=\"soft\">Medians, with the least and the most below where there are repetitions. A head sorts by its column. \
        <b>of best</b> compares with the fastest cell of the workload: ≈ means that the difference lies within the noise, and ? that there are too few repetitions to know.</p>\n\
        <div class=\"wide\"><table class=\"sortable\"><thead><tr>"
        .to_owned();
    for axis in &axes {
        let _ = write!(html, "<th class=\"word\"><button>{axis}</button></th>");
    }
    html += "<th><button>of best</button></th>";
    for metric in METRICS {
        let _ = write!(
            html,
            "<th title=\"{}\"><button>{}</button></th>",
            escaped(metric.about),
            escaped(metric.head)
        );
    }
    html += "</tr></thead>\n<tbody>\n";
    for (_, group) in summary::by_workload(summaries) {
        let best = summary::best(&group);
        for one in group {
            html += &line(one, &axes, best.as_ref());
        }
    }
    html + "</tbody></table></div>\n"
}

fn line(one: &Summary, axes: &[&str], best: Option<&Spread>) -> String {
    let mut html = "<tr>".to_owned();
    for axis in axes {
        let word = escaped(&one.cell.word(axis));
        let _ = write!(html, "<td class=\"word\" data-value=\"{word}\">{word}</td>");
    }
    let speed = one.spread(|row| Some(row.per_second)).zip(best);
    let share = speed.map(|(own, best)| own.median / best.median.max(f64::MIN_POSITIVE)).unwrap_or_default();
    let words = speed.map(|(own, best)| summary::standing(&own, best).to_string()).unwrap_or_default();
    let _ = write!(html, "<td data-value=\"{share:.4}\">{words}</td>");
    for metric in METRICS {
        let Some(spread) = one.spread(metric.value) else {
            html += "<td data-value=\"\">–</td>";
            continue;
        };
        let text = |value: f64| escaped(&(metric.text)(value));
        let _ = write!(html, "<td data-value=\"{}\">{}", spread.median, text(spread.median));
        if spread.count > 1 && text(spread.min) != text(spread.max) {
            let _ =
                write!(html, "<small class=\"soft\">{} to {}</small>", text(spread.min), text(spread.max));
        }
        html += "</td>";
    }
    html + "</tr>\n"
}

/// Everything that decided what was measured, cell by cell.
fn details(results: &Results, summaries: &[Summary]) -> String {
    let axes = summary::axes(summaries);
    let mut html = "<h2>Settings</h2>\n".to_owned();
    let run = serde_json::to_string_pretty(&results.run).unwrap_or_default();
    let _ = writeln!(
        html,
        "<details><summary>The run and the machine</summary><pre>{}</pre></details>",
        escaped(&run)
    );
    for one in summaries {
        let cell = serde_json::to_string_pretty(&one.cell).unwrap_or_default();
        let name = escaped(&label(&one.cell, &axes, &[]));
        let _ = writeln!(html, "<details><summary>{name}</summary><pre>{}</pre></details>", escaped(&cell));
    }
    html
}

#[cfg(test)]
mod tests {
    use siltstone_benches::{history::Sample, row::Row, stores::StoreName};

    use super::*;
    use crate::fixture;

    fn page_of(text: &str) -> String {
        let results = Results::parse(text).unwrap();
        let summaries = summary::summaries(&results);
        let comparison = crate::baseline::compare(&summaries, &summaries, 0.1);
        page(&results, &summaries, Some(&comparison))
    }

    #[test]
    fn the_page_needs_nothing_from_anywhere() {
        let html = page_of(fixture::TEXT);
        assert!(html.contains("default-src 'none'"), "the browser refuses what a line may ask for");
        let rest = html.replacen("http-equiv", "", 1).replacen("href=\"data:,\"", "", 1);
        for word in ["http", "src=", "href=", "@import", "url(", "NaN", "inf\""] {
            assert!(!rest.contains(word), "{word}");
        }
    }

    #[test]
    fn every_cell_stands_in_the_table_and_in_the_charts() {
        let html = page_of(fixture::TEXT);
        let body = html.split("<tbody>").nth(1).unwrap();
        assert_eq!(body.matches("<tr>").count(), 4);
        let throughput = html.split("<h2>Throughput").nth(1).unwrap().split("<h2>").next().unwrap();
        assert_eq!(throughput.matches("<rect").count(), 4);
        assert_eq!(throughput.matches("class=\"range\"").count(), 4);
        assert!(html.contains("<li>") && html.contains("0 compactions, and 20 are required</li>"));
        assert_eq!(html.matches("<details>").count(), 1 + 4);
        assert!(html.contains("prefers-color-scheme: dark"));
    }

    #[test]
    fn histories_and_sizes_are_drawn_where_there_are_any() {
        let mut results = Results::parse(fixture::TEXT).unwrap();
        let sections = |results: &Results| {
            let html = page(results, &summary::summaries(results), None);
            (html.contains("stalls over time</h2>"), html.contains("over the size of the data</h2>"))
        };
        assert_eq!(sections(&results), (false, false));
        let sample = Sample { levels: vec![(3, 1000)], ..Sample::default() };
        results.rows[0].history.samples = vec![sample.clone(), Sample { seconds: 1.0, ..sample }];
        assert_eq!(sections(&results), (true, false));
        let html = page(&results, &summary::summaries(&results), None);
        assert!(
            html.contains("</i>level 3</li>"),
            "a level that is empty at the end has its colour in the key"
        );
        results.rows[1].cell.keys *= 2;
        assert_eq!(sections(&results), (true, true));
    }

    #[test]
    fn peers_stand_above_everything_else_with_their_versions() {
        let text = fixture::TEXT.replacen("\"peers\":{}", "\"peers\":{\"rocksdb\":\"0.25.0\"}", 1);
        let mut results = Results::parse(&text).unwrap();
        for row in results.rows.clone() {
            let cell = StoreName::RocksDb.cell(&row.cell).unwrap();
            results.rows.push(Row { cell, per_second: row.per_second * 100.0, ..row });
        }
        let html = page(&results, &summary::summaries(&results), None);
        let beside = html.split("Beside the peers: operations").nth(1).unwrap().split("<h2>").next().unwrap();
        assert_eq!(beside.matches("<rect").count(), 4);
        assert!(beside.contains("4 behind, 0 ahead") && html.contains("rocksdb 0.25.0"));
        assert!(html.find("Beside the peers") < html.find("<h2>Throughput"));
        assert!(!html.contains("NaN"));
    }

    #[test]
    fn a_run_without_rows_has_a_page() {
        let first = fixture::TEXT.lines().next().unwrap();
        assert!(page_of(first).contains("0 of "));
    }
}
