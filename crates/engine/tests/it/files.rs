//! Creation, and files that should not be there or should be.

use std::{collections::BTreeSet, io, path::Path, sync::Arc, thread, time::Duration};

use siltstone::{Db, Error, Threads};
use siltstone_vfs::{Fault, FaultFs, Fs, MemFs, OpCounter};

use crate::{contents, on, overwrite, read, tiny};

fn names(fs: &MemFs) -> BTreeSet<String> {
    ["db", "db/wal", "db/sst"]
        .iter()
        .flat_map(|dir| fs.list(Path::new(dir)).unwrap())
        .map(|path| path.to_string_lossy().into_owned())
        .collect()
}

#[test]
fn a_creation_that_is_cut_short_is_started_again() {
    let counter = Arc::new(OpCounter::new());
    let watched = FaultFs::new(Arc::new(MemFs::new()), Arc::clone(&counter) as _);
    on(&MemFs::new()).fs(Arc::new(watched)).open().unwrap().close().unwrap();
    let mut created = 0;
    for cut in 0..counter.total() {
        // What a power cut leaves after `cut` operations of creating, opening and closing.
        let fs = MemFs::new();
        let fault = Fault::fail(io::ErrorKind::Other).from_nth(cut);
        let failing = FaultFs::new(Arc::new(fs.clone()), Arc::new(fault));
        let outcome = on(&fs).fs(Arc::new(failing)).open().and_then(|db| db.close());
        for seed in 0..3 {
            let after = fs.power_cut(seed);
            let db = on(&after).open().unwrap_or_else(|error| panic!("cut {cut} seed {seed}: {error}"));
            assert_eq!(contents(&db), []);
            db.put("k", "v").unwrap();
        }
        created += u32::from(outcome.is_ok());
    }
    // The last two: the lock is given back and the unused log removed, which the next open would do.
    assert!(created <= 2, "{created} failures went unnoticed");
}

#[test]
fn tables_without_current_are_never_taken_for_a_new_database() {
    let fs = MemFs::new();
    let db = on(&fs).open().unwrap();
    db.put("k", "v").unwrap();
    db.close().unwrap();
    fs.remove(Path::new("db/CURRENT")).unwrap();
    let error = on(&fs).open().unwrap_err();
    assert!(error.to_string().contains("CURRENT is missing"), "{error}");
    assert!(matches!(error, Error::Corruption { .. }));
}

#[test]
fn settings_are_stored_and_used_by_the_next_open() {
    let fs = MemFs::new();
    let db = on(&fs).settings(tiny()).open().unwrap();
    db.close().unwrap();
    let in_memory_after_ten_puts = |fs: &MemFs| {
        let db = on(fs).open().unwrap();
        for i in 0..10 {
            db.put(format!("{i}"), "v").unwrap();
        }
        db.stats().unwrap().memtable_entries
    };
    assert!(in_memory_after_ten_puts(&fs) < 10, "three entries to a memtable were asked for");
    // Settings that are given win, and are stored.
    on(&fs).settings(siltstone::Settings::default()).open().unwrap().close().unwrap();
    assert_eq!(in_memory_after_ten_puts(&fs), 10);
}

#[test]
fn damaged_options_hinder_only_those_who_need_them() {
    let fs = MemFs::new();
    on(&fs).open().unwrap().close().unwrap();
    let options = Path::new("db/OPTIONS");
    overwrite(&fs, options, b"nonsense");
    assert!(matches!(on(&fs).open(), Err(Error::Corruption { path, .. }) if path == options));
    fs.remove(options).unwrap();
    assert!(matches!(on(&fs).read_only(true).open(), Err(Error::Corruption { path, .. }) if path == options));
    on(&fs).settings(tiny()).open().unwrap().close().unwrap();
    on(&fs).open().unwrap();
}

