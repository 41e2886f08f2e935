//! Runs the steps in order, says how long each took, and stops at the first that fails.
#![expect(clippy::disallowed_methods, reason = "the times of the steps are printed, nothing depends on them")]

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::{
    step::{Outcome, STEPS, Step},
    workspace::Workspace,
};

/// Runs every step whose name is not in `skipped`.
pub(crate) fn run(workspace: &Workspace, skipped: &[&str]) -> Result<()> {
    let started = Instant::now();
    let mut summary = Vec::new();
    for step in STEPS {
        let (verdict, took) = if skipped.contains(&step.name) {
            ("skipped, as asked".into(), Duration::ZERO)
        } else {
            println!("\n== {}: {}", step.name, step.about);
            timed(workspace, step)?
        };
        summary.push(line(step.name, &verdict, took));
    }
    println!("\n{}\n{}", summary.join("\n"), line("ci", "ok", started.elapsed()));
    Ok(())
}

fn timed(workspace: &Workspace, step: &Step) -> Result<(String, Duration)> {
    let started = Instant::now();
    let outcome = (step.run)(workspace).with_context(|| {
        format!("step `{}` failed after {:.1} s", step.name, started.elapsed().as_secs_f64())
    })?;
    let verdict = match outcome {
        Outcome::Done => "ok".into(),
        Outcome::Absent(why) => format!("nothing to do: {why}"),
    };
    let took = started.elapsed();
    println!("{}", line(step.name, &verdict, took));
    Ok((verdict, took))
}

fn line(name: &str, verdict: &str, took: Duration) -> String {
    format!("== {name:<12}{:>8.1} s  {verdict}", took.as_secs_f64())
}
