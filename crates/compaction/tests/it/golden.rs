//! Trees as text in, jobs as text out.

use siltstone_compaction::{
    Action, Budget, CompactionStrategy, Epoch, Job, RunningJob, SizeTiered, TableId, TreeView, apply,
    runs_by_age,
    text::{parse_levels, render_levels},
};

/// Universal compaction with a trigger and nothing but the size ratio, as in the `RocksDB` wiki.
fn by_ratio(trigger: usize) -> SizeTiered {
    SizeTiered {
        runs_min: trigger,
        runs_max: usize::MAX,
        size_ratio_percent: 0,
        space_amplification_percent_max: u32::MAX,
        ..SizeTiered::default()
    }
}

/// Nothing but the limit on space.
fn by_space(percent: u32) -> SizeTiered {
    SizeTiered {
        runs_min: 1,
        merge_runs_min: usize::MAX,
        space_amplification_percent_max: percent,
        ..by_ratio(1)
    }
}

/// Sizes of runs, newest first, become a tree of one-table runs in level 0 that all hold the same keys. One
/// job is planned and applied.
fn after_one_job(strategy: &SizeTiered, sizes: &str) -> String {
    let count = sizes.split_whitespace().count();
    let runs = (1..=count)
        .rev()
        .zip(sizes.split_whitespace())
        .map(|(id, size)| format!(" | {id}: {id}=a..z*{size}"));
    let levels = parse_levels(&format!("0{}", runs.collect::<String>())).unwrap();
    let Some(job) = strategy.plan(&TreeView::idle(&levels)) else { return "none".to_owned() };
    let inputs =
        runs_by_age(&levels).flat_map(|(_, run)| &run.tables).filter(|table| job.inputs.contains(&table.id));
    let bytes = inputs.map(|table| table.file_bytes).sum();
    let mut output = (*levels[0].runs[0].tables[0]).clone();
    (output.id, output.file_bytes, output.raw_bytes) = (TableId(1000), bytes, bytes);
    let after = apply(&levels, &job, vec![output.into()], Epoch(1000)).unwrap().levels;
    let sizes: Vec<String> = runs_by_age(&after).map(|(_, run)| run.file_bytes().to_string()).collect();
    sizes.join(" ")
}

#[track_caller]
fn check_sizes(strategy: &SizeTiered, cases: &str) {
    for case in cases.lines().map(str::trim).filter(|case| !case.is_empty()) {
        let (sizes, expected) = case.split_once("=>").unwrap();
        assert_eq!(after_one_job(strategy, sizes), expected.trim(), "{case}");
    }
}

// https://github.com/facebook/rocksdb/wiki/Universal-Compaction, "Compaction Triggered by number of sorted
// runs while respecting size_ratio".
#[test]
fn similar_runs_merge_as_in_the_published_example() {
    check_sizes(
        &by_ratio(5),
        "1 1 1 1 1 => 5
         1 5 => none
         1 1 5 => none
         1 1 1 5 => none
         1 1 1 1 5 => 4 5
         1 4 5 => none
         1 1 4 5 => none
         1 1 1 4 5 => 3 4 5
         1 3 4 5 => none
         1 1 3 4 5 => 2 3 4 5
         1 2 3 4 5 => none
         1 1 2 3 4 5 => 16
         1 16 => none
         1 1 1 1 16 => 4 16
         1 1 1 4 16 => 3 4 16
         1 1 3 4 16 => 2 3 4 16
         1 2 3 4 16 => none
         1 1 2 3 4 16 => 11 16",
    );
}

// The same page, "Compaction triggered by Space Amplification", with 25 percent.
#[test]
fn wasted_space_is_reclaimed_as_in_the_published_example() {
    check_sizes(
        &by_space(25),
        "1 1 => 2
         1 2 => 3
         1 3 => 4
         1 4 => none
         1 1 4 => 6
         1 6 => none
         1 1 6 => 8
         1 8 => none
         1 1 8 => none
         1 1 1 8 => 11
         1 11 => none
         1 1 11 => none
         1 1 1 11 => 14
         1 14 => none
         1 1 14 => none
         1 1 1 14 => none
         1 1 1 1 14 => 18",
    );
}

