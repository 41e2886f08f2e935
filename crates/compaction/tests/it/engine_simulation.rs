//! The simulated engine: what it counts adds up, its time too, and it does what the engine does.

use siltstone_compaction::{
    Action, Backpressure, CompactionStrategy, Cuts, Debt, EngineParameters, EngineReport, EngineSimulation,
    EntrySizes, Job, Operation, Output, Place, Reason, Simulation, SimulationError, SimulationParameters,
    SizeTiered, Timing, TreeView, Workload, check_levels, runs_by_age, types::Kind,
};

use crate::leveled::SmallLeveled;

const KEYS: u32 = 20_000;

const WORKLOADS: [Workload; 5] = [
    Workload::Uniform,
    Workload::Zipfian { theta: 0.99 },
    Workload::Sequential,
    Workload::TimeSeries { series: 50 },
    Workload::DeleteHeavy { delete_percent: 50 },
];

/// Memtables of 400 puts, tables of 1000.
fn instant() -> EngineParameters {
    EngineParameters {
        memory: EntrySizes { put_bytes: 244, tombstone_bytes: 120 },
        file: EntrySizes { put_bytes: 120, tombstone_bytes: 20 },
        memtable_bytes_max: 400 * 244,
        ..EngineParameters::default()
    }
}

/// A disk that writes what two workers make of 20,000 operations a second, and not much more.
fn timed() -> EngineParameters {
    EngineParameters {
        timing: Timing {
            writes_per_s: 20_000,
            flush_bytes_per_s: 50_000_000,
            compaction_bytes_per_s: 12_000_000,
            job_us: 2_000,
            workers: 2,
        },
        backpressure: Backpressure {
            debt_bytes_slow: 3_000_000,
            debt_bytes_stop: 9_000_000,
            level0_runs_slow: 8,
            level0_runs_stop: 12,
        },
        ..instant()
    }
}

fn size_tiered() -> SizeTiered {
    SizeTiered { table_bytes_max: 120_000, ..SizeTiered::default() }
}

fn leveled() -> SmallLeveled {
    SmallLeveled { bytes_max: 200_000, table_bytes_max: 120_000 }
}

/// Loads the keys, then runs the workload; the reports of both, after a check of what was counted.
#[track_caller]
fn simulate(
    strategy: impl CompactionStrategy,
    workload: Workload,
    parameters: EngineParameters,
) -> [EngineReport; 2] {
    let mut simulation = EngineSimulation::new(strategy, parameters);
    let load = simulation.run(workload.load(KEYS, 1)).unwrap();
    let report = simulation.run(workload.operations(KEYS, 5, 1)).unwrap();
    assert_eq!(simulation.check_reads(), Ok(()));
    assert_eq!(check_levels(simulation.levels()), Ok(()));
    for report in [&load, &report] {
        check_sums(report);
    }
    [load, report]
}

/// Nothing comes from nowhere, and nothing goes there.
#[track_caller]
fn check_sums(report: &EngineReport) {
    let gone = report.superseded + report.tombstones_dropped;
    assert_eq!(report.entries_read, report.entries_merged + gone, "{report:?}");
    let before = report.entries_before + report.entries_flushed;
    assert_eq!(before, report.entries_settled + gone + report.entries_dropped, "{report:?}");
    assert!(report.entries_flushed <= report.operations, "{report:?}");
}

#[test]
fn entries_in_are_entries_out_and_entries_dropped() {
    for workload in WORKLOADS {
        for parameters in [instant(), timed()] {
            let [load, report] = simulate(size_tiered(), workload, parameters.clone());
            assert_eq!(load.operations > 0, !workload.appends());
            let times = if workload.appends() { 1 } else { 5 };
            assert_eq!(report.operations, u64::from(KEYS) * times);
            simulate(leveled(), workload, parameters);
        }
    }
}

#[test]
fn a_run_is_a_function_of_its_seed() {
    let run = |seed| {
        let mut simulation = EngineSimulation::new(size_tiered(), EngineParameters { seed, ..timed() });
        let workload = Workload::DeleteHeavy { delete_percent: 30 };
        simulation.run(workload.load(KEYS, seed)).unwrap();
        simulation.run(workload.operations(KEYS, 2, seed)).unwrap()
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));

    for workload in WORKLOADS.into_iter().filter(|workload| *workload != Workload::Sequential) {
        let written = |seed| {
            let operations = workload.operations(KEYS, 1, seed);
            (workload.load(KEYS, seed).collect::<Vec<_>>(), operations.collect::<Vec<_>>())
        };
        let (load, operations) = written(7);
        assert_eq!((&load, &operations), (&written(7).0, &written(7).1));
        assert!(workload.appends() || load != written(8).0, "{workload:?}");
        assert_ne!(operations, written(8).1, "{workload:?}");
    }
}