#[test]
fn leftovers_are_removed_and_what_is_not_ours_stays() {
    let fs = MemFs::new();
    on(&fs).open().unwrap().close().unwrap();
    for name in [
        "db/CURRENT.tmp",
        "db/sst/000900.sst",
        "db/wal/000901.log",
        "db/MANIFEST-000902",
        "db/notes.tmp",
        "db/sst/1.sst",
    ] {
        fs.create(Path::new(name)).unwrap();
    }
    let db = on(&fs).open().unwrap();
    let left = names(&fs);
    for (name, stays) in [
        ("db/CURRENT.tmp", false),
        ("db/sst/000900.sst", false),
        ("db/wal/000901.log", false),
        ("db/MANIFEST-000902", false),
        ("db/notes.tmp", true),
        ("db/sst/1.sst", true),
    ] {
        assert_eq!(left.contains(name), stays, "{name} in {left:?}");
    }
    assert!(
        left.iter().all(|name| !name.contains("00090") || name.contains("000903") || name.contains("000904"))
    );
    let foreign = db.verify().unwrap().foreign;
    assert_eq!(foreign, [Path::new("db/notes.tmp"), Path::new("db/sst/1.sst")]);
}

#[test]
fn files_of_another_database_are_noticed() {
    let make = |seed: u64, value: &str| {
        let fs = MemFs::new();
        let db = on(&fs).seed(seed).open().unwrap();
        db.put("k", value).unwrap();
        db.close().unwrap();
        fs
    };
    let (ours, theirs) = (make(1, "ours"), make(2, "them"));
    let table = Path::new("db/sst/000004.sst");
    overwrite(&ours, table, &read(&theirs, table));
    // Of the same length: tables are opened when they are needed, and noticed then.
    let db = on(&ours).read_only(true).open().unwrap();
    assert!(matches!(db.get("k"), Err(Error::Corruption { .. })));
    assert!(matches!(db.range(..).next(), Some(Err(Error::Corruption { .. }))));
    assert_eq!(db.verify().unwrap().damages.len(), 1);
    let ours = make(1, "ours");
    let manifest = Path::new("db/MANIFEST-000003");
    overwrite(&ours, manifest, &read(&theirs, manifest));
    assert!(matches!(on(&ours).open(), Err(Error::Corruption { .. })));
}

#[test]
fn obsolete_files_do_not_pile_up() {
    let fs = MemFs::new();
    let db: Db = on(&fs).settings(tiny()).open().unwrap();
    for i in 0..200_u32 {
        db.put(format!("{}", i % 7), format!("{i}")).unwrap();
    }
    db.compact().unwrap();
    let files = names(&fs);
    let logs = files.iter().filter(|name| name.ends_with(".log")).count();
    let manifests = files.iter().filter(|name| name.contains("MANIFEST")).count();
    let tables = files.iter().filter(|name| name.ends_with(".sst")).count() as u64;
    assert_eq!((logs, manifests), (1, 1), "{files:?}");
    assert_eq!(tables, db.stats().unwrap().tables(), "{files:?}");
}

#[test]
fn files_of_a_dropped_keyspace_go_with_its_last_reader_and_without_another_flush() {
    let fs = MemFs::new();
    let db = on(&fs).executor(Arc::new(Threads::new(1))).settings(tiny()).open().unwrap();
    let tables = || fs.list(Path::new("db/sst")).unwrap().len();
    let wait_for_tables = |count| {
        for _ in 0..10_000 {
            if tables() == count {
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(tables(), count, "the files are still there");
    };
    let fill = || {
        let keyspace = db.keyspace("short-lived").unwrap();
        keyspace.put("k", "v").unwrap();
        db.flush().unwrap();
        assert_eq!(tables(), 1);
        keyspace
    };
    drop(fill());
    db.drop_keyspace("short-lived").unwrap();
    wait_for_tables(0);

    let keyspace = fill();
    let snapshot = db.snapshot();
    db.drop_keyspace("short-lived").unwrap();
    // More than enough for whoever would remove too much.
    thread::sleep(Duration::from_millis(50));
    assert_eq!(tables(), 1, "somebody still reads it");
    assert_eq!(snapshot.get_in(&keyspace, "k").unwrap().as_deref(), Some(&b"v"[..]));
    drop(snapshot);
    wait_for_tables(0);
}