#[test]
fn tiers_wait_for_their_last_run() {
    check_sizes(
        &SizeTiered { space_amplification_percent_max: u32::MAX, ..SizeTiered::tiers(4) },
        "1 1 1 => none
         1 1 1 1 => 4
         1 1 1 4 4 4 => none
         1 1 1 1 4 4 4 => 4 4 4 4
         4 4 4 4 => 16
         1 4 4 4 3 16 => 1 15 16
         64 16 16 => none",
    );
}

#[test]
fn too_many_runs_merge_where_it_costs_least_in_proportion() {
    let strategy = SizeTiered { runs_min: 2, runs_max: 3, merge_runs_min: usize::MAX, ..by_ratio(2) };
    check_sizes(
        &strategy,
        "1 10 100 => none
         1 10 20 1000 => 1 30 1000
         1 2 20 1000 => 3 20 1000
         1 1 1 1 1 1 => 4 1 1",
    );
    check_sizes(&SizeTiered { merge_runs_max: 3, ..strategy }, "1 1 1 1 1 1 1 => 3 1 1 1 1");
}

/// The job for a tree while those with the given inputs run; `running` is the text of their inputs, a comma
/// between jobs.
#[track_caller]
pub(crate) fn check_job(strategy: &dyn CompactionStrategy, running: &[Job], levels: &str, expected: &str) {
    let levels = parse_levels(levels).unwrap();
    let running: Vec<_> = running.iter().map(|job| RunningJob::new(job, &levels).unwrap()).collect();
    let view = TreeView { running: &running, ..TreeView::idle(&levels) };
    let job = strategy.plan(&view);
    assert_eq!(job.map_or("none".to_owned(), |job| job.to_string()), expected);
}

pub(crate) fn planned(strategy: &dyn CompactionStrategy, levels: &str) -> Job {
    strategy.plan(&TreeView::idle(&parse_levels(levels).unwrap())).unwrap()
}

#[test]
fn merged_runs_leave_level_0_unless_an_older_run_stays_there() {
    let tiers = SizeTiered::tiers(2);
    check_job(&tiers, &[], "0 | 2: 2=a..f | 1: 1=c..k", "merge 2 1 -> level 1 new run (size-ratio)");
    check_job(
        &SizeTiered { space_amplification_percent_max: u32::MAX, ..tiers.clone() },
        &[],
        "0 | 3: 3=a..f | 2: 2=c..k | 1: 1=a..z*9",
        "merge 3 2 -> level 0 newest input's run (size-ratio)",
    );
    check_job(
        &tiers,
        &[],
        "0 | 5: 5=a..f\n1 | 4: 4=c..k | 2: 2=a..c*9 3=d..z",
        "merge 5 4 -> level 1 run 4 (size-ratio)",
    );
}

#[test]
fn running_merges_are_left_alone() {
    let tiers = SizeTiered { space_amplification_percent_max: u32::MAX, ..SizeTiered::tiers(2) };
    let before = "0 | 2: 2=a..f | 1: 1=c..k\n1 | 0: 9=a..z*20";
    let running = planned(&tiers, before);
    assert_eq!(running.to_string(), "merge 2 1 -> level 1 new run (size-ratio)");
    check_job(&tiers, std::slice::from_ref(&running), before, "none");
    check_job(
        &tiers,
        &[running],
        "0 | 4: 4=a..f | 3: 3=c..k | 2: 2=a..f | 1: 1=c..k\n1 | 0: 9=a..z*20",
        "merge 4 3 -> level 0 newest input's run (size-ratio)",
    );
}

#[test]
fn runs_that_are_being_merged_are_not_too_many() {
    let strategy = SizeTiered { runs_max: 4, merge_runs_min: usize::MAX, ..by_ratio(2) };
    let levels = "1 | 5: 5=a..z*1 | 4: 4=a..z*2 | 3: 3=a..z*8 | 2: 2=a..z*32 | 1: 1=a..z*128";
    let first = planned(&strategy, levels);
    assert_eq!(first.to_string(), "merge 5 4 -> level 1 run 4 (run-count)");
    check_job(&strategy, std::slice::from_ref(&first), levels, "none");
    let more = format!("0 | 6: 6=a..z\n{levels}");
    check_job(&strategy, &[first], &more, "merge 3 2 -> level 1 run 2 (run-count)");
}

