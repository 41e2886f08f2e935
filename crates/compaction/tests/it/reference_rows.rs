//! Strategies in the simulator beside an independent program that simulates the same rules: a million keys, uniform overwrites.

use siltstone_compaction::{
    Cuts, LazyLeveled, Leveled, Simulation, SimulationParameters, SimulationReport, SizeTiered,
};

use crate::simulation::{close, simulate};

/// What the independent program counts. Ours is to be within a tenth of each.
struct Row {
    write_amplification: f64,
    space_mean: f64,
    space_max: f64,
    runs_mean: f64,
    runs_max: f64,
}

impl Row {
    #[track_caller]
    fn check(&self, report: &SimulationReport) {
        close(report.write_amplification, self.write_amplification);
        close(report.space_amplification_mean, self.space_mean);
        close(report.space_amplification_max, self.space_max);
        close(report.runs_mean, self.runs_mean);
        close(u32::try_from(report.runs_max).unwrap().into(), self.runs_max);
    }
}

/// As the independent program does it: a million keys, one and a half times as many writes, half of them to
/// warm up, nothing moved and nothing cut early. Flushes of `flush` keys, tables of `table` keys.
fn leveled(flush: u32, ratio: u32, table: u64) -> (Leveled, SimulationParameters) {
    let (keys, entry_bytes) = (1_000_000, 100);
    let flushes = keys / flush * 3 / 4;
    let parameters = SimulationParameters {
        loaded_keys: keys,
        flush_entries: flush,
        warm_up_flushes: flushes,
        flushes,
        entry_bytes,
    };
    let strategy = Leveled {
        ratio,
        base_bytes: 4 * u64::from(flush) * entry_bytes,
        table_bytes_max: table * entry_bytes,
        moves: false,
        cuts: Cuts::BY_SIZE,
        level0_merge_runs_min: usize::MAX,
        ..Leveled::default()
    };
    (strategy, parameters)
}

/// The row with everything off is the reference's; with everything on, at least `saved` of the writes are
/// saved, and space and runs stay where they were.
#[track_caller]
fn check_leveled((off, parameters): (Leveled, SimulationParameters), row: &Row, saved: f64) {
    let on = Leveled {
        moves: true,
        cuts: Cuts { boundary_percent_min: 50, overlap_bytes_max: 25 * off.table_bytes_max },
        level0_merge_runs_min: 4,
        ..off.clone()
    };
    let off = simulate(off, parameters);
    row.check(&off);
    let on = simulate(on, parameters);
    assert!(on.write_amplification < off.write_amplification * (1.0 - saved), "{on:?}");
    close(on.space_amplification_max, off.space_amplification_max);
    assert!(on.runs_max <= off.runs_max + 1, "{on:?}");
}

#[test]
fn leveled_writes_what_the_reference_writes_with_ratio_10() {
    let row =
        Row { write_amplification: 18.1, space_mean: 1.11, space_max: 1.11, runs_mean: 4.5, runs_max: 6.0 };
    check_leveled(leveled(1000, 10, 4000), &row, 0.07);
}

#[test]
fn leveled_writes_what_the_reference_writes_with_ratio_8() {
    let row =
        Row { write_amplification: 17.4, space_mean: 1.14, space_max: 1.14, runs_mean: 4.5, runs_max: 6.0 };
    check_leveled(leveled(1000, 8, 4000), &row, 0.08);
}

#[test]
fn leveled_writes_what_the_reference_writes_with_larger_flushes() {
    let row =
        Row { write_amplification: 12.6, space_mean: 1.11, space_max: 1.12, runs_mean: 4.5, runs_max: 6.0 };
    check_leveled(leveled(4000, 10, 8000), &row, 0.07);
}

#[test]
fn leveled_writes_what_the_reference_writes_with_ratio_4() {
    let row =
        Row { write_amplification: 15.4, space_mean: 1.32, space_max: 1.33, runs_mean: 5.5, runs_max: 7.0 };
    check_leveled(leveled(1000, 4, 4000), &row, 0.15);
}

