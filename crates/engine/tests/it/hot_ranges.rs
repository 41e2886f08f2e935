//! Reads that have to ask several runs make a strategy merge these.

use std::sync::Arc;

use siltstone::{
    CompactionSettings, Db, Executor, FilterSettings, Inline, LeveledSettings, Settings, TestClock,
};
use siltstone_vfs::{Fs, MemFs};

use crate::contents;

/// Two runs in level 0, too few to be merged for their number, with the same keys or every other one.
fn two_runs(hot_reads_min: u64) -> (Db, Arc<Inline>) {
    let leveled = LeveledSettings { hot_reads_min, ..LeveledSettings::default() };
    let settings = Settings {
        compaction: CompactionSettings::Leveled(leveled),
        filter: FilterSettings::None,
        ..Settings::default()
    };
    let inline = Arc::new(Inline::new(1));
    let fs: Arc<dyn Fs> = Arc::new(MemFs::new());
    let db = Db::builder("db").fs(fs).clock(Arc::new(TestClock::new(1))).executor(inline.clone());
    let db = db.settings(settings).open().unwrap();
    for round in 0..2 {
        // The second run has no odd keys, so that a get for one asks both.
        for key in (0..40).filter(|key| round == 0 || key % 2 == 0) {
            db.put(format!("{key:02}"), format!("{round}")).unwrap();
        }
        db.put("99", "end").unwrap();
        db.flush().unwrap();
    }
    while inline.help() {}
    assert_eq!(runs(&db), 2, "too few to be merged for their number");
    (db, inline)
}

fn runs(db: &Db) -> u64 {
    db.stats().unwrap().keyspaces["default"].runs
}

fn reason(db: &Db) -> Option<&'static str> {
    db.explain_compaction().unwrap()[0].own.next.as_ref().map(|planned| planned.job.reason.code)
}

/// Reads until the strategy says that the range is hot: how many reads that took.
fn reads_until_hot(db: &Db, mut read: impl FnMut()) -> u64 {
    (1..=5000)
        .find(|_| {
            read();
            reason(db).is_some()
        })
        .unwrap()
}

/// Reads go on until a job is scheduled, which then makes one run out of both.
fn check_merged(db: &Db, inline: &Inline, mut read: impl FnMut()) {
    let before = contents(db);
    assert_eq!(reason(db), Some("hot-range"));
    for _ in 0..5000 {
        read();
        while inline.help() {}
        if runs(db) == 1 {
            break;
        }
    }
    assert_eq!(runs(db), 1);
    assert_eq!(db.stats().unwrap().writes.compactions, 1);
    assert_eq!(contents(db), before);
    assert_eq!(reason(db), None, "one run is enough");
    db.put("07", "new").unwrap();
    db.flush().unwrap();
    while inline.help() {}
    assert_eq!((reason(db), runs(db)), (None, 2), "counts begin anew");
}

#[test]
fn scans_of_two_runs_merge_them() {
    let (db, inline) = two_runs(1000);
    let scan = || assert_eq!(db.range("05".."20").count(), 15);
    // One in 61 is looked at, and stands for all of them.
    assert_eq!(reads_until_hot(&db, scan), 17 * 61);
    check_merged(&db, &inline, scan);
}

#[test]
fn gets_and_cursors_count_too() {
    let (db, inline) = two_runs(1000);
    let get = || assert!(db.get("07").unwrap().is_some());
    assert_eq!(reads_until_hot(&db, get), 17 * 61);
    check_merged(&db, &inline, get);
    let (db, inline) = two_runs(1000);
    let mut cursor = db.cursor().unwrap();
    let seek = |cursor: &mut siltstone::DbCursor| {
        cursor.seek("11").unwrap();
        // From far behind, so that the next seek goes back.
        cursor.seek("30").unwrap();
    };
    assert_eq!(reads_until_hot(&db, || seek(&mut cursor)), (17_u64 * 61).div_ceil(2));
    check_merged(&db, &inline, || seek(&mut cursor));
}

#[test]
fn reads_of_one_run_and_no_reads_merge_nothing() {
    let (db, inline) = two_runs(1);
    while inline.help() {}
    // The newer run answers, and the older is not asked.
    for _ in 0..1000 {
        assert!(db.get("08").unwrap().is_some());
    }
    while inline.help() {}
    assert_eq!((reason(&db), runs(&db)), (None, 2));
    // A database that nobody reads.
    let (db, inline) = two_runs(1);
    db.put("50", "x").unwrap();
    db.flush().unwrap();
    while inline.help() {}
    assert_eq!((reason(&db), runs(&db), db.stats().unwrap().writes.compactions), (None, 3, 0));
}
