//! The simulator against a published reference, and against strategies that misbehave.

use siltstone_compaction::{
    Action, CompactionStrategy, Cuts, Debt, Job, Output, Place, Reason, Simulation, SimulationError,
    SimulationParameters, SimulationReport, SizeTiered, TreeView, check_levels, runs_by_age,
};

use crate::leveled::SmallLeveled;

/// `SplitMix64`.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub(crate) fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u32::try_from((mixed ^ (mixed >> 31)) % u64::from(end)).unwrap()
    }
}

/// A thousand memtables' worth of data, as in the reference.
const PARAMETERS: SimulationParameters = SimulationParameters {
    loaded_keys: 100_000,
    flush_entries: 100,
    warm_up_flushes: 6_000,
    flushes: 6_000,
    entry_bytes: 100,
};

/// Uniform overwrites of the loaded keys.
pub(crate) fn simulate(
    strategy: impl CompactionStrategy,
    parameters: SimulationParameters,
) -> SimulationReport {
    let mut random = Random::new(1);
    let mut simulation = Simulation::new(strategy, parameters);
    let report = simulation.run(|| random.below(parameters.loaded_keys)).unwrap();
    assert_eq!(check_levels(simulation.levels()), Ok(()));
    report
}

#[track_caller]
pub(crate) fn close(found: f64, expected: f64) {
    assert!((found / expected - 1.0).abs() <= 0.1, "{found} is not within a tenth of {expected}");
}

// The reference is a program of its own, with N / M = 1000: it merges each tier when it has T runs, and the
// last one into itself.
#[test]
fn tiers_write_what_the_reference_writes() {
    // In the reference the last tier merges when three runs of 226 are in front of one of 1000.
    let four = SizeTiered { space_amplification_percent_max: 68, ..SizeTiered::tiers(4) };
    let report = simulate(four, PARAMETERS);
    close(report.write_amplification, 6.2);
    close(report.space_amplification_mean, 1.35);
    close(report.space_amplification_max, 1.70);
    close(report.space_amplification_peak, 2.68);
    close(report.runs_mean, 8.0);

    let eight = SizeTiered { space_amplification_percent_max: u32::MAX, ..SizeTiered::tiers(8) };
    let report = simulate(eight, PARAMETERS);
    close(report.write_amplification, 4.1);
    close(report.space_amplification_mean, 2.44);
    close(report.space_amplification_max, 3.90);
    close(report.space_amplification_peak, 4.81);
    close(report.runs_mean, 14.5);
}

#[test]
fn the_default_does_what_its_documentation_says() {
    let report = simulate(SizeTiered::default(), PARAMETERS);
    close(report.write_amplification, 6.3);
    close(report.space_amplification_mean, 1.4);
    close(report.runs_mean, 6.0);
    assert_eq!(report.runs_max, 11);
    assert!(report.entries_flushed < report.entries_drawn && report.entries_drawn == 600_000);
}

#[test]
fn ascending_keys_are_moved_rather_than_rewritten() {
    let parameters =
        SimulationParameters { loaded_keys: 0, flushes: 2_000, warm_up_flushes: 0, ..PARAMETERS };
    let strategy = SizeTiered { table_bytes_max: 30_000, ..SizeTiered::tiers(4) };
    let mut simulation = Simulation::new(strategy, parameters);
    let mut keys = 0..u32::MAX;
    let report = simulation.run(|| keys.next().unwrap()).unwrap();
    // One to flush, one to leave level 0, and some where the limit on space takes the young for waste.
    assert!((2.0..2.7).contains(&report.write_amplification), "{report:?}");
}

#[test]
fn a_leveled_strategy_trades_writes_for_space_and_runs() {
    let parameters = SimulationParameters { warm_up_flushes: 300, flushes: 300, ..PARAMETERS };
    let report = simulate(SmallLeveled { bytes_max: 40_000, table_bytes_max: 40_000 }, parameters);
    assert!(report.runs_max <= 10 && report.space_amplification_max < 1.1, "{report:?}");
    // Eight levels, each twice as large as the one above.
    assert!((10.0..60.0).contains(&report.write_amplification), "{report:?}");
}

/// Always has the same job for the newest run, and states a debt.
#[derive(Debug)]
struct Misbehaving {
    place: Option<Place>,
    debt: Debt,
}

impl CompactionStrategy for Misbehaving {
    fn name(&self) -> &'static str {
        "misbehaving"
    }
    fn plan(&self, view: &TreeView<'_>) -> Option<Job> {
        let output = Output { level: 0, place: self.place? };
        let inputs = runs_by_age(view.levels).take(1).map(|(_, run)| run.tables[0].id).collect();
        let action = Action::Merge { output, table_bytes_max: u64::MAX, cuts: Cuts::BY_SIZE };
        Some(Job { action, inputs, reason: Reason::new("again", "and again") })
    }
    fn debt(&self, _: &TreeView<'_>) -> Debt {
        self.debt
    }
}

#[test]
fn strategies_that_break_their_promises_are_told_so() {
    let parameters = SimulationParameters { loaded_keys: 10, flush_entries: 2, flushes: 1, ..PARAMETERS };
    let some = Debt { bytes: 1, ..Debt::ZERO };
    let outcome = |place, debt| Simulation::new(Misbehaving { place, debt }, parameters).run(|| 7);
    assert_eq!(outcome(Some(Place::ReplaceNewest), some), Err(SimulationError::Endless));
    assert_eq!(outcome(None, some), Err(SimulationError::WrongDebt { debt: some }));
    assert_eq!(
        outcome(Some(Place::ReplaceNewest), Debt::ZERO),
        Err(SimulationError::WrongDebt { debt: Debt::ZERO })
    );
    let invalid = outcome(Some(Place::NewRun), some);
    assert!(matches!(invalid, Err(SimulationError::InvalidJob { .. })), "{invalid:?}");
    assert!(outcome(None, Debt::ZERO).is_ok());
}