/// A tenth of the keys, and of the keys in a flush, twelve times over: how many flushes the data is decides.
const TIERS: SimulationParameters = SimulationParameters {
    loaded_keys: 100_000,
    flush_entries: 100,
    warm_up_flushes: 6_000,
    flushes: 6_000,
    entry_bytes: 100,
};

#[track_caller]
fn check_lazy(ratio: u32, row: &Row, space_peak: f64) {
    let strategy = LazyLeveled { ratio, table_bytes_max: 40_000, ..LazyLeveled::default() };
    let report = simulate(strategy, TIERS);
    row.check(&report);
    close(report.space_amplification_peak, space_peak);
}

#[test]
fn lazy_leveled_writes_what_the_reference_writes() {
    let four =
        Row { write_amplification: 7.8, space_mean: 1.13, space_max: 1.25, runs_mean: 7.0, runs_max: 13.0 };
    check_lazy(4, &four, 2.23);
    let eight =
        Row { write_amplification: 5.0, space_mean: 1.25, space_max: 1.5, runs_mean: 11.5, runs_max: 22.0 };
    check_lazy(8, &eight, 2.4);
    let ten =
        Row { write_amplification: 12.0, space_mean: 1.05, space_max: 1.1, runs_mean: 10.0, runs_max: 19.0 };
    check_lazy(10, &ten, 2.1);
}

// The rows for ratios 4 and 8 are in `simulation.rs`.
#[test]
fn tiers_of_ten_write_what_the_reference_writes() {
    // In the reference the last tier merges when nine runs of 95 are in front of one of 1000.
    let ten = SizeTiered { space_amplification_percent_max: 85, ..SizeTiered::tiers(10) };
    let row =
        Row { write_amplification: 4.1, space_mean: 1.43, space_max: 1.86, runs_mean: 14.0, runs_max: 27.0 };
    row.check(&simulate(ten, TIERS));
}

// Levels of sizes N, N / T, N / T^2, .. take 1 + 1 / (T - 1) of the space of N when they are full, and level 0 comes on top.
// A flush is written once. Each time level 0 is full its four runs and the base, of size B, are written. An entry that goes
// down one more level is written with what it overlaps: with `share` of T entries, when the table that overlaps least goes
// first. The shares are those that the independent program was found to have.
#[test]
fn leveled_writes_and_takes_up_what_the_formulas_say() {
    for (flush, ratio, table, share) in
        [(1000, 10, 4000, 0.53), (1000, 8, 4000, 0.62), (1000, 4, 4000, 0.78), (4000, 10, 8000, 0.53)]
    {
        let (strategy, parameters) = leveled(flush, ratio, table);
        let (keys, level0, ratio) =
            (f64::from(parameters.loaded_keys), 4.0 * f64::from(flush), f64::from(ratio));
        let mut sizes = vec![keys];
        while *sizes.last().unwrap() > level0 {
            sizes.push(sizes.last().unwrap() / ratio);
        }
        let (base, levels_below) =
            (sizes.last().unwrap(), f64::from(u32::try_from(sizes.len()).unwrap()) - 1.0);
        let report = simulate(strategy, parameters);
        close(report.write_amplification, 1.0 + (level0 + base) / level0 + share * ratio * levels_below);
        let space = report.space_amplification_max;
        assert!(space <= 1.0 + 1.0 / (ratio - 1.0) + level0 / keys, "{space}");
        assert!(space >= sizes.iter().sum::<f64>() / keys * 0.98, "{space}");
    }
}

#[test]
fn leveled_writes_ascending_keys_once() {
    let parameters = SimulationParameters { loaded_keys: 0, warm_up_flushes: 0, flushes: 3_000, ..TIERS };
    let mut keys = 0..u32::MAX;
    let strategy = Leveled { base_bytes: 40_000, table_bytes_max: 40_000, ..Leveled::default() };
    let report = Simulation::new(strategy, parameters).run(|| keys.next().unwrap()).unwrap();
    assert_eq!((report.entries_merged, report.entries_flushed), (0, 300_000), "{report:?}");
    assert!(report.runs_max <= 4 && report.jobs["level0-runs"] >= 700, "{report:?}");
}
