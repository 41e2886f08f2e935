//! Copies of a database in use.

use std::{
    collections::BTreeMap,
    io,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use siltstone::{Db, Durability, Error, Settings, WriteBatch};
use siltstone_vfs::{Decision, Fault, FaultFs, Fs, MemFs, OpKind, injector_fn};

use crate::{contents, on, tiny};

fn open_copy(fs: &MemFs, dir: &str) -> Db {
    Db::builder(dir).fs(Arc::new(fs.clone())).create_if_missing(false).open().unwrap()
}

fn fill(db: &Db, first: u32, count: u32) {
    let other = db.keyspace("other").unwrap();
    for number in first..first + count {
        let mut batch = WriteBatch::new();
        batch.put(format!("{number:05}"), "x").put_in(&other, format!("{number:05}"), "y");
        db.write(&mut batch).unwrap();
    }
}

#[test]
fn a_checkpoint_is_a_database_of_that_moment() {
    let fs = MemFs::new();
    let db = on(&fs).settings(tiny()).open().unwrap();
    fill(&db, 0, 40);
    db.delete("00007").unwrap();
    let expected = contents(&db);
    let report = db.checkpoint("copy").unwrap();
    assert_eq!(report.sequence, db.sequence().get());
    assert!(report.tables_linked > 0 && report.tables_copied == 0, "{report:?}");
    fill(&db, 40, 40);
    db.compact().unwrap();
    // Complete and durable, whatever happens to the original and to the power.
    for left in [fs.power_cut_worst(), fs.clone_now()] {
        let copy = open_copy(&left, "copy");
        assert!(copy.recovery().was_closed);
        assert_eq!(contents(&copy), expected);
        assert_eq!(copy.keyspace("other").unwrap().range(..).count(), 40);
        // Each goes its own way.
        copy.put("only here", "1").unwrap();
        copy.compact().unwrap();
        assert!(copy.verify().unwrap().damages.is_empty());
        copy.close().unwrap();
        assert_eq!(contents(&open_copy(&left, "copy")).len(), expected.len() + 1);
    }
    assert_eq!(contents(&db).len(), 79);
    assert!(db.verify().unwrap().damages.is_empty());
}

/// Ends the other threads, also when a check fails.
struct SetWhenDropped<'a>(&'a AtomicBool);

impl Drop for SetWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[test]
fn a_checkpoint_beside_writers_is_a_prefix_of_history() {
    let fs = MemFs::new();
    let db = Db::builder("db").fs(Arc::new(fs.clone())).settings(tiny()).open().unwrap();
    let other = db.keyspace("other").unwrap();
    let (acknowledged, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let _end = SetWhenDropped(&is_over);
        scope.spawn(|| {
            for number in 1_u64.. {
                let mut batch = WriteBatch::new();
                batch.put(format!("{number:08}"), "x").put_in(&other, format!("{number:08}"), "y");
                let durability = if number % 3 == 0 { Durability::Sync } else { Durability::Buffered };
                db.write_with(&mut batch, durability).unwrap();
                acknowledged.store(number, Ordering::Release);
                if is_over.load(Ordering::Acquire) {
                    break;
                }
            }
        });
        for number in 0..8 {
            let before = acknowledged.load(Ordering::Acquire);
            let name = format!("copy-{number}");
            let report = db.checkpoint(&name).unwrap();
            let copy = open_copy(&fs.power_cut_worst(), &name);
            assert_eq!(copy.sequence().get(), report.sequence);
            let mine = contents(&copy);
            let theirs = copy.keyspace("other").unwrap().range(..).count();
            assert!(mine.len() as u64 >= before, "{before} were acknowledged, {} are there", mine.len());
            assert_eq!(mine.len(), theirs, "half a batch");
            for (at, (key, _)) in mine.iter().enumerate() {
                assert_eq!(*key, format!("{:08}", at + 1), "a hole");
            }
        }
    });
}

#[test]
fn no_file_is_removed_while_it_is_copied() {
    let disk = MemFs::new();
    let original: Arc<Mutex<Option<Db>>> = Arc::default();
    let busy = Arc::clone(&original);
    // While the first table is linked, the logs that are to be copied become obsolete, and so does every table.
    let work = injector_fn(move |op| {
        if op.kind() == OpKind::HardLink
            && let Some(db) = busy.lock().unwrap().take()
        {
            for number in 0..30 {
                db.put(format!("later {number}"), "x").unwrap();
            }
            db.compact().unwrap();
        }
        Decision::Pass
    });
    let fs: Arc<dyn Fs> = Arc::new(FaultFs::new(Arc::new(disk.clone()), work));
    let settings = Settings { log_bytes_max: 200, ..tiny() };
    let db = on(&disk).fs(fs).settings(settings).open().unwrap();
    fill(&db, 0, 9);
    *original.lock().unwrap() = Some(db.clone());
    let expected = contents(&db);
    db.checkpoint("copy").unwrap();
    assert!(original.lock().unwrap().is_none(), "nothing was done meanwhile");
    assert_eq!(contents(&open_copy(&disk.power_cut_worst(), "copy")), expected);
    // What waited is removed now.
    let tables = disk.list(Path::new("db/sst")).unwrap().len() as u64;
    assert_eq!(tables, db.stats().unwrap().tables());
    assert!(disk.list(Path::new("db/wal")).unwrap().len() <= 3);
}

