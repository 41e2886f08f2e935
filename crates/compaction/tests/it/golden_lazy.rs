//! Lazy-leveled compaction on trees as text.

use siltstone_compaction::{Budget, CompactionStrategy as _, LazyLeveled, TreeView, text::parse_levels};
use siltstone_types::SequenceNumber;

use crate::golden::{check_job, planned};

/// Tiers of two, three levels.
fn lazy() -> LazyLeveled {
    LazyLeveled { ratio: 2, last_level: 3, table_bytes_max: 10, ..LazyLeveled::default() }
}

#[track_caller]
fn check(levels: &str, expected: &str) {
    check_job(&lazy(), &[], levels, expected);
}

#[test]
fn full_levels_become_a_run_of_the_next() {
    check("", "none");
    check("0 | 9: 9=a..f", "none");
    let level3 = "3 | 1: 1=a..z*100";
    check(&format!("0 | 9: 9=a..f | 8: 8=c..k\n{level3}"), "merge 9 8 -> level 1 new run (level-full)");
    check(
        &format!("0 | 9: 9=a..f | 8: 8=c..k\n1 | 7: 7=a..z*2\n{level3}"),
        "merge 9 8 -> level 1 new run (level-full)",
    );
    check(&format!("1 | 7: 7=a..z*2 | 6: 6=a..z*2\n{level3}"), "merge 7 6 -> level 2 new run (level-full)");
    let narrow = LazyLeveled { merge_runs_max: 2, ..lazy() };
    let three = format!("0 | 9: 9=a..f | 8: 8=c..k | 7: 7=a..z\n{level3}");
    check_job(&narrow, &[], &three, "merge 8 7 -> level 1 new run (level-full)");
}

#[test]
fn what_is_large_enough_goes_to_the_last_level_at_once() {
    check("0 | 9: 9=a..f | 8: 8=c..k", "merge 9 8 -> level 3 new run (level-full)");
    // Three quarters of half of 100 bytes.
    let tree = |bytes: u64| format!("1 | 9: 9=a..f*20 | 8: 8=c..k*{bytes}\n3 | 1: 1=a..e*50 2=m..z*50");
    check(&tree(17), "merge 9 8 -> level 2 new run (level-full)");
    check(&tree(18), "merge 9 8 1 -> level 3 run 1 (level-full)");
    check(
        "0 | 9: 9=a..f*20 | 8: 8=c..k*20\n2 | 7: 7=b..c\n3 | 1: 1=a..z*100",
        "merge 9 8 7 1 -> level 3 run 1 (level-full)",
    );
    check("2 | 9: 9=a..f | 8: 8=c..k\n3 | 1: 1=a..z*100", "merge 9 8 1 -> level 3 run 1 (level-full)");
}

#[test]
fn disjoint_tables_are_moved() {
    check("0 | 9: 9=a..f | 8: 8=g..k", "move 9 8 -> level 3 new run (level-full)");
    check(
        "0 | 9: 9=a..c*20 | 8: 8=j..k*20\n3 | 1: 1=d..f*50 2=m..z*50",
        "move 9 8 -> level 3 run 1 (level-full)",
    );
    check("0 | 9: 9=a..f!1 | 8: 8=g..k", "merge 9 8 -> level 3 new run (level-full)");
    let large = LazyLeveled { table_bytes_max: 65, ..lazy() };
    check_job(&large, &[], "0 | 9: 9=a..f | 8: 8=g..k", "merge 9 8 -> level 3 new run (level-full)");
}

#[test]
fn a_last_level_of_several_runs_becomes_one_run() {
    check("3 | 9: 9=a..f | 8: 8=c..k", "merge 9 8 -> level 3 run 8 (level-runs)");
    check("0 | 7: 7=a..z | 6: 6=a..z\n3 | 9: 9=a..f | 8: 8=g..k", "move 9 -> level 3 run 8 (level-runs)");
    check("9 | 9: 9=a..f | 8: 8=c..k", "merge 9 8 -> level 9 run 8 (level-runs)");
}

