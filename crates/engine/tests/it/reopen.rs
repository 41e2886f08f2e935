//! What was written is there again, however the database was left.

use std::{path::Path, sync::Arc};

use siltstone::{Db, Durability, Error, Settings, WriteBatch};
use siltstone_vfs::{Decision, FaultFs, Fs as _, MemFs, injector_fn};

use crate::{contents, on, tiny};

fn pairs(entries: &[(&str, &str)]) -> Vec<(String, String)> {
    entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn writes_survive_a_clean_close() {
    let fs = MemFs::new();
    let db = on(&fs).open().unwrap();
    db.put("b", "2").unwrap();
    db.put("a", "1").unwrap();
    db.put("b", "3").unwrap();
    db.delete("a").unwrap();
    db.close().unwrap();
    assert!(matches!(db.put("c", "4"), Err(Error::Closed)));
    assert!(matches!(db.get("c"), Err(Error::Closed)));
    let db = on(&fs).open().unwrap();
    assert!(db.recovery().was_closed);
    assert_eq!(contents(&db), pairs(&[("b", "3")]));
}

#[test]
fn acknowledged_writes_survive_a_power_cut_and_a_torn_batch_leaves_nothing() {
    for seed in 0..50 {
        let fs = MemFs::new();
        let db = on(&fs).open().unwrap();
        db.put("durable", "yes").unwrap();
        let mut batch = WriteBatch::new();
        batch.put("x", "1").put("y", vec![7; 10_000]);
        db.write_with(&mut batch, Durability::Buffered).unwrap();
        let after = fs.power_cut(seed);
        let db = on(&after).open().unwrap();
        assert!(!db.recovery().was_closed);
        assert_eq!(db.get("durable").unwrap().as_deref(), Some(&b"yes"[..]), "seed {seed}");
        let (x, y) = (db.contains_key("x").unwrap(), db.contains_key("y").unwrap());
        assert_eq!(x, y, "seed {seed}: half a batch");
        // And the state that was recovered is itself durable.
        let again = on(&after.power_cut(seed + 1)).open().unwrap();
        assert_eq!(again.contains_key("x").unwrap(), x, "seed {seed}");
    }
}

#[test]
fn flushes_lose_nothing_whenever_the_process_dies() {
    let fs = MemFs::new();
    let db = on(&fs).settings(tiny()).open().unwrap();
    for i in 0..50_u32 {
        db.put(format!("key{:02}", i % 20), format!("value{i}")).unwrap();
        let survivor = on(&fs.clone_now()).settings(tiny()).open().unwrap();
        assert_eq!(contents(&survivor), contents(&db), "after write {i}");
        let survivor = on(&fs.power_cut(u64::from(i))).settings(tiny()).open().unwrap();
        assert_eq!(contents(&survivor), contents(&db), "after write {i}, power cut");
    }
    assert!(db.stats().unwrap().tables() > 0);
}

#[test]
fn a_read_only_open_writes_nothing_and_sees_everything() {
    let fs = MemFs::new();
    let db = on(&fs).settings(tiny()).open().unwrap();
    for key in ["a", "b", "c", "d"] {
        db.put(key, key).unwrap();
    }
    let copy = fs.clone_now();
    let only_reads = injector_fn(|op| {
        assert!(op.kind().is_read(), "a read-only database does {op:?}");
        Decision::Pass
    });
    let watched = FaultFs::new(Arc::new(copy.clone()), only_reads);
    let reader = on(&copy).fs(Arc::new(watched)).read_only(true).open().unwrap();
    assert_eq!(contents(&reader), contents(&db));
    assert!(matches!(reader.put("e", "e"), Err(Error::ReadOnly)));
    assert!(matches!(reader.close(), Err(Error::ReadOnly)));
    drop(reader);
    let again = on(&copy).open().unwrap();
    assert_eq!(contents(&again), contents(&db));
}

#[test]
fn a_database_is_opened_by_one_writer_at_a_time() {
    let fs = MemFs::new();
    let db = on(&fs).open().unwrap();
    let holder = match on(&fs).open() {
        Err(Error::Locked { holder, .. }) => holder,
        other => panic!("{other:?}"),
    };
    assert_eq!(holder, Some(std::process::id()));
    drop(db);
    on(&fs).open().unwrap();
}

#[test]
fn a_missing_database_is_created_only_when_allowed() {
    let fs = MemFs::new();
    assert!(matches!(on(&fs).create_if_missing(false).open(), Err(Error::NotFound { .. })));
    assert!(matches!(on(&fs).read_only(true).open(), Err(Error::NotFound { .. })));
    on(&fs).open().unwrap().close().unwrap();
    on(&fs).create_if_missing(false).open().unwrap();
}

#[test]
fn a_snapshot_does_not_change() {
    let fs = MemFs::new();
    let db = on(&fs).settings(tiny()).open().unwrap();
    db.put("a", "1").unwrap();
    db.put("b", "1").unwrap();
    let snapshot = db.snapshot();
    for i in 0..20_u32 {
        db.put("a", format!("{i}")).unwrap();
        db.delete("b").unwrap();
        assert_eq!(snapshot.get("a").unwrap().as_deref(), Some(&b"1"[..]));
        assert_eq!(snapshot.range(..).count(), 2);
        assert_eq!(snapshot.prefix("b").count(), 1);
    }
    db.compact().unwrap();
    assert_eq!(snapshot.get("b").unwrap().as_deref(), Some(&b"1"[..]));
    assert_eq!(db.get("b").unwrap(), None);
}

#[test]
fn buffered_writes_survive_a_kill_in_whatever_log_they_are() {
    let settings = Settings { log_bytes_max: 300, ..Settings::default() };
    let fs = MemFs::new();
    let db = on(&fs).settings(settings.clone()).open().unwrap();
    for i in 0..100_u32 {
        db.put_with(format!("{i:03}"), "v", Durability::Buffered).unwrap();
        // No log is synced; the end of each must be there all the same.
        let killed = on(&fs.clone_now()).settings(settings.clone()).open().unwrap();
        assert_eq!(contents(&killed).len(), i as usize + 1);
    }
}

#[test]
fn folders_that_a_killed_process_left_unsynced_are_synced_before_anything_is_acknowledged() {
    let disk = MemFs::new();
    for dir in ["/base/db/wal", "/base/db/sst"] {
        disk.create_dir_all(Path::new(dir)).unwrap();
    }
    let open = |disk: &MemFs| Db::builder("/base/db").fs(Arc::new(disk.clone())).open().unwrap();
    let db = open(&disk);
    db.put("key", "value").unwrap();
    let left = disk.power_cut_worst();
    assert_eq!(open(&left).get("key").unwrap().as_deref(), Some(&b"value"[..]));
}
