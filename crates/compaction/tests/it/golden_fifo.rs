//! First in, first out, on trees as text.

use siltstone_compaction::{CompactionStrategy as _, Debt, Fifo, TreeView, text::parse_levels};
use siltstone_types::SequenceNumber;

use crate::golden::{check_job, planned};

fn up_to(bytes_max: u64) -> Fifo {
    Fifo { bytes_max, ..Fifo::default() }
}

const FLUSHES: &str = "0 | 9: 9=a..k*10 | 8: 8=c..f*10 | 7: 7=g..x*10";

#[test]
fn nothing_goes_that_nobody_limits() {
    check_job(&Fifo::default(), &[], FLUSHES, "none");
    check_job(&Fifo::default(), &[], "", "none");
    check_job(&up_to(0), &[], "", "none");
}

#[test]
fn the_oldest_tables_go_when_there_are_too_many_bytes() {
    check_job(&up_to(30), &[], FLUSHES, "none");
    check_job(&up_to(29), &[], FLUSHES, "drop 7 (total-bytes)");
    check_job(&up_to(20), &[], FLUSHES, "drop 7 (total-bytes)");
    check_job(&up_to(19), &[], FLUSHES, "drop 7 8 (total-bytes)");
    check_job(&up_to(0), &[], FLUSHES, "drop 7 8 9 (total-bytes)");
    assert_eq!(planned(&up_to(29), FLUSHES).reason.text, "all tables have 30 bytes, 29 may stay");
    let levels = parse_levels(FLUSHES).unwrap();
    let debt = up_to(15).debt(&TreeView::idle(&levels));
    assert_eq!(debt, Debt { bytes: 20, runs: 2, level0_runs: 2 });
}

#[test]
fn trees_of_other_strategies_go_from_their_oldest_run_on() {
    let tree = "0 | 9: 9=a..k*10\n2 | 3: 4=a..b*10 2=c..x*10 3=y..z*10";
    check_job(&up_to(35), &[], tree, "drop 2 (total-bytes)");
    check_job(&up_to(15), &[], tree, "drop 2 3 4 (total-bytes)");
    let levels = parse_levels(tree).unwrap();
    assert_eq!(up_to(35).debt(&TreeView::idle(&levels)), Debt { bytes: 10, runs: 0, level0_runs: 0 });
}

#[track_caller]
fn check_view(fifo: &Fifo, now_unix_ms: u64, snapshots: &[u64], expected: &str) {
    let levels = parse_levels(FLUSHES).unwrap();
    let snapshots: Vec<_> = snapshots.iter().map(|at| SequenceNumber::new(*at).unwrap()).collect();
    let view = TreeView { now_unix_ms, snapshots: &snapshots, ..TreeView::idle(&levels) };
    let job = fifo.plan(&view);
    assert_eq!(fifo.debt(&view) != Debt::ZERO, job.is_some());
    assert_eq!(job.map_or("none".to_owned(), |job| job.to_string()), expected);
}

#[test]
fn old_tables_go() {
    let fifo = Fifo { age_ms_max: 1000, ..Fifo::default() };
    check_view(&fifo, 0, &[], "none");
    check_view(&fifo, 999, &[], "none");
    check_view(&fifo, 1000, &[], "drop 7 8 9 (table-age)");
    check_view(&Fifo::default(), u64::MAX, &[], "none");
    let text = fifo.plan(&TreeView { now_unix_ms: 1000, ..TreeView::idle(&parse_levels(FLUSHES).unwrap()) });
    assert_eq!(text.unwrap().reason.text, "table 7 is older than 1000 ms");
}

// A table of the text has its id as its only sequence number.
#[test]
fn what_a_snapshot_can_see_stays_and_all_that_is_newer() {
    check_view(&up_to(0), 0, &[6], "drop 7 8 9 (total-bytes)");
    check_view(&up_to(0), 0, &[7], "none");
    check_view(&up_to(0), 0, &[8], "none");
    check_view(&up_to(0), 0, &[5, 6, 100], "none");
}

#[test]
fn a_drop_waits_for_the_one_before() {
    let running = planned(&up_to(29), FLUSHES);
    check_job(&up_to(19), &[running], FLUSHES, "none");
}
