//! What each shipped strategy promises, on 100,000 random trees with several jobs under way.
//!
//! A case is made from its number. `CASES=1000000` runs more, `CASE=42` runs that one alone.

use std::collections::BTreeSet;

use siltstone_compaction::{
    Action, Budget, CompactionStrategy, Cuts, Debt, Fifo, HotRange, Job, KeyRange, LazyLeveled, Leveled,
    RunningJob, Similarity, SizeTiered, TreeView, runs_by_age, text::render_levels, validate,
};
use siltstone_types::SequenceNumber;

use crate::{
    cases,
    model::{Model, TreeShape, Version},
    simulation::Random,
};

impl Random {
    fn one_in(&mut self, of: u32) -> bool {
        self.below(of) == 0
    }

    fn from(&mut self, range: std::ops::Range<u32>) -> u64 {
        u64::from(range.start + self.below(range.end - range.start))
    }

    fn count(&mut self, range: std::ops::Range<u32>) -> usize {
        usize::try_from(self.from(range)).unwrap()
    }

    /// Up to so much, or no limit.
    fn limit(&mut self, end: u32) -> u64 {
        if self.one_in(3) { u64::MAX } else { self.from(0..end) }
    }
}

/// Up to five levels of runs, one of them crowded now and then.
fn shape(random: &mut Random) -> TreeShape {
    let level = |random: &mut Random| {
        let (runs, tables) = if random.one_in(4) { (5..14, 3) } else { (0..5, 4) };
        let run = |random: &mut Random| {
            let table = |random: &mut Random| {
                let bytes = [1, 4, 1000][random.count(0..3)];
                let (skipped, keys) = (random.below(4), 1 + random.below(3));
                let (skipped, keys) = (u8::try_from(skipped).unwrap(), u8::try_from(keys).unwrap());
                (skipped, keys, 1 + u64::from(random.below(bytes)), random.one_in(2))
            };
            (0..random.count(1..tables)).map(|_| table(random)).collect()
        };
        (0..random.count(runs)).map(|_| run(random)).collect()
    };
    (0..random.count(0..5)).map(|_| level(random)).collect()
}

/// What stays the same in one case.
struct World {
    snapshots: Vec<SequenceNumber>,
    now_unix_ms: u64,
    hot_ranges: Vec<HotRange>,
}

impl World {
    fn new(random: &mut Random) -> World {
        let mut snapshots: Vec<_> =
            (0..random.count(0..3)).map(|_| SequenceNumber::new(random.from(0..120)).unwrap()).collect();
        snapshots.sort_unstable();
        let hot = |random: &mut Random| {
            let first = u8::try_from(random.below(12)).unwrap();
            let range = KeyRange::new(&[first], &[first + u8::try_from(random.below(4)).unwrap()]);
            HotRange { range, reads: random.from(0..4) }
        };
        let hot_ranges = (0..random.count(0..3)).map(|_| hot(random)).collect();
        World { snapshots, now_unix_ms: random.from(0..2500), hot_ranges }
    }

    fn view<'a>(&'a self, model: &'a Model, running: &'a [RunningJob], budget: Budget) -> TreeView<'a> {
        let World { snapshots, now_unix_ms, hot_ranges } = self;
        TreeView { levels: &model.levels, running, snapshots, now_unix_ms: *now_unix_ms, budget, hot_ranges }
    }
}

/// What a strategy promises of a tree in which it has nothing left to do.
type Settled<S> = fn(&S, &World, &Model) -> Result<(), String>;

/// Runs all cases of one strategy.
fn check<S: CompactionStrategy>(make: fn(&mut Random) -> S, settled: Settled<S>) {
    let only = std::env::var("CASE").ok().and_then(|case| case.parse().ok());
    let all = only.map_or(0..u64::from(cases(100_000)), |case| case..case + 1);
    let mut planned = 0;
    for case in all.clone() {
        let mut random = Random::new(case);
        let strategy = make(&mut random);
        let mut model = Model::new(&shape(&mut random));
        let levels = model.levels.clone();
        let world = World::new(&mut random);
        let outcome = live(&strategy, &mut model, &world, &mut random)
            .and_then(|jobs| settle(&strategy, &mut model, &world).map(|more| planned += jobs + more))
            .and_then(|()| settled(&strategy, &world, &model));
        assert_eq!(outcome, Ok(()), "case {case}, {strategy:?}\n{}", render_levels(&levels));
    }
    // Cases in which nothing happens would prove nothing.
    assert!(only.is_some() || planned > all.end / 8, "{planned} jobs in {} cases", all.end);
}