#[test]
fn what_ends_in_the_moment_in_which_a_memtable_is_full_is_seen_in_it() {
    // 400 operations take 20 ms, and so does the flush of their 48,000 bytes.
    let timing = Timing { flush_bytes_per_s: 2_400_000, job_us: 0, ..timed().timing };
    let parameters = EngineParameters { timing, backpressure: Backpressure::NONE, ..timed() };
    let never = SizeTiered { runs_min: usize::MAX, ..SizeTiered::default() };
    let operations = (0..800).map(|key| Operation { key, kind: Kind::Put });
    let report = EngineSimulation::new(never, parameters).run(operations).unwrap();
    // None when the first was full, one when the second was, and two at the end.
    assert!((report.runs_mean - 1.0).abs() < 1e-9, "{report:?}");
}

#[test]
fn ascending_keys_are_never_merged() {
    /// Every table goes down as it is.
    #[derive(Debug)]
    struct Mover;
    impl CompactionStrategy for Mover {
        fn name(&self) -> &'static str {
            "mover"
        }
        fn plan(&self, view: &TreeView<'_>) -> Option<Job> {
            let level0 = &view.levels.first()?.runs;
            let place = match view.levels.get(1).and_then(|level| level.runs.first()) {
                Some(run) => Place::JoinRun(run.epoch),
                None => Place::NewRun,
            };
            let inputs = vec![level0.last()?.tables[0].id];
            let action = Action::Move { output: Output { level: 1, place } };
            Some(Job { action, inputs, reason: Reason::new("down", "as it is") })
        }
        fn debt(&self, view: &TreeView<'_>) -> Debt {
            let runs = view.levels.first().map_or(0, |level| level.runs.len() as u64);
            Debt { bytes: runs, runs, level0_runs: runs }
        }
    }
    // Moves of overlapping tables would be refused, so this also shows that the keys ascend.
    let [_, report] = simulate(Mover, Workload::Sequential, instant());
    assert_eq!((report.bytes_merged, report.moves), (0, 50));
    assert!((report.table_write_amplification - 1.0).abs() < 1e-9, "{report:?}");
    assert!((report.space_amplification_max - 1.0).abs() < 1e-9, "{report:?}");
    assert_eq!((report.runs_settled, report.tables_settled), (1, 50));

    // Size-tiered merges each table once, because level 0 may be stored otherwise, and moves from there on.
    let tiers = SizeTiered {
        table_bytes_max: 120_000,
        space_amplification_percent_max: u32::MAX,
        ..SizeTiered::tiers(4)
    };
    let [_, report] = simulate(tiers, Workload::Sequential, instant());
    assert!(report.moves > 0 && (1.9..2.1).contains(&report.table_write_amplification), "{report:?}");
    assert_eq!(report.superseded, 0);
}

#[test]
fn points_of_a_time_series_go_to_the_end_of_their_series() {
    let (series, room) = (50, KEYS / 50 * 2 + 64);
    let mut ends = vec![0; 50];
    let mut corrections = 0;
    for Operation { key, kind } in (Workload::TimeSeries { series }).operations(KEYS, 5, 3) {
        assert_eq!(kind, Kind::Put);
        let (series, point) = ((key / room) as usize, key % room);
        if point == ends[series] {
            ends[series] += 1;
        } else {
            assert!(point < ends[series] && point + 100 >= ends[series], "{point} {}", ends[series]);
            corrections += 1;
        }
    }
    assert!(ends.iter().all(|end| (300..500).contains(end)), "{ends:?}");
    assert!((120..280).contains(&corrections), "one in a hundred of {KEYS}, not {corrections}");
}

