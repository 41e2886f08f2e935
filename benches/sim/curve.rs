//! What one strategy costs at each size of the data.

use anyhow::{Context as _, Result};
use siltstone_benches::strategies::Chosen;
use siltstone_compaction::{EngineReport, EngineSimulation};

use crate::arguments::Arguments;

/// A strategy at all sizes, smallest first.
#[derive(Debug)]
pub(crate) struct Curve {
    /// The strategy, as it was typed.
    pub(crate) strategy: String,
    pub(crate) points: Vec<Point>,
}

/// A strategy at one size.
#[derive(Debug)]
pub(crate) struct Point {
    pub(crate) keys: u32,
    /// All keys, before anything is left out for versions and deletes, in bytes.
    pub(crate) data_bytes: u64,
    pub(crate) report: EngineReport,
}

/// Simulates each size in a tree of its own, and hands out each point when it is there.
pub(crate) fn simulate(
    arguments: &Arguments,
    chosen: &Chosen,
    mut each: impl FnMut(&Point),
) -> Result<Curve> {
    let mut points = Vec::new();
    for keys in sizes(arguments.keys, arguments.sizes) {
        let parameters = arguments.engine(keys);
        let data_bytes = parameters.file.bytes_of(keys.into(), 0);
        let mut simulation = EngineSimulation::new(chosen.make()?, parameters);
        let workload = arguments.workload();
        let failed = || format!("{} at {keys} keys", chosen.text);
        simulation.run(workload.load(keys, arguments.seed)).with_context(failed)?;
        let operations = workload.operations(keys, arguments.overwrites, arguments.seed);
        let report = simulation.run(operations).with_context(failed)?;
        let point = Point { keys, data_bytes, report };
        each(&point);
        points.push(point);
    }
    Ok(Curve { strategy: chosen.text.clone(), points })
}

/// The largest number, its half, and so on, smallest first; no size twice.
fn sizes(keys: u32, count: u32) -> Vec<u32> {
    let mut sizes: Vec<u32> = (0..count).rev().map(|halved| (keys >> halved.min(31)).max(1)).collect();
    sizes.dedup();
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_double() {
        assert_eq!(sizes(1_000, 4), [125, 250, 500, 1_000]);
        assert_eq!(sizes(3, 30), [1, 3]);
    }
}
