//! Figures agree with what was done.

use std::collections::BTreeMap;

use siltstone::{CompactionSettings, Settings};
use siltstone_vfs::MemFs;

use crate::on;

#[test]
fn compaction_removes_what_the_model_says() {
    // Nothing is merged before it is asked for.
    let settings = Settings {
        compaction: CompactionSettings::size_tiered(100),
        level0_runs_stop: 1000,
        ..Settings::default()
    };
    let db = on(&MemFs::new()).settings(settings).open().unwrap();
    let (mut model, mut written) = (BTreeMap::new(), 0);
    for flush in 0..10_u32 {
        for i in 0..500_u32 {
            let key = (i * 7919 + flush * 104_729) % 2000;
            if i % 5 == 0 {
                db.delete(key.to_le_bytes()).unwrap();
                model.remove(&key);
            } else {
                db.put(key.to_le_bytes(), flush.to_le_bytes()).unwrap();
                model.insert(key, flush);
            }
            written += 1;
        }
        db.flush().unwrap();
    }
    let before = db.stats().unwrap();
    assert_eq!((before.tables(), before.writes.flushes, before.writes.entries), (10, 10, written));
    let in_tables: u64 = before.levels.values().map(|level| level.entries).sum();
    let report = db.compact().unwrap();
    let after = db.stats().unwrap();
    assert_eq!((report.tables_before, report.tables_after), (10, after.tables()));
    assert!(after.tables() < 10);
    assert_eq!(report.entries_removed, in_tables - model.len() as u64);
    assert_eq!(after.writes.entries_removed, report.entries_removed);
    assert_eq!(report.bytes_reclaimed, before.file_bytes() - after.file_bytes());
    assert_eq!(after.writes.bytes_reclaimed, report.bytes_reclaimed);
    let left: u64 = after.levels.values().map(|level| level.entries).sum();
    assert_eq!(left, model.len() as u64);
}

#[test]
fn filters_answer_for_tables_that_do_not_have_the_key() {
    let settings = Settings { compaction: CompactionSettings::size_tiered(100), ..Settings::default() };
    let db = on(&MemFs::new()).settings(settings).open().unwrap();
    for table in 0..5_u32 {
        for i in 0..1000_u32 {
            // All tables span the same range, so none is ruled out by it.
            db.put(format!("{:08}", i * 10 + table), "v").unwrap();
        }
        db.flush().unwrap();
    }
    let before = db.stats().unwrap().reads;
    for i in 0..10_000_u32 {
        // Between keys that are there.
        assert_eq!(db.get(format!("{:08}x", i % 9990)).unwrap(), None);
    }
    let reads = db.stats().unwrap().reads;
    let asked = (reads.filter_skips - before.filter_skips) + (reads.tables_read - before.tables_read);
    assert_eq!(reads.gets - before.gets, 10_000);
    // Every table whose range holds the key was asked: all five, but for the keys at either end.
    assert!((49_900..=50_000).contains(&asked), "{asked}");
    let skipped = reads.filter_skips - before.filter_skips;
    assert!(skipped * 100 > asked * 98, "the filters answered for {skipped} of {asked}");
    assert_eq!(
        reads.filter_false_positives - before.filter_false_positives,
        reads.tables_read - before.tables_read
    );
}

#[test]
fn a_full_compaction_compresses_and_the_next_one_stays_where_it_is() {
    // Under size-tiered compaction no other job follows.
    let settings = Settings { compaction: CompactionSettings::size_tiered(4), ..Settings::default() };
    let db = on(&MemFs::new()).settings(settings).open().unwrap();
    let fill = |round: u32| {
        for i in 0..2000_u32 {
            db.put(format!("{i:08}"), format!("the same words every time, {round}")).unwrap();
        }
    };
    fill(0);
    db.flush().unwrap();
    let raw = db.stats().unwrap().file_bytes();
    for round in 1..4 {
        db.compact().unwrap();
        let stats = db.stats().unwrap();
        assert_eq!(stats.levels.keys().copied().collect::<Vec<_>>(), [1], "round {round}");
        assert!(stats.file_bytes() * 2 < raw, "{} of {raw} bytes", stats.file_bytes());
        fill(round);
    }
}