#[test]
fn deletes_make_room_when_nothing_older_is_left() {
    let workload = Workload::DeleteHeavy { delete_percent: 50 };
    let [load, report] = simulate(size_tiered(), workload, instant());
    assert_eq!(load.deletes, 0);
    assert!((48_000..52_000).contains(&report.deletes), "{report:?}");
    // The last operation on a key is a delete as often as not, and five operations leave e^-5 of them as loaded.
    let live_entries = report.live_bytes / 120;
    assert!((9_600..10_600).contains(&live_entries), "{live_entries}");
    assert!(report.tombstones_dropped > 10_000, "{report:?}");

    // A merge of everything has nothing behind it, so no tombstone survives.
    let mut simulation = EngineSimulation::new(AllAtOnce, instant());
    simulation.run(workload.load(KEYS, 1)).unwrap();
    let report = simulation.run(workload.operations(KEYS, 1, 1)).unwrap();
    assert_eq!(simulation.check_reads(), Ok(()));
    assert!((report.space_amplification_settled - 1.0).abs() < 1e-9, "{report:?}");
    assert!(runs_by_age(simulation.levels()).all(|(_, run)| run.tables.iter().all(|t| t.tombstones == 0)));
}

/// Merges everything whenever there are two runs.
#[derive(Debug)]
struct AllAtOnce;

impl CompactionStrategy for AllAtOnce {
    fn name(&self) -> &'static str {
        "all-at-once"
    }
    fn plan(&self, view: &TreeView<'_>) -> Option<Job> {
        let runs: Vec<_> = runs_by_age(view.levels).collect();
        let (oldest, _) = runs.last()?;
        let place = if oldest.level == 0 { Place::NewRun } else { Place::JoinRun(oldest.epoch()) };
        let is_due = runs.len() > 1 && view.running.is_empty();
        is_due.then(|| Job {
            action: Action::Merge {
                output: Output { level: 1, place },
                table_bytes_max: u64::MAX,
                cuts: Cuts::BY_SIZE,
            },
            inputs: runs.iter().flat_map(|(_, run)| run.tables.iter().map(|table| table.id)).collect(),
            reason: Reason::new("all", "all at once"),
        })
    }
    fn debt(&self, view: &TreeView<'_>) -> Debt {
        let runs = runs_by_age(view.levels).count() as u64;
        let bytes = runs_by_age(view.levels).map(|(_, run)| run.file_bytes()).sum();
        if runs > 1 { Debt { bytes, runs: runs - 1, level0_runs: 0 } } else { Debt::ZERO }
    }
}

/// Drops the oldest runs of level 0 when there are more than ten. Keys come back to life for no reader, because each
/// is written once.
#[derive(Debug)]
struct Forgetful;

impl CompactionStrategy for Forgetful {
    fn name(&self) -> &'static str {
        "forgetful"
    }
    fn plan(&self, view: &TreeView<'_>) -> Option<Job> {
        let runs: Vec<_> = runs_by_age(view.levels).collect();
        let (_, oldest) = runs.get(10..)?.last()?;
        let inputs = oldest.tables.iter().map(|table| table.id).collect();
        Some(Job { action: Action::Drop, inputs, reason: Reason::new("size", "ten runs are enough") })
    }
    fn debt(&self, view: &TreeView<'_>) -> Debt {
        let excess = runs_by_age(view.levels).count().saturating_sub(10) as u64;
        Debt { bytes: excess, runs: excess, level0_runs: excess }
    }
}

#[test]
fn what_is_dropped_whole_is_not_live_any_more() {
    for workload in [Workload::Sequential, Workload::Uniform, Workload::DeleteHeavy { delete_percent: 40 }] {
        let [_, report] = simulate(Forgetful, workload, instant());
        assert!(report.entries_dropped > 10_000, "{report:?}");
        assert_eq!((report.runs_settled, report.bytes_merged), (10, 0));
        if workload == Workload::Sequential {
            assert_eq!(report.live_bytes, report.file_bytes);
        }
    }
}

#[test]
fn time_that_passes_is_work_or_lost() {
    let mut stalled = 0;
    for workload in WORKLOADS {
        let [_, report] = simulate(size_tiered(), workload, timed());
        // 20,000 a second.
        let work_ns = report.operations * 50_000;
        let rounded = report.writing_ns.abs_diff(work_ns + report.stalls.total_ns());
        assert!(rounded < 1_000_000, "{workload:?} {report:?}");
        assert!(report.stalls.longest_stop_ns <= report.stalls.total_ns());
        stalled += u64::from(report.stalls.total_ns() > 0);
    }
    assert!(stalled > 0, "the disk is meant to be too slow for some of them");
}

