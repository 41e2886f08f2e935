//! Leveled compaction on trees as text.

use siltstone_compaction::{
    Budget, CompactionStrategy as _, Cuts, HotRange, KeyRange, Leveled, TreeView, text::parse_levels,
};
use siltstone_types::SequenceNumber;

use crate::golden::{check_job, planned};

/// A base of 100 bytes, levels of 10, tables of 10 bytes, three levels.
fn leveled() -> Leveled {
    Leveled {
        base_bytes: 100,
        last_level: 3,
        table_bytes_max: 10,
        level0_runs: 2,
        cuts: Cuts { boundary_percent_min: 50, overlap_bytes_max: 50 },
        ..Leveled::default()
    }
}

#[track_caller]
fn check(levels: &str, expected: &str) {
    check_job(&leveled(), &[], levels, expected);
}

#[test]
fn level_0_goes_to_the_base_with_all_that_overlaps() {
    check("", "none");
    check("0 | 9: 9=a..f", "none");
    check("0 | 9: 9=a..f | 8: 8=c..k", "merge 9 8 -> level 3 new run (level0-runs)");
    // What overlaps through others goes along, and what it overlaps in the base.
    check(
        "0 | 9: 9=a..c | 8: 8=c..f | 7: 7=f..k | 6: 6=p..q
         3 | 1: 1=a..b 2=h..m 3=n..o 4=q..z",
        "merge 9 8 7 1 2 -> level 3 run 1 (level0-runs)",
    );
    // The last level is large enough for one above it, and that one is empty.
    check("0 | 9: 9=a..f | 8: 8=c..k\n3 | 1: 1=a..z*200", "merge 9 8 -> level 2 new run (level0-runs)");
    // Above the base there should be nothing, but there is.
    check(
        "0 | 9: 9=a..f | 8: 8=c..k\n1 | 7: 7=a..d\n3 | 1: 1=a..z*200",
        "merge 9 8 7 -> level 1 run 7 (level0-runs)",
    );
}

#[test]
fn levels_that_are_too_large_send_down_what_overlaps_least() {
    // The target of level 2 is 20.
    let level3 = "3 | 1: 1=a..f*60 2=g..i*20 3=j..s*50 4=t..z*70";
    check(&format!("2 | 5: 5=a..c*10 6=h..k*10\n{level3}"), "none");
    check(
        &format!("2 | 5: 5=a..c*10 6=h..i*10 7=k..k*5\n{level3}"),
        "merge 6 2 -> level 3 run 1 (level-size)",
    );
    check(
        &format!("2 | 5: 5=a..c*10 6=h..k*10 7=l..l*5\n{level3}"),
        "merge 5 1 -> level 3 run 1 (level-size)",
    );
    check(&format!("2 | 5: 5=a..c*30 6=h..k*10\n{level3}"), "merge 5 1 -> level 3 run 1 (level-size)");
    check(
        "1 | 8: 8=b..c*5 9=h..p*5\n2 | 5: 5=b..c*30\n3 | 1: 1=a..g*370 2=q..z*30",
        "move 9 -> level 3 run 1 (level-size)",
    );
}

#[test]
fn the_level_furthest_over_its_limit_comes_first() {
    let levels = |level2: u64, runs: &str| format!("0 {runs}\n2 | 5: 5=a..c*{level2}\n3 | 1: 1=a..z*200");
    let (two, three) = ("| 9: 9=a..f | 8: 8=c..k", "| 9: 9=a..f | 8: 8=c..k | 7: 7=a..z");
    check(&levels(29, three), "merge 9 7 8 5 -> level 2 run 5 (level0-runs)");
    check(&levels(31, three), "merge 5 1 -> level 3 run 1 (level-size)");
    check(&levels(20, two), "merge 9 8 5 -> level 2 run 5 (level0-runs)");
}

