//! Keyspaces: apart from each other, together in batches.

use siltstone::{Db, Error, WriteBatch};
use siltstone_vfs::MemFs;

use crate::{on, tiny};

fn keys(range: siltstone::Range) -> String {
    range.map(|entry| String::from_utf8(entry.unwrap().0.to_vec()).unwrap()).collect()
}

#[test]
fn keyspaces_do_not_see_each_other_and_survive_together() {
    let fs = MemFs::new();
    let db = on(&fs).settings(tiny()).open().unwrap();
    let users = db.keyspace("users").unwrap();
    let empty = db.keyspace("空").unwrap();
    let mut batch = WriteBatch::new();
    batch.put("k", "default").put_in(&users, "k", "users").put_in(&users, "u", "1").delete_in(&empty, "k");
    db.write(&mut batch).unwrap();
    let check = |db: &Db| {
        assert_eq!(db.keyspaces().unwrap(), ["default", "users", "空"]);
        assert_eq!(db.get("k").unwrap().as_deref(), Some(&b"default"[..]));
        assert_eq!(db.keyspace("users").unwrap().get("k").unwrap().as_deref(), Some(&b"users"[..]));
        assert_eq!(keys(db.keyspace("users").unwrap().range(..)), "ku");
        assert_eq!(keys(db.keyspace("空").unwrap().range(..)), "");
    };
    check(&db);
    check(&on(&fs.power_cut_worst()).open().unwrap());
    db.flush().unwrap();
    check(&db);
    db.compact().unwrap();
    check(&on(&fs.power_cut_worst()).open().unwrap());
    db.close().unwrap();
    check(&on(&fs).open().unwrap());
}

#[test]
fn a_dropped_keyspace_is_gone_and_its_name_starts_afresh() {
    let fs = MemFs::new();
    let db = on(&fs).settings(tiny()).open().unwrap();
    let old = db.keyspace("users").unwrap();
    for key in ["a", "b", "c", "d", "e"] {
        old.put(key, "old").unwrap();
    }
    let snapshot = db.snapshot();
    db.drop_keyspace("users").unwrap();
    assert!(matches!(old.get("a"), Err(Error::NotFound { .. })));
    assert!(matches!(old.put("a", "b"), Err(Error::NotFound { .. })));
    assert_eq!(snapshot.get_in(&old, "a").unwrap().as_deref(), Some(&b"old"[..]));
    let new = db.keyspace("users").unwrap();
    assert_ne!(old.id(), new.id());
    new.put("f", "new").unwrap();
    let check = |db: &Db| assert_eq!(keys(db.keyspace("users").unwrap().range(..)), "f");
    check(&db);
    check(&on(&fs.power_cut_worst()).open().unwrap());
    drop((snapshot, old));
    db.close().unwrap();
    drop((db, new));
    let db = on(&fs).open().unwrap();
    check(&db);
    assert!(matches!(db.drop_keyspace("default"), Err(Error::InvalidArgument { .. })));
    assert!(matches!(db.drop_keyspace("nobody"), Err(Error::NotFound { .. })));
    assert!(matches!(db.keyspace(""), Err(Error::InvalidArgument { .. })));
}

#[test]
fn a_batch_for_a_dropped_keyspace_is_refused_whole() {
    let db = on(&MemFs::new()).open().unwrap();
    let users = db.keyspace("users").unwrap();
    db.drop_keyspace("users").unwrap();
    let mut batch = WriteBatch::new();
    batch.put("k", "v").put_in(&users, "k", "v");
    assert!(matches!(db.write(&mut batch), Err(Error::NotFound { .. })));
    assert_eq!(batch.len(), 2, "a batch that failed is as it was");
    assert_eq!(db.get("k").unwrap(), None);
}

#[test]
fn logs_are_rotated_and_an_idle_keyspace_does_not_keep_them() {
    let fs = MemFs::new();
    let settings =
        siltstone::Settings { log_bytes_max: 500, logs_bytes_max: 1500, manifest_bytes_max: 2000, ..tiny() };
    let db = on(&fs).settings(settings).open().unwrap();
    for i in 0..10 {
        db.keyspace(&format!("idle{i}")).unwrap().put("once", "only").unwrap();
    }
    let mut most = 0;
    for i in 0..300_u32 {
        db.put(format!("{}", i % 11), format!("{i}")).unwrap();
        most = most.max(siltstone_vfs::Fs::list(&fs, std::path::Path::new("db/wal")).unwrap().len());
    }
    // Three that fill the limit, one that is written, one that is ready, and those that wait for their flush.
    assert!(most <= 8, "{most} logs");
    let again = on(&fs.power_cut(3)).open().unwrap();
    assert_eq!(again.range(..).count(), 11);
    assert_eq!(again.keyspace("idle7").unwrap().range(..).count(), 1);
}