#[test]
fn a_disk_that_keeps_up_stalls_nobody_and_writes_what_an_instant_one_writes() {
    let fast = Timing { writes_per_s: 1_000, compaction_bytes_per_s: 1 << 30, workers: 1, ..timed().timing };
    // A merge of everything counts as debt until it ends.
    let limits =
        Backpressure { debt_bytes_slow: 9_000_000, debt_bytes_stop: 20_000_000, ..timed().backpressure };
    let parameters = EngineParameters { timing: fast, backpressure: limits, ..timed() };
    let [_, report] = simulate(size_tiered(), Workload::Uniform, parameters);
    let [_, ideal] = simulate(size_tiered(), Workload::Uniform, instant());
    assert_eq!(report.stalls.total_ns(), 0);
    assert_eq!((report.bytes_flushed, report.bytes_merged), (ideal.bytes_flushed, ideal.bytes_merged));
    assert_eq!((ideal.debt_bytes_max, ideal.settling_ns), (0, 0));
    assert!(report.settling_ns > 0);
}

#[test]
fn without_time_and_tombstones_both_simulations_are_one() {
    let key = |at: u32| at.wrapping_mul(2_654_435_761) % 5_000;
    // Memtables of 100 operations, from an empty tree.
    let parameters = SimulationParameters {
        loaded_keys: 0,
        flush_entries: 100,
        warm_up_flushes: 0,
        flushes: 300,
        entry_bytes: 120,
    };
    let mut at = 0..;
    let simple = Simulation::new(size_tiered(), parameters).run(|| key(at.next().unwrap())).unwrap();
    let parameters = EngineParameters { memtable_bytes_max: 100 * 244, ..instant() };
    let operations = (0..30_000).map(|at| Operation { key: key(at), kind: Kind::Put });
    let report = EngineSimulation::new(size_tiered(), parameters).run(operations).unwrap();
    assert_eq!(
        (report.operations, report.entries_flushed, report.entries_merged),
        (simple.entries_drawn, simple.entries_flushed, simple.entries_merged)
    );
    assert_eq!((report.runs_max, &report.jobs), (simple.runs_max, &simple.jobs));
    for (found, expected) in [
        (report.space_amplification_mean, simple.space_amplification_mean),
        (report.space_amplification_max, simple.space_amplification_max),
        (report.space_amplification_peak, simple.space_amplification_peak),
    ] {
        assert!((found - expected).abs() < 1e-9, "{report:?} {simple:?}");
    }
}

#[test]
fn the_slower_the_disk_the_longer_writers_wait() {
    let mut last = 0;
    for megabytes in [24, 12, 6, 3] {
        let timing = Timing { compaction_bytes_per_s: megabytes * 1_000_000, ..timed().timing };
        let [_, report] = simulate(size_tiered(), Workload::Uniform, EngineParameters { timing, ..timed() });
        assert!(report.stalls.total_ns() > last, "{megabytes} {report:?}");
        last = report.stalls.total_ns();
    }
    // The flush lane alone: what is sealed has to wait.
    let timing = Timing { flush_bytes_per_s: 1_000_000, compaction_bytes_per_s: u64::MAX, ..timed().timing };
    let parameters = EngineParameters { timing, backpressure: Backpressure::NONE, ..timed() };
    let [_, report] = simulate(size_tiered(), Workload::Uniform, parameters);
    assert!(report.stalls.memtables_ns > 0, "{report:?}");
    assert_eq!(report.stalls.level0_ns + report.stalls.debt_ns + report.stalls.slowed_ns, 0);
    // 2.4 MB/s are written, of which less than half can be flushed.
    assert!(report.stalls.memtables_ns > report.writing_ns / 2, "{report:?}");
}

#[test]
fn level_zero_stops_writers_at_its_limit_and_not_before() {
    let backpressure = Backpressure { level0_runs_stop: 6, level0_runs_slow: 6, ..Backpressure::NONE };
    let timing = Timing { compaction_bytes_per_s: 4_000_000, ..timed().timing };
    let parameters = EngineParameters { backpressure, timing, ..timed() };
    let [_, report] = simulate(size_tiered(), Workload::Uniform, parameters);
    assert!(report.stalls.level0_ns > 0, "{report:?}");
    assert_eq!(report.stalls.debt_ns + report.stalls.slowed_ns, 0);
    // Two memtables may be sealed already when level 0 is full, and one is being filled.
    assert!((6..=9).contains(&report.level0_runs_max), "{report:?}");
}

