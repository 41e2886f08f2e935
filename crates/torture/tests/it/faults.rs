//! Operations of every kind fail once, and for good.
//!
//! `FAULT_STEP=1` tries every operation; by default it is one in so many.
#![expect(clippy::print_stdout, reason = "says what was tried")]

use siltstone_torture::faults::{Case, FaultReport, NEED_SPACE, Trouble, UNUSED, USED, count, run};
use siltstone_vfs::OpKind;

/// The runs of a sweep, together.
#[derive(Default, Debug)]
struct Swept {
    runs: u64,
    hits: u64,
    errors: u64,
    stopped: u64,
    went_on: u64,
    checkpoints: u64,
    snapshots: u64,
    moves: u64,
    merges: u64,
}

fn step() -> u64 {
    std::env::var("FAULT_STEP").map_or(5, |text| text.parse().expect("a number"))
}

/// Lets a trouble begin with one operation after the other, until a run has no more of them.
fn sweep(kinds: &[OpKind], trouble: Trouble) -> Swept {
    let (mut swept, mut nth) = (Swept::default(), 0);
    loop {
        let case = Case { kinds, trouble, nth, seed: 3, bug: None };
        let report = run(&case).unwrap_or_else(|what| panic!("{case:?}: {what}"));
        let FaultReport { matched, hits, errors, has_stopped, has_gone_on, checkpoints, .. } = report;
        swept.runs += 1;
        swept.hits += hits;
        swept.errors += errors;
        swept.stopped += u64::from(has_stopped);
        swept.went_on += u64::from(has_gone_on);
        swept.checkpoints += checkpoints;
        swept.snapshots += report.snapshots;
        swept.moves += report.moves;
        swept.merges += report.merges;
        if matched <= nth {
            println!("{kinds:?} {trouble:?}: {swept:?}");
            return swept;
        }
        // The first ones are always tried: of some kinds there are not many.
        nth += if nth < 3 { 1 } else { step() };
    }
}

#[test]
fn every_kind_of_operation_is_used_or_said_not_to_be() {
    for kind in USED {
        assert!(count(kind, 3).unwrap() > 0, "{kind:?} is not used");
    }
    for (kind, why) in UNUSED {
        assert_eq!(count(kind, 3).unwrap(), 0, "{kind:?} is used, though {why}");
    }
    // A kind that is added to the file system is added here.
    let last = OpKind::SetLockContent;
    assert_eq!(USED.len() + UNUSED.len(), last as usize + 1);
}

#[test]
fn an_operation_that_fails_costs_nothing_that_was_acknowledged() {
    for kind in USED {
        let swept = sweep(&[kind], Trouble::Once);
        assert!(swept.hits > 0 && swept.checkpoints + swept.snapshots > 0, "{kind:?}: {swept:?}");
        assert!(swept.moves >= swept.runs && swept.merges >= swept.runs, "{kind:?}: {swept:?}");
    }
}

#[test]
fn operations_that_fail_for_good_are_told_and_cost_nothing_that_was_acknowledged() {
    for kind in USED {
        let swept = sweep(&[kind], Trouble::ForGood);
        assert!(swept.hits > 0, "{kind:?}: {swept:?}");
    }
}

#[test]
fn a_full_disk_is_written_to_again_when_it_has_room() {
    for kinds in [&[OpKind::WriteAt][..], &[OpKind::Create], &[OpKind::Rename], &NEED_SPACE] {
        let swept = sweep(kinds, Trouble::Full);
        assert!(swept.errors > 0 && swept.went_on > 0, "{kinds:?}: {swept:?}");
        assert_eq!(swept.stopped, 0, "writing has stopped for good: {kinds:?}");
    }
}

#[test]
fn a_torn_write_costs_nothing_that_was_acknowledged() {
    assert!(sweep(&[OpKind::WriteAt], Trouble::Torn).errors > 0);
}

#[test]
fn short_reads_are_no_errors() {
    let swept = sweep(&[OpKind::ReadAt], Trouble::Short);
    assert!(swept.hits > 0 && swept.errors == 0, "{swept:?}");
}

#[test]
fn a_sync_that_fails_stops_writing_and_what_was_acknowledged_before_stays() {
    let mut stopped = 0;
    for nth in 1..96 {
        let case = Case { kinds: &[OpKind::SyncData], trouble: Trouble::Sync, nth, seed: 3, bug: None };
        let report = run(&case).unwrap_or_else(|what| panic!("sync at write {nth}: {what}"));
        stopped += u64::from(report.has_stopped);
    }
    assert!(stopped > 0);
}