#[test]
fn what_overlaps_nothing_is_moved() {
    let level3 = "3 | 1: 1=a..f*60 2=p..s*40 3=t..z*100";
    check(
        &format!("2 | 5: 5=a..c*10 6=h..k*10 7=l..o*20\n{level3}"),
        "move 6 7 -> level 3 run 1 (level-size)",
    );
    check("0 | 9: 9=a..c | 8: 8=d..k", "move 9 8 -> level 3 new run (level0-runs)");
    check("0 | 9: 9=a..c | 8: 8=d..k\n1 | 1: 1=x..z", "move 9 8 -> level 3 new run (level0-runs)");
    check("0 | 9: 9=a..c | 8: 8=c..k | 7: 7=m..n\n3 | 1: 1=a..f", "move 7 -> level 3 run 1 (level0-runs)");
    let never = Leveled { moves: false, ..leveled() };
    check_job(&never, &[], "0 | 9: 9=a..c | 8: 8=d..k", "merge 9 -> level 3 new run (level0-runs)");
    // A table of a byte is less than a 64th of this.
    let large = Leveled { table_bytes_max: 65, ..leveled() };
    check_job(&large, &[], "0 | 9: 9=a..c | 8: 8=c..k", "merge 9 8 -> level 3 new run (level0-runs)");
    check_job(&large, &[], "0 | 9: 9=a..c*2 | 8: 8=d..k", "move 9 -> level 3 new run (level0-runs)");
}

#[test]
fn what_overlaps_too_much_of_the_level_behind_is_not_moved() {
    // The targets of levels 1 and 2 are 10 and 100.
    let tree = |bytes: u64| {
        format!("1 | 8: 8=d..h*11\n2 | 5: 5=a..c*10\n3 | 1: 1=a..f*{bytes} 2=h..z*{}", 1000 - bytes)
    };
    let narrow = Leveled { cuts: Cuts { overlap_bytes_max: 1000, ..leveled().cuts }, ..leveled() };
    check_job(&narrow, &[], &tree(50), "move 8 -> level 2 run 5 (level-size)");
    check_job(&leveled(), &[], &tree(50), "merge 8 -> level 2 run 5 (level-size)");
    // Nothing behind it at all: the last level.
    check("1 | 8: 8=d..h*11\n2 | 5: 5=a..c*10\n3 | 1: 2=i..z*1000", "move 8 -> level 3 run 1 (level-size)");
}

#[test]
fn levels_of_several_runs_become_one_run() {
    check("3 | 9: 9=a..f | 8: 8=c..k | 7: 7=a..z", "merge 9 8 7 -> level 3 run 7 (level-runs)");
    check("3 | 9: 9=a..f | 8: 8=g..k | 7: 7=m..z", "move 9 8 -> level 3 run 7 (level-runs)");
    // Larger together than what may overlap.
    check("3 | 9: 9=a..f*20 | 8: 8=c..k*20 | 7: 7=a..z*20", "merge 8 7 -> level 3 run 7 (level-runs)");
    check("3 | 8: 8=a..k*10 6=l..n*10 | 7: 7=b..l*30 5=m..z*30", "merge 8 7 -> level 3 run 7 (level-runs)");
    check("3 | 8: 8=a..b*30 6=l..n*10 | 7: 7=c..z*30", "move 8 -> level 3 run 7 (level-runs)");
    // Deeper than the last level of the settings.
    check("1 | 8: 8=a..k\n9 | 7: 7=a..f", "merge 8 7 -> level 9 run 7 (level-size)");
}

#[test]
fn the_newest_runs_of_level_0_merge_while_their_way_down_is_taken() {
    let running = planned(&leveled(), "0 | 2: 2=a..f | 1: 1=c..k");
    let strategy = Leveled { level0_merge_runs_min: 3, ..leveled() };
    let behind = |newer: &str| format!("0 {newer} | 2: 2=a..f | 1: 1=c..k");
    let running = std::slice::from_ref(&running);
    let two = behind("| 4: 4=a..f | 3: 3=c..k");
    check_job(&strategy, running, &two, "none");
    let three = behind("| 5: 5=d..e | 4: 4=a..f | 3: 3=c..k");
    check_job(&strategy, running, &three, "merge 5 4 3 -> level 0 newest input's run (level0-busy)");
    check_job(&strategy, &[], &three, "merge 4 2 3 1 5 -> level 3 new run (level0-runs)");
    // The result of an earlier such merge is too large to pay off.
    let four = behind("| 6: 6=a..f | 5: 5=d..e | 4: 4=a..f | 3: 3=c..k*90");
    check_job(&strategy, running, &four, "merge 6 5 4 -> level 0 newest input's run (level0-busy)");
    // Only then, not because the way down is too large a job.
    let large = parse_levels("0 | 3: 3=a..f | 2: 2=a..f | 1: 1=a..f\n3 | 9: 9=a..z*90").unwrap();
    let tight = TreeView { budget: Budget { job_bytes_max: 5 }, ..TreeView::idle(&large) };
    assert_eq!(strategy.plan(&tight), None);
    let never = Leveled { level0_merge_runs_min: usize::MAX, ..strategy };
    check_job(&never, running, &three, "none");
}