/// Another strategy that looks at what it is told.
#[derive(Debug)]
struct Watchful<S>(S);

impl<S: CompactionStrategy> CompactionStrategy for Watchful<S> {
    fn name(&self) -> &'static str {
        "watchful"
    }
    fn plan(&self, view: &TreeView<'_>) -> Option<Job> {
        let tables: Vec<_> =
            runs_by_age(view.levels).flat_map(|(_, run)| run.tables.iter().map(|table| table.id)).collect();
        let busy: Vec<_> = view.running.iter().flat_map(|job| &job.inputs).collect();
        assert!(busy.iter().all(|id| tables.contains(id)), "{view:?}");
        assert!((1..busy.len()).all(|at| !busy[..at].contains(&busy[at])), "{view:?}");
        self.0.plan(view)
    }
    fn debt(&self, view: &TreeView<'_>) -> Debt {
        self.0.debt(view)
    }
}

#[test]
fn strategies_are_told_what_runs_and_nothing_else() {
    let timing = Timing { compaction_bytes_per_s: 8_000_000, workers: 3, ..timed().timing };
    let parameters = EngineParameters { timing, ..timed() };
    let [_, report] = simulate(Watchful(leveled()), Workload::Uniform, parameters);
    assert_eq!(report.jobs_running_max, 3);
}

#[test]
fn workers_run_jobs_beside_each_other() {
    let slow = |workers| {
        let timing = Timing { compaction_bytes_per_s: 8_000_000, workers, ..timed().timing };
        simulate(leveled(), Workload::Uniform, EngineParameters { timing, ..timed() })[1].clone()
    };
    let (one, three) = (slow(1), slow(3));
    assert_eq!((one.jobs_running_max, three.jobs_running_max), (1, 3));
    assert!(three.stalls.total_ns() < one.stalls.total_ns(), "{one:?} {three:?}");
}

#[test]
fn memtables_are_full_by_bytes_and_hold_a_key_once_for_each_write() {
    // Ten puts of 244 bytes, or what is as much with tombstones of 120.
    let parameters = EngineParameters { memtable_bytes_max: 2_440, ..instant() };
    let write = |operations: Vec<Operation>| {
        let mut simulation = EngineSimulation::new(SizeTiered::default(), parameters.clone());
        let report = simulation.run(operations).unwrap();
        (report.entries_flushed, report.tables_settled)
    };
    let puts = |keys: Vec<u32>| keys.into_iter().map(|key| Operation { key, kind: Kind::Put }).collect();
    assert_eq!(write(puts((0..20).collect())), (20, 2));
    assert_eq!(write(puts((0..21).collect())), (21, 3));
    assert_eq!(write(puts(vec![7; 20])), (2, 2));
    let deletes = (0..21).map(|key| Operation { key, kind: Kind::Delete }).collect();
    assert_eq!(write(deletes), (21, 1));
}

#[test]
fn of_one_memtable_the_last_operation_on_a_key_counts() {
    let put = Operation { key: 7, kind: Kind::Put };
    let delete = Operation { key: 7, kind: Kind::Delete };
    for (operations, live_bytes) in [([put, delete], 0), ([delete, put], 120)] {
        let mut simulation = EngineSimulation::new(SizeTiered::default(), instant());
        let report = simulation.run(operations).unwrap();
        assert_eq!((report.entries_flushed, report.live_bytes), (1, live_bytes));
    }
}

#[test]
fn a_job_takes_the_time_of_what_it_reads_and_writes() {
    // Two memtables of 400 different keys each, then one merge of both.
    let timing = Timing { compaction_bytes_per_s: 1_000_000, workers: 1, ..timed().timing };
    let parameters = EngineParameters { timing, backpressure: Backpressure::NONE, ..timed() };
    let operations = (0..800).map(|key| Operation { key, kind: Kind::Put });
    let report = EngineSimulation::new(AllAtOnce, parameters).run(operations).unwrap();
    let bytes = 800 * 120;
    assert_eq!((report.bytes_flushed, report.bytes_read, report.bytes_merged), (bytes, bytes, bytes));
    // 20,000 operations a second.
    assert_eq!(report.writing_ns, 800 * 50_000);
    // 2 ms for each job, 48,000 bytes at 50 MB/s, and twice 96,000 bytes at 1 MB/s.
    assert_eq!(report.settling_ns, 2_000_000 + 960_000 + 2_000_000 + 192_000_000);
}