#[test]
fn a_merge_that_would_join_a_full_and_busy_tier_waits() {
    let strategy = SizeTiered { merge_runs_max: 2, runs_max: 100, ..SizeTiered::tiers(2) };
    let strategy = SizeTiered { space_amplification_percent_max: u32::MAX, ..strategy };
    let levels = "0 | 6: 6=a..z | 5: 5=a..z\n1 | 4: 4=a..z*2 | 3: 3=a..z*2 | 2: 2=a..z*9";
    check_job(&strategy, &[], levels, "merge 6 5 -> level 1 new run (size-ratio)");
    let busy = planned(&strategy, "1 | 4: 4=a..z*2 | 3: 3=a..z*2");
    check_job(&strategy, std::slice::from_ref(&busy), levels, "none");
    let not_full = "0 | 6: 6=a..z | 5: 5=a..z\n1 | 4: 4=a..z*2 | 3: 3=a..z*8 | 2: 2=a..z*9";
    check_job(&strategy, &[busy], not_full, "merge 6 5 -> level 1 new run (size-ratio)");
}

#[test]
fn large_disjoint_tables_without_tombstones_are_moved() {
    let tiers = SizeTiered { table_bytes_max: 100, ..SizeTiered::tiers(2) };
    let moved = "move 3 -> level 1 run 1 (size-ratio)";
    check_job(&tiers, &[], "1 | 2: 3=g..k*25 | 1: 1=a..f*25", moved);
    let merged = "merge 3 1 -> level 1 run 1 (size-ratio)";
    check_job(&tiers, &[], "1 | 2: 3=g..k*24 | 1: 1=a..f*25", merged);
    check_job(&tiers, &[], "1 | 2: 3=g..k*25!1 | 1: 1=a..f*25", merged);
    check_job(&tiers, &[], "1 | 2: 3=f..k*25 | 1: 1=a..f*25", merged);
    check_job(&tiers, &[], "0 | 2: 3=g..k*25\n1 | 1: 1=a..f*25", merged);
}

#[test]
fn jobs_stay_within_the_budget() {
    let strategy = by_ratio(2);
    let levels = parse_levels("0 | 4: 4=a..z*5 | 3: 3=a..z*5 | 2: 2=a..z*5 | 1: 1=a..z*5").unwrap();
    let job = |job_bytes_max| {
        let view = TreeView { budget: Budget { job_bytes_max }, ..TreeView::idle(&levels) };
        strategy.plan(&view).map(|job| job.inputs.len())
    };
    assert_eq!(
        [job(u64::MAX), job(20), job(19), job(10), job(9)],
        [Some(4), Some(4), Some(3), Some(2), None]
    );
    let tight = TreeView { budget: Budget { job_bytes_max: 9 }, ..TreeView::idle(&levels) };
    assert_eq!(strategy.debt(&tight).bytes, 20, "work that does not fit is still owed");
}

#[test]
fn debt_foresees_merges_that_follow_from_others() {
    let tiers = SizeTiered { space_amplification_percent_max: u32::MAX, ..SizeTiered::tiers(2) };
    let levels = parse_levels("0 | 4: 4=a..z | 3: 3=a..z\n1 | 2: 2=a..z*2 | 1: 1=a..z*4").unwrap();
    let debt = tiers.debt(&TreeView::idle(&levels));
    assert_eq!((debt.bytes, debt.runs, debt.level0_runs), (2 + 4 + 8, 3, 2));
    let job = tiers.plan(&TreeView::idle(&levels)).unwrap();
    let running = [RunningJob::new(&job, &levels).unwrap()];
    assert_eq!(
        tiers.debt(&TreeView { running: &running, ..TreeView::idle(&levels) }),
        debt,
        "running is not done"
    );
}

#[test]
fn trees_survive_being_written_and_read() {
    let text = "0 | 9: 12=a..k | 8: 11=c..f 10=g..x*70!3\n2 | 4: 7=a..z*900\n";
    assert_eq!(render_levels(&parse_levels(text).unwrap()), text);
    for broken in
        ["x", "0 | 1", "0 | 1: 1", "0 | 1: 1=a", "64 | 1: 1=a..b", "0 | 1: 1=b..a", "0 | 1: 1=a..b 2=b..c"]
    {
        assert!(parse_levels(broken).is_err(), "{broken}");
    }
}

#[test]
fn a_job_says_what_it_does() {
    let mut job = planned(&SizeTiered::tiers(2), "0 | 2: 2=a..f | 1: 1=c..k");
    assert_eq!(job.reason.text, "2 runs of similar size hold 2 bytes");
    job.action = Action::Drop;
    assert_eq!(job.to_string(), "drop 2 1 (size-ratio)");
}