#[test]
fn jobs_that_run_are_left_alone() {
    let level3 = "3 | 1: 1=a..f*60 2=g..i*20 3=j..s*50 4=t..z*70";
    let before = format!("2 | 5: 5=a..c*10 6=h..i*10 7=k..k*10\n{level3}");
    let running = planned(&leveled(), &before);
    assert_eq!(running.to_string(), "merge 6 2 -> level 3 run 1 (level-size)");
    check_job(&leveled(), std::slice::from_ref(&running), &before, "none");
    let more = format!("2 | 5: 5=a..c*10 6=h..i*10 7=k..k*11\n{level3}");
    check_job(&leveled(), std::slice::from_ref(&running), &more, "merge 7 3 -> level 3 run 1 (level-size)");
    let gaps = "2 | 5: 5=a..c*10 6=h..i*10 7=k..k*11\n3 | 1: 1=a..f*60 2=g..k*20 3=l..z*120";
    let wide = planned(&leveled(), gaps);
    assert_eq!(wide.to_string(), "merge 7 2 -> level 3 run 1 (level-size)");
    check_job(
        &leveled(),
        &[wide],
        &gaps.replace("5=a..c*10", "5=a..c*40"),
        "merge 5 1 -> level 3 run 1 (level-size)",
    );
}

/// The view's levels are those of the text.
#[track_caller]
fn check_view(strategy: &Leveled, levels: &str, view: TreeView<'_>, expected: &str) {
    let levels = parse_levels(levels).unwrap();
    let view = TreeView { levels: &levels, ..view };
    let job = strategy.plan(&view);
    assert_eq!(strategy.debt(&view).bytes > 0, job.is_some());
    assert_eq!(job.map_or("none".to_owned(), |job| job.to_string()), expected);
}

const IDLE: TreeView<'static> = TreeView::idle(&[]);

#[test]
fn tombstones_go_down_and_away() {
    let many = "2 | 5: 5=a..c*10!5\n3 | 1: 1=b..f*100 2=g..z*100";
    check_view(&leveled(), many, IDLE, "merge 5 1 -> level 3 run 1 (tombstones)");
    check_view(&leveled(), &many.replace("!5", "!4"), IDLE, "none");
    let bottom = "3 | 1: 1=b..f*100 2=g..z*100!50";
    check_view(&leveled(), bottom, IDLE, "merge 2 -> level 3 newest input's run (tombstones)");
    // Its sequence number is 2.
    let (low, same) = ([SequenceNumber::new(1).unwrap()], [SequenceNumber::new(2).unwrap()]);
    check_view(&leveled(), bottom, TreeView { snapshots: &low, ..IDLE }, "none");
    check_view(
        &leveled(),
        bottom,
        TreeView { snapshots: &same, ..IDLE },
        "merge 2 -> level 3 newest input's run (tombstones)",
    );
    let never = Leveled { tombstone_percent_min: 101, ..leveled() };
    check_view(&never, bottom, IDLE, "none");
    let old = Leveled { tombstone_age_ms_max: 1000, ..never };
    check_view(&old, bottom, TreeView { now_unix_ms: 999, ..IDLE }, "none");
    check_view(
        &old,
        bottom,
        TreeView { now_unix_ms: 1000, ..IDLE },
        "merge 2 -> level 3 newest input's run (tombstones)",
    );
    let level0 = "0 | 9: 9=a..c*10!1\n3 | 1: 1=b..f*100 2=g..z*100";
    check_view(
        &old,
        level0,
        TreeView { now_unix_ms: 1000, ..IDLE },
        "merge 9 -> level 2 new run (tombstones)",
    );
    check_view(&leveled(), &level0.replace("!1", "!10"), TreeView { now_unix_ms: 1000, ..IDLE }, "none");
}

