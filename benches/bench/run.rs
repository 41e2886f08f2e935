//! Measures cell after cell, each in a process of its own, and keeps what it has when it is asked to end.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use siltstone::{Clock as _, OsClock};
use siltstone_benches::{
    cell::{Cell, label, varying},
    machine,
    row::{Failure, Line, Row, Run, SCHEMA},
};

use crate::{
    arguments::Arguments,
    child::output_within,
    interrupt::Interrupt,
    plan::{self, Job},
    programs::{self, Programs},
    results::{self, Results},
};

/// Measures what the arguments ask for. Returns the folder of the run, and whether it was interrupted.
pub(crate) fn run(arguments: &Arguments) -> Result<(PathBuf, bool)> {
    let matrices = arguments.matrices()?;
    let mut cells = Vec::new();
    for (name, matrix) in &matrices {
        cells.extend(plan::cells(matrix.cells(name), &arguments.peers, &arguments.only, |why| {
            eprintln!("left out: {why}");
        }));
    }
    if cells.is_empty() {
        bail!("no cell has all of the words `{}`", arguments.only.join(", "));
    }
    let most = matrices.iter().map(|(_, matrix)| matrix.repeats).max().unwrap_or(1);
    let repeats = arguments.repeats.unwrap_or(most);
    let names: Vec<String> = matrices.iter().map(|(name, _)| name.clone()).collect();
    let folder = folder(arguments, &names)?;
    let programs = Programs::find(arguments)?;
    let jobs = plan::jobs(&cells, repeats, arguments.seed);
    let results = if arguments.resume {
        resumed(&folder, &jobs)?
    } else {
        if results::file(&folder).exists() {
            bail!("{} has results already; give --resume to go on with them", folder.display());
        }
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let about: Vec<&str> = matrices.iter().map(|(_, matrix)| matrix.about.as_str()).collect();
        let run = Run {
            schema: SCHEMA,
            matrices: names,
            about: about.join(" "),
            cells: cells.len() as u64,
            repeats,
            seed: arguments.seed,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            peers: programs.versions()?,
            began_unix_s: OsClock.now_unix_ms() / 1000,
            machine: machine::look(&folder)?,
            leveled_over_size_tiered_min: matrices
                .iter()
                .find_map(|(_, matrix)| matrix.leveled_over_size_tiered_min),
        };
        Results { run, rows: Vec::new(), failures: Vec::new() }
    };
    results.begin(&folder)?;
    let time_max = |job: &Job| {
        let of_matrix = matrices.iter().find(|(name, _)| *name == job.cell.matrix);
        Duration::from_secs(of_matrix.map_or(u64::MAX, |(_, matrix)| matrix.cell_seconds_max))
    };
    // Those of a run that was killed.
    remove_databases(&folder, DATABASE)?;
    programs.check(&arguments.peers, &folder.join(database()))?;
    let is_interrupted = work(&folder, &programs, &cells, plan::left(jobs, &results.rows), time_max)?;
    Ok((folder, is_interrupted))
}

/// The folder of the run: a new one, or the one to go on with.
fn folder(arguments: &Arguments, names: &[String]) -> Result<PathBuf> {
    if let Some(folder) = &arguments.out {
        return Ok(folder.clone());
    }
    let name = if arguments.full { "full".to_owned() } else { names.join("-") };
    let all = Path::new("target/bench");
    if !arguments.resume {
        return Ok(all.join(format!("{name}-{}", OsClock.now_unix_ms() / 1000)));
    }
    let entries = fs::read_dir(all).with_context(|| format!("there is no run in {}", all.display()))?;
    let of_matrix = |path: &PathBuf| {
        let file = path.file_name().map(|file| file.to_string_lossy().into_owned()).unwrap_or_default();
        file.strip_prefix(&name).and_then(|rest| rest.strip_prefix('-')?.parse::<u64>().ok())
    };
    let runs = entries.filter_map(|entry| Some(entry.ok()?.path()));
    runs.filter_map(|path| Some((of_matrix(&path)?, path)))
        .max()
        .map(|(_, path)| path)
        .ok_or_else(|| anyhow!("there is no run of {name} in {}", all.display()))
}

/// The rows of a run that is to go on, which must be of the same cells.
fn resumed(folder: &Path, jobs: &[Job]) -> Result<Results> {
    let results = Results::read(folder)?;
    let is_job = |row: &&Row| jobs.iter().any(|job| job.repeat == row.repeat && job.cell == row.cell);
    if let Some(row) = results.rows.iter().find(|row| !is_job(row)) {
        bail!(
            "{} has a cell that is not asked for now: {}; begin anew in another folder",
            folder.display(),
            row.cell.describe()
        );
    }
    Ok(results)
}

/// Measures jobs in turn, each within its time. Returns whether it was asked to end.
fn work(
    folder: &Path,
    programs: &Programs,
    cells: &[Cell],
    jobs: Vec<Job>,
    time_max: impl Fn(&Job) -> Duration,
) -> Result<bool> {
    let interrupt = Interrupt::listen()?;
    let axes = varying(cells);
    let bar = ProgressBar::with_draw_target(Some(jobs.len() as u64), ProgressDrawTarget::stderr());
    bar.set_style(ProgressStyle::with_template("{wide_bar} {pos}/{len}, {eta} left  {msg}")?);
    bar.enable_steady_tick(Duration::from_millis(200));
    for job in jobs {
        if interrupt.is_asked() {
            break;
        }
        bar.set_message(label(&job.cell, &axes, &[]));
        let line = match in_a_process(folder, programs, &job, time_max(&job)) {
            Ok(row) => Line::Cell(Box::new(row)),
            // Ctrl-C reaches the process of the cell as well: the cell has not failed.
            Err(_) if interrupt.is_asked() => break,
            Err(error) => {
                let error = format!("{error:#}");
                bar.suspend(|| complain(&job.cell, &axes, &error));
                Line::Error(Failure { cell: job.cell.clone(), repeat: job.repeat, error })
            }
        };
        results::append(folder, &line)?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(interrupt.is_asked())
}

fn complain(cell: &Cell, axes: &[&str], error: &str) {
    eprintln!("{}: {error}", label(cell, axes, &[]));
}

/// How the folders of databases begin.
const DATABASE: &str = "database-";

/// Removes databases, and what workloads put beside them.
fn remove_databases(folder: &Path, name: &str) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(name) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// The name of the folder of the database that is measured.
fn database() -> String {
    // Of this process alone: the cell of a run that was killed may still be at work.
    format!("{DATABASE}{}-cell", std::process::id())
}

/// Runs the program of its store with one cell, on a folder that is removed again.
fn in_a_process(folder: &Path, programs: &Programs, job: &Job, time_max: Duration) -> Result<Row> {
    let name = database();
    let mut command = Command::new(programs.of(job.cell.store)?);
    command.arg("--cell").arg(serde_json::to_string(&job.cell)?);
    command.arg("--repeat").arg(job.repeat.to_string()).arg("--dir").arg(folder.join(&name));
    let output = output_within(&mut command, time_max);
    remove_databases(folder, &name)?;
    let output = output?;
    if !output.status.success() {
        bail!("{}", programs::why(&output));
    }
    serde_json::from_slice(&output.stdout).context("the cell's process printed something else than its line")
}
