//! Runs candidates in the simulator of the engine, and takes the figures that speak for a goal.

use anyhow::{Context as _, Result, bail};
use siltstone_benches::{entries, strategies::Chosen, units::number};
use siltstone_compaction::{
    Backpressure, EngineParameters, EngineReport, EngineSimulation, Operation, Timing, Workload,
};
use siltstone_testkit::Rng;
use siltstone_types::Kind;

use crate::{
    candidates::Candidate,
    goal::{Figures, Goal, Metric},
    scale::Scale,
    shape::{Reads, Shape, Writes},
};

/// How often each key is overwritten, on average.
const OVERWRITES: u32 = 3;
const SEED: u64 = 1;
/// Below so many memtables of data there is nothing to advise on.
const MEMTABLES_MIN: u64 = 4;

/// What a candidate costs.
pub(crate) fn simulate(candidate: Candidate, shape: &Shape, scale: &Scale, goal: Goal) -> Result<Figures> {
    let (memory, _) = entries::sizes(scale.key_bytes, scale.value_bytes);
    if memory.bytes_of(scale.keys.into(), 0) < MEMTABLES_MIN.saturating_mul(scale.memtable_bytes) {
        bail!(
            "all data fits into {MEMTABLES_MIN} memtables, so that strategies have nothing to do; give more \
             --data-bytes, less --memtable-bytes, or more --keys"
        );
    }
    let text = candidate.text_with_tables(scale.memtable_bytes, scale.table_bytes());
    let chosen = Chosen::parse(&text, scale.table_bytes())?;
    let mut simulation = EngineSimulation::new(chosen.make()?, parameters(scale, writes_per_s(shape, goal)));
    let is_overwriting = matches!(shape.writes, Writes::Overwrite(_));
    if is_overwriting {
        simulation.run(Workload::Uniform.load(scale.keys, SEED)).with_context(|| text.clone())?;
    }
    let report = simulation.run(writes(shape, scale.keys)).with_context(|| text.clone())?;
    Ok(figures(&report, shape))
}

/// The engine at this scale. What takes time in a large tree takes as much less in a small one.
fn parameters(scale: &Scale, writes_per_s: u64) -> EngineParameters {
    let (memory, file) = entries::sizes(scale.key_bytes, scale.value_bytes);
    let loaded = file.bytes_of(scale.keys.into(), 0);
    EngineParameters {
        memory,
        file,
        memtable_bytes_max: scale.memtable_bytes,
        // As the engine's settings are by default.
        backpressure: Backpressure {
            debt_bytes_slow: scale.bytes(64 << 30).max(2 * loaded),
            debt_bytes_stop: scale.bytes(256 << 30).max(4 * loaded),
            level0_runs_slow: 20,
            level0_runs_stop: 24,
        },
        // As `cargo xtask sim` has them by default.
        timing: Timing {
            writes_per_s,
            flush_bytes_per_s: 200 << 20,
            compaction_bytes_per_s: 100 << 20,
            job_us: scale.bytes(5_000),
            workers: 2,
        },
        seed: SEED,
        ..EngineParameters::default()
    }
}

/// What the writer writes in a second: less where reads take their time, and as much as the engine takes where bursts matter (docs/benchmarks.md, "First speed").
fn writes_per_s(shape: &Shape, goal: Goal) -> u64 {
    if goal == Goal::P99 { 250_000 } else { 1_000 * u64::from(shape.write_percent.max(1)) }
}

fn writes(shape: &Shape, keys: u32) -> Box<dyn Iterator<Item = Operation>> {
    let puts: Box<dyn Iterator<Item = Operation>> = match shape.writes {
        Writes::Append => Box::new(Workload::Sequential.operations(keys, 1, SEED)),
        Writes::Insert => Box::new(Workload::Uniform.load(keys, SEED)),
        Writes::Overwrite(skew) if skew > 0.0 => {
            Box::new(Workload::Zipfian { theta: skew }.operations(keys, OVERWRITES, SEED))
        }
        Writes::Overwrite(_) => Box::new(Workload::Uniform.operations(keys, OVERWRITES, SEED)),
    };
    let (mut rng, delete_percent) = (Rng::new(SEED), u64::from(shape.delete_percent));
    Box::new(puts.map(move |put| {
        if rng.below(100) < delete_percent { Operation { kind: Kind::Delete, ..put } } else { put }
    }))
}

fn figures(report: &EngineReport, shape: &Shape) -> Figures {
    let (runs_asked, runs_read) = match shape.reads {
        Reads::Get => (report.found.runs_asked, report.found.runs_read),
        Reads::Miss => (report.absent.runs_asked, report.absent.runs_read),
        Reads::Scan => (report.runs_mean, report.runs_mean),
    };
    Figures::from([
        (Metric::TableWrite, report.table_write_amplification),
        (Metric::RunsAsked, runs_asked),
        (Metric::RunsRead, runs_read),
        (Metric::Space, report.space_amplification_mean),
        (Metric::SpacePeak, report.space_amplification_peak),
        (Metric::StallShare, number(report.stalls.total_ns()) / number(report.writing_ns.max(1))),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{candidates::CANDIDATES, scale::Real};

    fn simulated(workload: &str, candidate: usize) -> Figures {
        let shape = Shape::named(workload, 100).unwrap();
        let real = Real { data_bytes: 1 << 30, memtable_bytes: 64 << 20 };
        simulate(CANDIDATES[candidate], &shape, &Scale::new(&shape, real, 20_000), Goal::Write).unwrap()
    }

    #[test]
    fn leveled_writes_more_than_size_tiered_and_keeps_less() {
        let (leveled, tiered) = (simulated("overwrite", 0), simulated("overwrite", 4));
        assert!(leveled[&Metric::TableWrite] > tiered[&Metric::TableWrite], "{leveled:?} {tiered:?}");
        assert!(leveled[&Metric::Space] < tiered[&Metric::Space], "{leveled:?} {tiered:?}");
        assert!(leveled[&Metric::RunsRead] > 0.0, "{leveled:?}");
    }

    #[test]
    fn appended_keys_are_written_once_by_leveled_compaction() {
        let figures = simulated("fillseq", 0);
        assert!(figures[&Metric::TableWrite] < 1.05, "{figures:?}");
    }

    #[test]
    fn deletes_are_as_many_as_the_shape_says() {
        let shape = Shape { delete_percent: 25, ..Shape::named("overwrite", 100).unwrap() };
        let all: Vec<Operation> = writes(&shape, 10_000).collect();
        let deletes = all.iter().filter(|operation| operation.kind == Kind::Delete).count();
        assert_eq!(all.len(), 30_000);
        assert!((7_000..8_000).contains(&deletes), "{deletes}");
    }
}