#[test]
fn a_target_that_is_in_use_is_refused() {
    let fs = MemFs::new();
    let db = on(&fs).open().unwrap();
    db.put("key", "value").unwrap();
    db.checkpoint("copy").unwrap();
    for target in ["copy", "db", "db/inside"] {
        let error = db.checkpoint(target).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { .. }), "{target}: {error}");
    }
    assert!(!fs.list(Path::new("db")).unwrap().contains(&"db/inside".into()));
    let reader = on(&fs).read_only(true).open().unwrap();
    assert!(matches!(reader.checkpoint("second"), Err(Error::ReadOnly)));
}

#[test]
fn tables_are_copied_where_they_cannot_be_linked() {
    let disk = MemFs::new();
    let fault = Arc::new(Fault::fail(io::ErrorKind::CrossesDevices).on(&[OpKind::HardLink]).from_nth(0));
    let fs: Arc<dyn Fs> = Arc::new(FaultFs::new(Arc::new(disk.clone()), fault as _));
    let db = Db::builder("db").fs(fs).settings(tiny()).open().unwrap();
    fill(&db, 0, 20);
    let report = db.checkpoint("copy").unwrap();
    assert!(report.tables_copied > 0 && report.tables_linked == 0 && report.bytes_copied > 0, "{report:?}");
    assert_eq!(contents(&open_copy(&disk.power_cut_worst(), "copy")), contents(&db));
}

/// Every operation of a checkpoint fails once: the original goes on, and the target is complete, or no database and out of the way.
#[test]
fn a_checkpoint_that_fails_costs_nothing() {
    let kinds = [
        OpKind::Create,
        OpKind::HardLink,
        OpKind::List,
        OpKind::Metadata,
        OpKind::CreateDirAll,
        OpKind::SyncDir,
        OpKind::WriteAt,
        OpKind::SyncAll,
        OpKind::ReadAt,
        OpKind::Open,
        OpKind::Rename,
    ];
    let mut failed = BTreeMap::new();
    for kind in kinds {
        for nth in 0.. {
            let disk = MemFs::new();
            let db = on(&disk).settings(tiny()).open().unwrap();
            fill(&db, 0, 9);
            db.close().unwrap();
            let fault = Arc::new(
                Fault::fail(io::ErrorKind::Other)
                    .on(&[kind])
                    .on_path(|path| path.starts_with("copy"))
                    .at_nth(nth),
            );
            let fs: Arc<dyn Fs> = Arc::new(FaultFs::new(Arc::new(disk.clone()), Arc::clone(&fault) as _));
            let db = on(&disk).fs(fs).open().unwrap();
            // Something that is in a log only.
            db.put_with("00001", "again", Durability::Buffered).unwrap();
            let expected = contents(&db);
            let outcome = db.checkpoint("copy");
            let matched = fault.matched();
            *failed.entry(kind).or_insert(0) += u64::from(outcome.is_err());
            assert_eq!(contents(&db), expected);
            db.put("more", "1").unwrap();
            if outcome.is_ok() {
                assert_eq!(contents(&open_copy(&disk.power_cut_worst(), "copy")), expected);
            } else {
                // What was begun is gone, so that the same target can be tried again.
                db.checkpoint("copy").unwrap_or_else(|error| panic!("{kind:?} {nth}: {error}"));
                assert_eq!(contents(&open_copy(&disk.power_cut_worst(), "copy")), contents(&db));
            }
            assert!(db.verify().unwrap().damages.is_empty());
            if matched <= nth {
                break;
            }
        }
    }
    assert!(failed.values().filter(|failed| **failed > 0).count() >= 8, "{failed:?}");
}

#[test]
fn a_checkpoint_holds_what_is_in_logs_only() {
    let fs = MemFs::new();
    let db = on(&fs).settings(Settings { log_bytes_max: 200, ..Settings::default() }).open().unwrap();
    db.put("a", "1").unwrap();
    let snapshot = db.snapshot();
    db.put("a", "2").unwrap();
    let copy = {
        db.checkpoint("copy").unwrap();
        open_copy(&fs, "copy")
    };
    assert_eq!(copy.get("a").unwrap().unwrap(), b"2"[..]);
    assert_eq!(snapshot.get("a").unwrap().unwrap(), b"1"[..]);
}
