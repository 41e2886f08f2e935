//! Snapshots: what they see, and what they cost.

use std::sync::Arc;

use siltstone::{Db, Error, Executor as _, Inline, Snapshot};
use siltstone_vfs::MemFs;

use crate::on;

fn value(snapshot: &Snapshot, key: &str) -> Option<String> {
    snapshot.get(key).unwrap().map(|value| String::from_utf8_lossy(&value).into_owned())
}

#[test]
fn a_snapshot_sees_its_moment_through_flushes_and_merges() {
    let db = on(&MemFs::new()).open().unwrap();
    let mut taken = Vec::new();
    for round in 0..6 {
        db.put("often", round.to_string()).unwrap();
        db.put(format!("once-{round}"), "x").unwrap();
        taken.push(db.snapshot());
        if round % 2 == 0 {
            db.flush().unwrap();
        }
        db.delete(format!("once-{round}")).unwrap();
    }
    db.compact().unwrap();
    for (round, snapshot) in taken.iter().enumerate() {
        assert_eq!(value(snapshot, "often"), Some(round.to_string()));
        assert_eq!(value(snapshot, &format!("once-{round}")), Some("x".to_owned()));
        assert_eq!(snapshot.range(..).count(), 2, "deleted ones, and those of later");
    }
    assert_eq!(db.range(..).count(), 1);
    // Without them the versions are not kept.
    let kept = db.stats().unwrap().levels.values().map(|level| level.entries).sum::<u64>();
    taken.clear();
    db.put("z", "z").unwrap();
    db.compact().unwrap();
    let left = db.stats().unwrap().levels.values().map(|level| level.entries).sum::<u64>();
    assert!(kept >= 12 && left == 2, "{kept} entries before, {left} after");
}

#[test]
fn a_snapshot_keeps_no_memtable_and_no_file() {
    let db = on(&MemFs::new()).open().unwrap();
    db.put("key", vec![7; 100_000]).unwrap();
    db.flush().unwrap();
    let snapshot = db.snapshot();
    db.put("other", vec![8; 100_000]).unwrap();
    db.compact().unwrap();
    // What was flushed is gone from memory, though the snapshot lives.
    assert_eq!(db.stats().unwrap().memtable_entries, 0);
    assert_eq!(db.stats().unwrap().tables(), 1);
    assert_eq!(snapshot.get("key").unwrap().unwrap().len(), 100_000);
    assert!(snapshot.get("other").unwrap().is_none());
}

#[test]
fn a_snapshot_sees_a_keyspace_that_was_dropped_since_and_no_other_does() {
    let db = on(&MemFs::new()).open().unwrap();
    let (users, before) = (db.keyspace("users").unwrap(), db.snapshot());
    users.put("a", "1").unwrap();
    db.flush().unwrap();
    users.put("b", "2").unwrap();
    let snapshot = db.snapshot();
    users.put("c", "3").unwrap();
    db.drop_keyspace("users").unwrap();
    let after = db.snapshot();
    for _ in 0..2 {
        let found: Vec<_> = snapshot.range_in(&users, ..).map(|entry| entry.unwrap().0.to_vec()).collect();
        assert_eq!(found, [b"a".to_vec(), b"b".to_vec()]);
        assert!(before.get_in(&users, "a").unwrap().is_none());
        assert!(matches!(after.get_in(&users, "a"), Err(Error::NotFound { .. })));
        assert!(matches!(users.get("a"), Err(Error::NotFound { .. })));
        db.put("x", "y").unwrap();
        db.compact().unwrap();
    }
    // One of the same name is another one.
    let again = db.keyspace("users").unwrap();
    again.put("a", "new").unwrap();
    assert_eq!(snapshot.get_in(&users, "a").unwrap().unwrap(), b"1"[..]);
    assert!(snapshot.get_in(&again, "a").unwrap().is_none(), "created later: empty");
    drop((snapshot, before));
    assert!(matches!(after.get_in(&users, "a"), Err(Error::NotFound { .. })));
}

#[test]
fn a_snapshot_outlives_its_database() {
    let db = on(&MemFs::new()).open().unwrap();
    db.put("key", "1").unwrap();
    let snapshot = db.snapshot();
    db.put("key", "2").unwrap();
    db.close().unwrap();
    assert_eq!(value(&snapshot, "key").as_deref(), Some("1"));
    drop(db);
    assert_eq!(value(&snapshot, "key").as_deref(), Some("1"));
}

#[test]
fn memtables_are_freed_in_the_background() {
    let executor = Arc::new(Inline::new(1));
    let db = Db::builder("db").in_memory().executor(executor.clone()).open().unwrap();
    let reader = {
        db.put("key", "value").unwrap();
        db.range(..)
    };
    db.flush().unwrap();
    while executor.help() {}
    // The last who reads the memtable is not the one who frees it.
    drop(reader);
    assert!(executor.help(), "no job was left for the background");
}