#[test]
fn runs_go_one_deeper_while_the_last_level_is_busy() {
    let running = planned(&lazy(), "2 | 3: 3=a..f | 2: 2=c..k\n3 | 1: 1=a..z*4");
    assert_eq!(running.to_string(), "merge 3 2 1 -> level 3 run 1 (level-full)");
    let running = std::slice::from_ref(&running);
    let older = "2 | 3: 3=a..f | 2: 2=c..k\n3 | 1: 1=a..z*4";
    check_job(&lazy(), running, older, "none");
    let more = format!("0 | 9: 9=a..f*2 | 8: 8=c..k*2\n{older}");
    check_job(&lazy(), running, &more, "merge 9 8 -> level 1 new run (level-full)");
    check_job(
        &lazy(),
        running,
        &format!("1 | 9: 9=a..f | 8: 8=c..k\n{older}"),
        "merge 9 8 -> level 2 new run (level-full)",
    );
}

#[test]
fn tombstones_go_down_and_away() {
    let old = LazyLeveled { tombstone_age_ms_max: 1000, ..lazy() };
    let plan = |strategy: &LazyLeveled, levels: &str, now_unix_ms, snapshots: &[SequenceNumber]| {
        let levels = parse_levels(levels).unwrap();
        let view = TreeView { now_unix_ms, snapshots, ..TreeView::idle(&levels) };
        let job = strategy.plan(&view);
        assert_eq!(strategy.debt(&view).bytes > 0, job.is_some());
        job.map_or("none".to_owned(), |job| job.to_string())
    };
    let levels = "0 | 9: 9=a..f\n1 | 8: 8=c..d!1\n2 | 7: 7=f..k\n3 | 1: 1=a..e*50 2=m..z*50";
    assert_eq!(plan(&old, levels, 999, &[]), "none");
    assert_eq!(plan(&old, levels, 1000, &[]), "merge 8 7 1 -> level 3 run 1 (tombstones)");
    let bottom = "3 | 1: 1=a..e*50!24 2=m..z*50!25";
    assert_eq!(plan(&lazy(), bottom, 0, &[]), "merge 2 -> level 3 newest input's run (tombstones)");
    assert_eq!(plan(&lazy(), bottom, 0, &[SequenceNumber::new(1).unwrap()]), "none");
    assert_eq!(plan(&lazy(), &bottom.replace("!25", "!24"), 0, &[]), "none");
}

#[test]
fn jobs_stay_within_the_budget() {
    let levels =
        parse_levels("0 | 9: 9=a..f*9 | 8: 8=c..k*9 | 7: 7=a..b*5 6=j..z*5\n3 | 1: 1=a..i*20 2=k..z*60")
            .unwrap();
    let plan = |job_bytes_max| {
        let view = TreeView { budget: Budget { job_bytes_max }, ..TreeView::idle(&levels) };
        lazy().plan(&view).map_or("none".to_owned(), |job| job.to_string())
    };
    assert_eq!(plan(28), "merge 9 8 7 6 -> level 1 new run (level-full)");
    assert_eq!(plan(27), "merge 8 7 6 -> level 1 new run (level-full)");
    assert_eq!(plan(18), "none");
    let two = "0 | 9: 9=a..f*9 | 7: 7=a..b*5 6=j..z*15\n1 | 1: 1=a..i*1 2=k..z*60";
    let levels = parse_levels(two).unwrap();
    let view = TreeView { budget: Budget { job_bytes_max: 7 }, ..TreeView::idle(&levels) };
    let flat = LazyLeveled { last_level: 1, ..lazy() };
    assert_eq!(flat.plan(&view).unwrap().to_string(), "merge 7 1 -> level 1 run 1 (level-full)");
}

#[test]
fn debt_follows_the_runs_down() {
    let levels = "0 | 9: 9=a..z | 8: 8=a..z\n1 | 7: 7=a..z*2\n2 | 6: 6=a..z*4\n3 | 1: 1=a..z*9";
    let levels = parse_levels(levels).unwrap();
    let debt = lazy().debt(&TreeView::idle(&levels));
    // Level 1 gets a second run of 2, its 4 bytes are large enough for the last level, and take along the 4 of level 2.
    assert_eq!((debt.bytes, debt.runs, debt.level0_runs), (2 + 8 + 9, 4, 2));
}

#[test]
fn reasons_are_sentences() {
    let text = |levels: &str| planned(&lazy(), levels).reason.text;
    assert_eq!(text("0 | 9: 9=a..f | 8: 8=c..k"), "level 0 has 2 runs, 2 are enough");
    assert_eq!(text("3 | 9: 9=a..f | 8: 8=c..k"), "level 3 has 2 runs instead of one");
}
