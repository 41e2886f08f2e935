//! Simulates the strategy beside shipped ones: what each writes, reads and takes up for the same keys.

use own_strategy::TwoComponents;
use siltstone_compaction::{
    CompactionStrategy, LazyLeveled, Leveled, Simulation, SimulationParameters, SizeTiered,
};

/// Tables of 400 entries of 100 bytes: a hundredth of what flushes write in the run.
const TABLE_BYTES_MAX: u64 = 40_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("strategy          entries written   entries stored   runs read   at most");
    for runs_max in [8, 32] {
        simulate(TwoComponents { runs_max, table_bytes_max: TABLE_BYTES_MAX })?;
    }
    simulate(SizeTiered { table_bytes_max: TABLE_BYTES_MAX, ..SizeTiered::default() })?;
    simulate(Leveled { table_bytes_max: TABLE_BYTES_MAX, base_bytes: 40_000, ..Leveled::default() })?;
    simulate(LazyLeveled { table_bytes_max: TABLE_BYTES_MAX, ..LazyLeveled::default() })?;
    Ok(())
}

fn simulate(strategy: impl CompactionStrategy + Clone) -> Result<(), Box<dyn std::error::Error>> {
    let name = strategy.name();
    let parameters =
        SimulationParameters { warm_up_flushes: 1_000, flushes: 1_000, ..SimulationParameters::default() };
    // A sequence that looks random and is the same for each.
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % parameters.loaded_keys
    };
    let report = Simulation::new(strategy, parameters).run(next)?;
    println!(
        "{name:<16} {:>16.1} {:>16.2} {:>11.1} {:>9}",
        report.write_amplification, report.space_amplification_mean, report.runs_mean, report.runs_max
    );
    Ok(())
}
