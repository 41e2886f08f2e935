//! Measures candidates with the program behind `cargo xtask bench`: writes matrices, runs it, and reads its lines.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::json;

use crate::{
    candidates::Candidate,
    goal::{Figures, Metric},
    scale::Scale,
    shape::{Reads, Shape, Writes},
};

/// Keys of the benchmarks have so many bytes; what the shape's have more or less, values get.
const KEY_BYTES: u64 = 16;

/// Which workloads are measured: one that writes, and one that reads.
pub(crate) fn workloads(shape: &Shape) -> [&'static str; 2] {
    let writes = match shape.writes {
        _ if shape.delete_percent >= 50 => "deleterandom",
        Writes::Append => "fillseq",
        Writes::Insert => "fillrandom",
        Writes::Overwrite(_) => "overwrite",
    };
    let reads = match shape.reads {
        Reads::Get => "readrandom",
        Reads::Miss => "readmissing",
        Reads::Scan => "seekrandom",
    };
    [writes, reads]
}

/// Measures candidates, each so often, and returns the medians in their order. What was measured stays in the folder.
pub(crate) fn measure(
    candidates: &[Candidate],
    shape: &Shape,
    scale: &Scale,
    repeats: u32,
    folder: &Path,
) -> Result<Vec<Figures>> {
    let mut all = vec![Figures::new(); candidates.len()];
    let writes_skew = if let Writes::Overwrite(skew) = shape.writes { skew } else { 0.0 };
    let [writes, reads] = workloads(shape);
    for (workload, skew, take) in
        [(writes, writes_skew, of_writes as Take), (reads, shape.reads_skew, of_reads)]
    {
        let file = folder.join(format!("{workload}.toml"));
        let matrix = matrix(workload, skew, candidates, scale, repeats)?;
        fs::write(&file, matrix).with_context(|| format!("cannot write {}", file.display()))?;
        let lines = run(&file, &folder.join(workload))?;
        for (candidate, figures) in candidates.iter().zip(&mut all) {
            let rows = rows(&lines, &text(*candidate, scale))?;
            figures.extend(take(&rows));
        }
    }
    Ok(all)
}

fn text(candidate: Candidate, scale: &Scale) -> String {
    candidate.text_with_tables(scale.memtable_bytes, scale.table_bytes())
}

fn matrix(
    workload: &str,
    skew: f64,
    candidates: &[Candidate],
    scale: &Scale,
    repeats: u32,
) -> Result<String> {
    let strategies: Vec<String> = candidates.iter().map(|candidate| text(*candidate, scale)).collect();
    let distribution = if skew > 0.0 { format!("zipfian-{skew}") } else { "uniform".to_owned() };
    let matrix = json!({
        "about": "The best candidates of the simulator, for advice.",
        "repeats": repeats,
        "axes": {
            "workload": [workload],
            "strategy": strategies,
            "distribution": [distribution],
            "memtable-bytes": [scale.memtable_bytes],
            "table-bytes": [scale.table_bytes()],
            "cache-bytes": [scale.bytes(64 << 20).max(1 << 20)],
            "value-bytes": [(scale.key_bytes + scale.value_bytes).saturating_sub(KEY_BYTES)],
            "keys": [scale.keys],
        },
    });
    Ok(toml::to_string(&matrix)?)
}

/// Runs the program, which lies beside this one. Its progress is shown, and its table is not.
fn run(matrix: &Path, out: &Path) -> Result<String> {
    let program = program()?;
    let output = Command::new(&program)
        .arg(matrix)
        .arg("--out")
        .arg(out)
        .stderr(std::process::Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run {}", program.display()))?;
    let path = out.join("results.jsonl");
    let lines = fs::read_to_string(&path);
    if !output.status.success() {
        let seen = lines.as_deref().ok().and_then(first_error).unwrap_or_else(|| output.status.to_string());
        bail!("measuring {} failed: {seen}", matrix.display());
    }
    lines.with_context(|| format!("cannot read {}", path.display()))
}

fn program() -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("siltstone-bench");
    let path = path.with_extension(std::env::consts::EXE_EXTENSION);
    if !path.exists() {
        bail!(
            "there is no {}, which measures; `cargo xtask advise` builds it, and --simulate-only does without",
            path.display()
        );
    }
    Ok(path)
}

/// A line of `results.jsonl`, as far as it is needed; docs/benchmarks.md describes it.
#[derive(Deserialize, Debug)]
struct Line {
    kind: String,
    error: Option<String>,
    cell: Option<Cell>,
    settled_per_second: Option<f64>,
    latency_us: Option<Latency>,
    amplification: Option<Amplification>,
    stall_share: Option<f64>,
}

#[derive(Deserialize, Debug)]
struct Cell {
    strategy: String,
}

#[derive(Deserialize, Debug)]
struct Latency {
    p50: Option<f64>,
    p99: Option<f64>,
}

#[derive(Deserialize, Debug)]
struct Amplification {
    table_write: Option<f64>,
    read: Option<f64>,
    space: Option<f64>,
}

