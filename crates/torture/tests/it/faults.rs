//! Every operation of every kind fails once, and for good.

use siltstone_torture::faults::{KINDS, Trouble, run};
use siltstone_vfs::OpKind;

/// Every operation is tried with this variable set to 1; by default one in so many.
fn step() -> u64 {
    std::env::var("FAULT_STEP").ok().and_then(|text| text.parse().ok()).unwrap_or(9)
}

fn sweep(kind: OpKind, trouble: Trouble) -> u64 {
    let (mut nth, mut errors) = (0, 0);
    loop {
        let report = run(kind, trouble, nth, 3)
            .unwrap_or_else(|what| panic!("{kind:?} {trouble:?} from number {nth}: {what}"));
        errors += report.errors;
        if report.matched <= nth {
            return errors;
        }
        nth += step();
    }
}

#[test]
fn an_operation_that_fails_costs_nothing_that_was_acknowledged() {
    for kind in KINDS {
        sweep(kind, Trouble::Once);
    }
}

#[test]
fn operations_that_fail_for_good_are_told_and_cost_nothing_that_was_acknowledged() {
    for kind in KINDS {
        sweep(kind, Trouble::ForGood);
    }
    assert!(sweep(OpKind::SyncData, Trouble::ForGood) > 0);
}

#[test]
fn a_full_disk_is_written_to_again_when_it_has_room() {
    assert!(sweep(OpKind::WriteAt, Trouble::Full) > 0);
    assert!(sweep(OpKind::Create, Trouble::Full) > 0);
}

#[test]
fn a_sync_that_fails_stops_writing_and_what_was_acknowledged_before_stays() {
    let mut stopped = 0;
    for nth in 1..90 {
        let report = run(OpKind::SyncData, Trouble::Sync, nth, 3)
            .unwrap_or_else(|what| panic!("sync at write {nth}: {what}"));
        stopped += report.errors;
    }
    assert!(stopped > 0);
}