/// Jobs begin and end in any order, and flushes come in between.
fn live(
    strategy: &dyn CompactionStrategy,
    model: &mut Model,
    world: &World,
    random: &mut Random,
) -> Result<u64, String> {
    let mut jobs: Vec<Job> = Vec::new();
    let mut running: Vec<RunningJob> = Vec::new();
    let mut planned = 0;
    for _ in 0..random.below(16) {
        match random.below(4) {
            0 | 1 => {
                let job_bytes_max = if random.one_in(4) { random.from(1..500) } else { u64::MAX };
                let view = world.view(model, &running, Budget { job_bytes_max });
                let Some(job) = strategy.plan(&view) else { continue };
                check_job(&job, &view)?;
                running.push(RunningJob::new(&job, &model.levels).map_err(|broken| broken.to_string())?);
                jobs.push(job);
                planned += 1;
            }
            2 if !jobs.is_empty() => {
                let which = random.count(0..u32::try_from(jobs.len()).unwrap());
                running.swap_remove(which);
                end(&jobs.swap_remove(which), model, random.count(1..5))?;
            }
            _ => {
                let from = u8::try_from(random.below(12)).unwrap();
                model.flush(from..from + 1 + u8::try_from(random.below(7)).unwrap());
                model.check()?;
            }
        }
    }
    jobs.drain(..).try_for_each(|job| end(&job, model, 3))?;
    Ok(planned)
}

/// A job that was planned is valid, and keeps clear of what runs, also by a count that is not `validate`'s.
fn check_job(job: &Job, view: &TreeView<'_>) -> Result<(), String> {
    validate(job, view).map_err(|broken| format!("{job}: {broken}"))?;
    let is_shared = |running: &RunningJob| running.inputs.iter().any(|input| job.inputs.contains(input));
    if view.running.iter().any(is_shared) {
        return Err(format!("{job} shares an input with {:?}", view.running));
    }
    let this = RunningJob::new(job, view.levels).map_err(|broken| broken.to_string())?;
    let is_merge = matches!(job.action, Action::Merge { .. });
    let collides = |running: &RunningJob| {
        is_merge && running.output == this.output && running.range.overlaps(&this.range)
    };
    if job.output().is_some() && view.running.iter().any(collides) {
        return Err(format!("{job} writes where another does: {:?}", view.running));
    }
    let tables = || runs_by_age(view.levels).flat_map(|(_, run)| &run.tables);
    let is_seen = |from: SequenceNumber| view.snapshots.iter().any(|snapshot| *snapshot >= from);
    let mut inputs = tables().filter(|table| job.inputs.contains(&table.id));
    if job.action == Action::Drop && inputs.any(|table| is_seen(table.first_sequence)) {
        return Err(format!("{job} drops what one of {:?} sees", view.snapshots));
    }
    let bytes: u64 =
        tables().filter(|table| job.inputs.contains(&table.id)).map(|table| table.file_bytes).sum();
    if is_merge && bytes > view.budget.job_bytes_max {
        return Err(format!("{job} has {bytes} bytes, {:?}", view.budget));
    }
    Ok(())
}

/// Applies a job: all versions are still there, unless they were to go, and newer ones in front.
fn end(job: &Job, model: &mut Model, keys_max: usize) -> Result<(), String> {
    let mut expected = model.versions();
    if matches!(job.action, Action::Drop) {
        let gone: BTreeSet<Version> = job.inputs.iter().flat_map(|id| model.contents(*id)).copied().collect();
        // Nothing older of a key may be left.
        let is_revealed =
            |pair: &&[Version]| pair[0].0 == pair[1].0 && gone.contains(&pair[0]) && !gone.contains(&pair[1]);
        if let Some(pair) = expected.windows(2).find(is_revealed) {
            return Err(format!("{job} drops the first of {pair:?}"));
        }
        expected.retain(|version| !gone.contains(version));
    }
    model.run(job, keys_max).map_err(|broken| format!("{job}: {broken}"))?;
    if expected != model.versions() {
        return Err(format!("{job}: {expected:?} became {:?}", model.versions()));
    }
    model.check()
}

/// One job after the other until there is none, with the debt watched.
fn settle(strategy: &dyn CompactionStrategy, model: &mut Model, world: &World) -> Result<u64, String> {
    for jobs in 0..2000 {
        let view = world.view(model, &[], Budget::UNLIMITED);
        let debt = strategy.debt(&view);
        let Some(job) = strategy.plan(&view) else {
            return if debt == Debt::ZERO { Ok(jobs) } else { Err(format!("nothing to do, but {debt:?}")) };
        };
        if debt.bytes == 0 {
            return Err(format!("{debt:?}, but {job}"));
        }
        check_job(&job, &view)?;
        end(&job, model, 4)?;
    }
    Err("there is always another job".to_owned())
}

fn sizes(model: &Model) -> Vec<(usize, u64)> {
    let size = |level: &siltstone_compaction::Level| {
        (level.runs.len(), level.runs.iter().map(siltstone_compaction::Run::file_bytes).sum())
    };
    model.levels.iter().map(size).collect()
}