#[test]
fn a_lookup_says_where_it_looked() {
    let settings = Settings { compaction: CompactionSettings::size_tiered(100), ..Settings::default() };
    let db = on(&MemFs::new()).settings(settings).open().unwrap();
    for round in 0..3 {
        db.put("a", "first").unwrap();
        db.put(format!("b{round}"), "x").unwrap();
        db.put("z", "last").unwrap();
        db.flush().unwrap();
    }
    db.put("c", "in memory").unwrap();
    let before = db.stats().unwrap().reads;
    let said = |key: &str| {
        let explanation = db.explain_get(key).unwrap();
        assert_eq!(explanation.value, db.get(key).unwrap());
        explanation.steps.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(said("c"), "memtable of 1 entries: found");
    assert_eq!(
        said("b1"),
        "memtable of 1 entries: not there\n\
         level 0, table 6: not there, says its filter\n\
         level 0, table 5: maybe, says its filter; block from the file; found"
    );
    assert_eq!(said("zz"), "memtable of 1 entries: not there", "no table reaches that far");
    // Only the gets are counted.
    assert_eq!(db.stats().unwrap().reads.gets - before.gets, 3);
}

#[test]
fn keyspaces_add_up_to_the_whole() {
    let settings = Settings {
        compaction: CompactionSettings::size_tiered(100),
        level0_runs_stop: 1000,
        ..Settings::default()
    };
    let db = on(&MemFs::new()).settings(settings).open().unwrap();
    let [users, _empty] = ["users", "empty"].map(|name| db.keyspace(name).unwrap());
    for round in 0..3_u32 {
        db.put(round.to_le_bytes(), [b'v'; 100]).unwrap();
        for i in 0..=round {
            users.put(i.to_le_bytes(), [b'v'; 50]).unwrap();
        }
        db.flush().unwrap();
    }
    users.put("in memory", "").unwrap();
    let stats = db.stats().unwrap();
    let names: Vec<_> = stats.keyspaces.keys().collect();
    assert_eq!(names, ["default", "empty", "users"]);
    let sum =
        |figure: fn(&siltstone::KeyspaceStats) -> u64| stats.keyspaces.values().map(figure).sum::<u64>();
    assert_eq!(sum(|keyspace| keyspace.tables), stats.tables());
    assert_eq!(sum(|keyspace| keyspace.file_bytes), stats.file_bytes());
    assert_eq!(sum(|keyspace| keyspace.runs), stats.levels.values().map(|level| level.runs).sum());
    assert_eq!(sum(|keyspace| keyspace.memtable_entries), stats.memtable_entries);
    assert_eq!(sum(|keyspace| keyspace.memtable_bytes), stats.memtable_bytes);
    let [default, empty, users] = ["default", "empty", "users"].map(|name| stats.keyspaces[name]);
    assert_eq!((default.runs, default.tables, default.memtable_entries), (3, 3, 0));
    // One entry with a key of 4 bytes in each of its runs; three in the last run of the other.
    assert_eq!((default.largest_run_raw_bytes, users.largest_run_raw_bytes), (104, 3 * 54));
    assert_eq!((users.runs, users.tables, users.memtable_entries), (3, 3, 1));
    assert_eq!((empty.runs, empty.tables, empty.file_bytes, empty.largest_run_raw_bytes), (0, 0, 0, 0));
}

#[test]
fn a_flush_leaves_out_the_versions_that_nobody_can_see() {
    let db = on(&MemFs::new()).settings(Settings::default()).open().unwrap();
    let overwrite = |times: u32| {
        for i in 0..times {
            db.put((i % 50).to_le_bytes(), i.to_le_bytes()).unwrap();
        }
    };
    overwrite(5000);
    let snapshot = db.snapshot();
    overwrite(5000);
    db.flush().unwrap();
    let entries = || db.stats().unwrap().levels.values().map(|level| level.entries).sum::<u64>();
    assert_eq!(entries(), 100, "of each key what the snapshot sees and what is newest");
    drop(snapshot);
    overwrite(5000);
    db.flush().unwrap();
    assert_eq!(entries(), 150, "of each key the newest");
}