#[test]
fn hot_ranges_are_merged_until_one_run_has_them() {
    let hot = |reads| [HotRange { range: KeyRange::new("h", "j"), reads }];
    let level3 = "3 | 1: 1=a..f*100 2=g..z*100";
    let tree = format!("0 | 9: 9=a..i\n2 | 5: 5=a..c*10 6=i..k*10\n{level3}");
    let check_hot = |tree: &str, reads, expected| {
        check_view(&leveled(), tree, TreeView { hot_ranges: &hot(reads), ..IDLE }, expected);
    };
    check_hot(&tree, 999, "none");
    check_hot(&tree, 1000, "merge 9 5 6 -> level 2 run 5 (hot-range)");
    check_hot(
        &format!("2 | 5: 5=a..c*10 6=i..k*10\n{level3}"),
        1000,
        "merge 6 2 -> level 3 run 1 (hot-range)",
    );
    check_hot(level3, 1000, "none");
}

#[test]
fn jobs_stay_within_the_budget() {
    let levels = "0 | 9: 9=a..f*10 | 8: 8=c..k*10 | 7: 7=j..p*10\n3 | 1: 1=a..e*20 2=f..z*20";
    let check_budget = |job_bytes_max, expected| {
        check_view(&leveled(), levels, TreeView { budget: Budget { job_bytes_max }, ..IDLE }, expected);
    };
    check_budget(70, "merge 9 8 7 1 2 -> level 3 run 1 (level0-runs)");
    check_budget(69, "merge 7 2 -> level 3 run 1 (level0-runs)");
    let levels = parse_levels(levels).unwrap();
    let tight = TreeView { budget: Budget { job_bytes_max: 29 }, ..TreeView::idle(&levels) };
    assert_eq!(leveled().plan(&tight), None);
    assert_eq!(leveled().debt(&tight).bytes, 70, "work that does not fit is still owed");
}

#[test]
fn debt_is_what_the_levels_have_too_much_and_what_it_overlaps() {
    // Level 2 may have 100 bytes, level 1 10. Of level 1's 50, 40 go down and meet 40 / 50 of 200 bytes; then
    // level 2 has 240, of which 140 go down and meet 140 / 240 of 1000.
    let levels = parse_levels("1 | 8: 8=a..z*50\n2 | 5: 5=a..z*200\n3 | 1: 1=a..z*1000").unwrap();
    let three = Leveled { base_bytes: 10, ..leveled() };
    let debt = three.debt(&TreeView::idle(&levels));
    assert_eq!((debt.bytes, debt.runs, debt.level0_runs), (40 + 160 + 140 + 583, 0, 0));
    let levels = parse_levels("0 | 9: 9=a..f*5 | 8: 8=c..k*5\n3 | 1: 1=a..z*100").unwrap();
    let debt = leveled().debt(&TreeView::idle(&levels));
    assert_eq!((debt.bytes, debt.runs, debt.level0_runs), (110, 2, 2));
}

#[test]
fn reasons_are_sentences() {
    let text = |levels: &str| planned(&leveled(), levels).reason.text;
    assert_eq!(text("0 | 9: 9=a..f | 8: 8=c..k"), "level 0 has 2 runs, 2 are enough");
    assert_eq!(text("3 | 9: 9=a..f | 8: 8=c..k"), "level 3 has 2 runs instead of one");
    assert_eq!(text("2 | 8: 8=d..h*21\n3 | 1: 1=a..z*200"), "level 2 has 21 bytes, its target is 20");
    assert_eq!(text("1 | 8: 8=d..h*21\n3 | 1: 1=a..z*200"), "level 1 is to be empty and has 21 bytes");
    assert_eq!(text("3 | 1: 1=a..z*200!100"), "100 of 200 entries of table 1 are tombstones");
}