#[test]
fn size_tiered_keeps_its_promises() {
    let make = |random: &mut Random| SizeTiered {
        runs_min: random.count(1..6),
        runs_max: random.count(1..12),
        merge_runs_min: random.count(1..5),
        merge_runs_max: random.count(1..9),
        similarity: if random.one_in(2) { Similarity::Sum } else { Similarity::Mean },
        size_ratio_percent: random.below(200),
        space_amplification_percent_max: if random.one_in(2) { u32::MAX } else { random.below(300) },
        table_bytes_max: random.from(1..100),
    };
    check(make, |strategy, _, model| {
        let runs = runs_by_age(&model.levels).count();
        let runs_max = strategy.runs_max.max(strategy.runs_min - 1).max(1);
        if runs <= runs_max { Ok(()) } else { Err(format!("{runs} runs are left")) }
    });
}

#[test]
fn leveled_keeps_its_promises() {
    let make = |random: &mut Random| Leveled {
        ratio: random.below(6),
        base_bytes: random.from(0..200),
        last_level: random.below(9),
        table_bytes_max: random.from(1..100),
        level0_runs: random.count(0..6),
        level0_merge_runs_min: if random.one_in(4) { usize::MAX } else { random.count(0..4) },
        moves: !random.one_in(4),
        cuts: Cuts { boundary_percent_min: random.below(120), overlap_bytes_max: random.limit(300) },
        tombstone_percent_min: random.below(150),
        tombstone_age_ms_max: random.limit(2000),
        hot_reads_min: random.from(0..4),
    };
    check(make, |strategy, world, model| {
        let sizes = sizes(model);
        let last = strategy.last_level.max(1) as usize;
        let last = last.max(sizes.iter().rposition(|(runs, _)| *runs > 0).unwrap_or(0));
        let mut target = sizes.iter().skip(1).map(|(_, bytes)| *bytes).max().unwrap_or(0);
        for level in (1..last).rev() {
            // A level may have a ratio-th of the next, and nothing above the base.
            target = if target > strategy.base_bytes { target / u64::from(strategy.ratio.max(2)) } else { 0 };
            let (_, bytes) = sizes.get(level).copied().unwrap_or_default();
            if bytes > target {
                return Err(format!("level {level} has {bytes} bytes, more than {target}"));
            }
        }
        if sizes.iter().skip(1).any(|(runs, _)| *runs > 1) {
            return Err("a level has several runs".to_owned());
        }
        if sizes.first().is_some_and(|(runs, _)| *runs >= strategy.level0_runs.max(1)) {
            return Err("level 0 is full".to_owned());
        }
        let hot = world.hot_ranges.iter().filter(|hot| hot.reads >= strategy.hot_reads_min);
        let runs = |hot: &HotRange| {
            let overlapping = |run: &siltstone_compaction::Run| !run.overlapping(&hot.range).is_empty();
            runs_by_age(&model.levels).filter(|(_, run)| overlapping(run)).count()
        };
        match hot.map(runs).max() {
            Some(2..) => Err("a hot range is in several runs".to_owned()),
            _ => Ok(()),
        }
    });
}

#[test]
fn lazy_leveled_keeps_its_promises() {
    let make = |random: &mut Random| LazyLeveled {
        ratio: random.below(6),
        last_level: random.below(9),
        merge_runs_max: random.count(0..9),
        table_bytes_max: random.from(1..100),
        tombstone_percent_min: random.below(150),
        tombstone_age_ms_max: random.limit(2000),
    };
    check(make, |strategy, _, model| {
        let sizes = sizes(model);
        let last = strategy.last_level.max(1) as usize;
        let last = last.max(sizes.iter().rposition(|(runs, _)| *runs > 0).unwrap_or(0));
        for (level, (runs, _)) in sizes.iter().enumerate() {
            let runs_max = if level == last { 1 } else { strategy.ratio.max(2) as usize - 1 };
            if *runs > runs_max {
                return Err(format!("level {level} has {runs} runs"));
            }
        }
        Ok(())
    });
}

#[test]
fn fifo_keeps_its_promises() {
    let make = |random: &mut Random| Fifo { bytes_max: random.limit(2000), age_ms_max: random.limit(4000) };
    check(make, |strategy, world, model| {
        let tables = || runs_by_age(&model.levels).flat_map(|(_, run)| &run.tables);
        let bytes: u64 = tables().map(|table| table.file_bytes).sum();
        let is_seen = |at: &SequenceNumber| tables().any(|table| table.first_sequence <= *at);
        let is_due = bytes > strategy.bytes_max || world.now_unix_ms >= strategy.age_ms_max && bytes > 0;
        if is_due && !world.snapshots.iter().any(is_seen) {
            Err(format!("{bytes} bytes are left"))
        } else {
            Ok(())
        }
    });
}