fn first_error(lines: &str) -> Option<String> {
    lines.lines().find_map(|line| serde_json::from_str::<Line>(line).ok()?.error)
}

/// The measurements of a strategy.
fn rows(lines: &str, strategy: &str) -> Result<Vec<Line>> {
    let mut rows = Vec::new();
    for (at, line) in lines.lines().enumerate() {
        let line: Line =
            serde_json::from_str(line).with_context(|| format!("line {} of the results", at + 1))?;
        if line.kind == "cell" && line.cell.as_ref().is_some_and(|cell| cell.strategy == strategy) {
            rows.push(line);
        }
    }
    if rows.is_empty() {
        bail!("the results have no cell of {strategy}");
    }
    Ok(rows)
}

type Take = fn(&[Line]) -> Figures;

fn of_writes(rows: &[Line]) -> Figures {
    let amplification = |row: &Line| row.amplification.as_ref()?.table_write;
    let space = |row: &Line| row.amplification.as_ref()?.space;
    let p99 = |row: &Line| row.latency_us.as_ref()?.p99;
    medians(
        rows,
        &[
            (Metric::TableWrite, &amplification),
            (Metric::SettledPerSecond, &|row| row.settled_per_second),
            (Metric::Space, &space),
            (Metric::StallShare, &|row| row.stall_share),
            (Metric::WriteP99, &p99),
        ],
    )
}

fn of_reads(rows: &[Line]) -> Figures {
    let tables = |row: &Line| row.amplification.as_ref()?.read;
    let p50 = |row: &Line| row.latency_us.as_ref()?.p50;
    let p99 = |row: &Line| row.latency_us.as_ref()?.p99;
    medians(rows, &[(Metric::RunsRead, &tables), (Metric::ReadP50, &p50), (Metric::ReadP99, &p99)])
}

/// A figure, and where a line has it.
type Taken<'a> = (Metric, &'a dyn Fn(&Line) -> Option<f64>);

fn medians(rows: &[Line], metrics: &[Taken<'_>]) -> Figures {
    let of_metric = |(metric, value): &Taken<'_>| {
        let mut values: Vec<f64> = rows.iter().filter_map(value).collect();
        values.sort_by(f64::total_cmp);
        // The lower one of two in the middle.
        let middle = values.len().checked_sub(1)? / 2;
        Some((*metric, *values.get(middle)?))
    };
    metrics.iter().filter_map(of_metric).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{candidates::CANDIDATES, scale::Real};

    const LINES: &str = r#"{"kind":"run","schema":1}
{"kind":"cell","cell":{"strategy":"leveled","keys":5},"settled_per_second":30.0,"latency_us":{"p50":1.5,"p99":9.0},"amplification":{"table_write":3.0,"read":null,"space":1.25},"stall_share":0.5}
{"kind":"cell","cell":{"strategy":"leveled"},"settled_per_second":10.0,"latency_us":{"p50":2.5,"p99":7.0},"amplification":{"table_write":5.0,"read":null,"space":1.5},"stall_share":0.25}
{"kind":"cell","cell":{"strategy":"leveled"},"settled_per_second":20.0,"latency_us":{"p50":3.5,"p99":8.0},"amplification":{"table_write":4.0,"read":null,"space":1.75},"stall_share":0.125}
{"kind":"error","cell":{"strategy":"size-tiered"},"error":"it broke"}
"#;

    #[test]
    fn figures_are_medians_of_the_rows() {
        let rows = rows(LINES, "leveled").unwrap();
        let expected = [
            (Metric::TableWrite, 4.0),
            (Metric::SettledPerSecond, 20.0),
            (Metric::Space, 1.5),
            (Metric::StallShare, 0.25),
            (Metric::WriteP99, 8.0),
        ];
        assert_eq!(of_writes(&rows), Figures::from(expected));
        assert_eq!(of_reads(&rows), Figures::from([(Metric::ReadP50, 2.5), (Metric::ReadP99, 8.0)]));
    }

    #[test]
    fn what_is_missing_is_said() {
        assert_eq!(first_error(LINES).unwrap(), "it broke");
        let message = rows(LINES, "size-tiered").unwrap_err().to_string();
        assert_eq!(message, "the results have no cell of size-tiered");
        assert!(format!("{:#}", rows("{\"kind\":7}", "leveled").unwrap_err()).contains("line 1"));
    }

    #[test]
    fn matrices_name_every_candidate_at_the_scale() {
        let shape = Shape::named("ycsb-a", 100).unwrap();
        let real = Real { data_bytes: 10 << 30, memtable_bytes: 64 << 20 };
        let scale = Scale::new(&shape, real, 200_000);
        let text = matrix("overwrite", 0.99, &CANDIDATES[..2], &scale, 2).unwrap();
        for part in ["repeats = 2", "\"overwrite\"", "leveled,ratio=10,base-bytes=", "zipfian-0.99"] {
            assert!(text.contains(part), "{text}");
        }
        assert_eq!(workloads(&shape), ["overwrite", "readrandom"]);
    }
}