#[test]
fn tables_are_cut_by_bytes() {
    let parameters = EngineParameters {
        file: EntrySizes { put_bytes: 100, tombstone_bytes: 10 },
        memtable_bytes_max: 100 * 244,
        ..instant()
    };
    let strategy = SizeTiered { runs_min: 2, table_bytes_max: 2_950, ..SizeTiered::default() };
    let mut simulation = EngineSimulation::new(strategy, parameters);
    simulation.run(Workload::Uniform.load(200, 1)).unwrap();
    let entries: Vec<u64> = runs_by_age(simulation.levels())
        .flat_map(|(_, run)| run.tables.iter().map(|table| table.entries))
        .collect();
    // 30 are the first to reach 2950 bytes.
    assert_eq!(entries, [30, 30, 30, 30, 30, 30, 20]);
}

#[test]
fn reads_ask_fewer_runs_with_filters() {
    let [_, report] = simulate(size_tiered(), Workload::Uniform, instant());
    let (found, absent) = (report.found, report.absent);
    assert!(
        absent.runs_asked > 0.8 * report.runs_mean && absent.runs_asked <= report.runs_mean,
        "{report:?}"
    );
    assert!((absent.runs_read / absent.runs_asked - 0.01).abs() < 1e-6, "{absent:?}");
    assert!(found.runs_asked > 1.0 && found.runs_asked < absent.runs_asked, "{report:?}");
    let expected = 1.0 + 0.01 * (found.runs_asked - 1.0);
    assert!((found.runs_read - expected).abs() < 1e-6, "{found:?}");

    // What is read often is written often, and so in the newest runs.
    let [_, skewed] = simulate(size_tiered(), Workload::Zipfian { theta: 0.99 }, instant());
    assert!(skewed.found.runs_asked < found.runs_asked, "{skewed:?}");
}

#[test]
fn popular_keys_lie_anywhere_and_are_popular() {
    let mut counts = vec![0_u32; 1_000];
    for operation in (Workload::Zipfian { theta: 0.99 }).operations(1_000, 200, 5) {
        counts[operation.key as usize] += 1;
    }
    let popular = counts.iter().position(|count| count == counts.iter().max().unwrap()).unwrap();
    assert_ne!(popular, 0, "the seed is one at which the first key is not the most popular by chance");
    counts.sort_unstable_by(|a, b| b.cmp(a));
    // The sum of 1 / k^0.99 up to 1000 is 7.73.
    assert!((25_000..26_700).contains(&counts[0]), "{}", counts[0]);
    assert!((12_500..13_500).contains(&counts[1]), "{}", counts[1]);
    let uniform: std::collections::BTreeSet<u32> =
        Workload::Uniform.operations(1_000, 20, 5).map(|operation| operation.key).collect();
    assert_eq!((uniform.len(), uniform.last()), (1_000, Some(&999)));
}

/// Merges the newest run with itself for ever, and states a debt.
#[derive(Debug)]
struct Restless(Debt);

impl CompactionStrategy for Restless {
    fn name(&self) -> &'static str {
        "restless"
    }
    fn plan(&self, view: &TreeView<'_>) -> Option<Job> {
        let (_, run) = runs_by_age(view.levels).next()?;
        let output = Output { level: 0, place: Place::ReplaceNewest };
        let action = Action::Merge { output, table_bytes_max: u64::MAX, cuts: Cuts::BY_SIZE };
        view.running.is_empty().then(|| Job {
            action,
            inputs: vec![run.tables[0].id],
            reason: Reason::new("again", "and again"),
        })
    }
    fn debt(&self, _: &TreeView<'_>) -> Debt {
        self.0
    }
}

#[test]
fn strategies_that_break_their_promises_are_told_so() {
    let put = |key| Operation { key, kind: Kind::Put };
    let run = |debt| EngineSimulation::new(Restless(debt), instant()).run([put(1)]);
    assert_eq!(run(Debt::ZERO), Err(SimulationError::WrongDebt { debt: Debt::ZERO }));
    let some = Debt { bytes: 1, ..Debt::ZERO };
    // Before there is anything, a debt is wrong.
    assert_eq!(run(some), Err(SimulationError::WrongDebt { debt: some }));
}
