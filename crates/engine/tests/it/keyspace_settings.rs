//! Settings of single keyspaces: what they change, where they are kept, what becomes of them when something fails.

use std::{collections::BTreeMap, io, path::Path, sync::Arc};

use siltstone::{
    CompactionSettings, Compression, Db, Error, FilterSettings, KeyspaceSettings, MemtableSettings, Settings,
    sstable::{OpenOptions, Table},
};
use siltstone_vfs::{Decision, Fault, FaultFs, Fs, MemFs, OpKind, injector_fn};

use crate::{DIR, on};

/// Different from the defaults in everything.
fn own() -> KeyspaceSettings {
    KeyspaceSettings {
        memtable: Some(MemtableSettings::BTree),
        memtable_bytes_max: Some(1 << 20),
        memtable_entries_max: Some(10),
        block_bytes: Some(64),
        table_bytes_max: Some(350),
        filter: Some(FilterSettings::None),
        compression: Some(vec![Compression::Zstd { level: 1 }]),
        compaction: Some(CompactionSettings::size_tiered(2)),
        level0_runs_slow: Some(2),
        level0_runs_stop: Some(3),
        debt_bytes_slow: Some(1 << 30),
        debt_bytes_stop: Some(2 << 30),
        ttl_ms: Some(86_400_000),
    }
}

fn fill(db: &Db, name: &str) {
    let keyspace = db.keyspace(name).unwrap();
    for i in 0..100 {
        keyspace.put(format!("{i:04}"), [7; 20]).unwrap();
    }
}

/// The tables of the database by the id of their keyspace.
fn tables(fs: &MemFs) -> BTreeMap<u32, Vec<Arc<Table>>> {
    let mut tables: BTreeMap<u32, Vec<_>> = BTreeMap::new();
    for path in fs.list(&Path::new(DIR).join("sst")).unwrap() {
        let table = Table::open(fs, &path, OpenOptions::default()).unwrap();
        tables.entry(table.properties().keyspace).or_default().push(table);
    }
    tables
}

#[test]
fn a_keyspace_is_written_with_its_own_settings_and_the_others_are_not() {
    let fs = MemFs::new();
    let db = on(&fs).open().unwrap();
    let users = db.keyspace_with("users", own()).unwrap();
    fill(&db, "users");
    fill(&db, "default");
    assert!(tables(&fs)[&users.id().0].len() > 1, "its memtables hold ten entries");
    assert!(!tables(&fs).contains_key(&0), "and those of others do not");
    db.compact().unwrap();
    let tables = tables(&fs);
    let (users, others) = (&tables[&users.id().0], &tables[&0]);
    assert!(users.len() > 2, "cut at 300 bytes");
    assert!(users.iter().all(|table| table.filter_name().is_none() && table.properties().data_blocks > 1));
    assert_eq!(others.len(), 1);
    assert_eq!(others[0].filter_name(), Some("fastbloom.1"));
    assert_eq!(others[0].properties().data_blocks, 1);
}

#[test]
fn they_are_stored_kept_changed_and_taken_back() {
    let fs = MemFs::new();
    let stored = |db: &Db| db.settings().keyspaces.get("users").cloned();
    let db = on(&fs).open().unwrap();
    db.keyspace_with("users", own()).unwrap();
    assert_eq!(stored(&db), Some(own()));
    db.keyspace("users").unwrap();
    assert_eq!(stored(&db), Some(own()));
    drop(db);
    let db = on(&fs).open().unwrap();
    assert_eq!(stored(&db), Some(own()), "stored");
    drop(db);
    let given = Settings { memtable_entries_max: 50, ..Settings::default() };
    let db = on(&fs).settings(given).open().unwrap();
    assert_eq!(stored(&db), Some(own()), "settings for the database leave those of keyspaces alone");
    let changed = KeyspaceSettings { memtable_entries_max: Some(3), ..KeyspaceSettings::default() };
    db.keyspace_with("users", changed.clone()).unwrap();
    drop(db);
    let db = on(&fs).open().unwrap();
    assert_eq!(stored(&db), Some(changed));
    assert_eq!(db.settings().of_keyspace("users").memtable_entries_max, 3);
    assert_eq!(db.settings().of_keyspace("default").memtable_entries_max, 50);
    fill(&db, "users");
    assert!(tables(&fs)[&1].len() > 1, "in effect");
    drop(db);
    let mut given = Settings::default();
    given.keyspaces.insert("users".to_owned(), own());
    let db = on(&fs).settings(given).open().unwrap();
    assert_eq!(stored(&db), Some(own()), "those that are given win");
    db.keyspace_with("users", KeyspaceSettings::default()).unwrap();
    assert_eq!(stored(&db), None);
    drop(db);
    assert_eq!(stored(&on(&fs).open().unwrap()), None);
}

#[test]
fn a_dropped_keyspace_takes_its_settings_along() {
    let fs = MemFs::new();
    let db = on(&fs).open().unwrap();
    db.keyspace_with("users", own()).unwrap();
    db.drop_keyspace("users").unwrap();
    assert!(db.settings().keyspaces.is_empty());
    db.keyspace("users").unwrap();
    drop(db);
    assert!(on(&fs).open().unwrap().settings().keyspaces.is_empty());
}

#[test]
fn settings_out_of_range_are_refused_with_keyspace_and_field() {
    let db = on(&MemFs::new()).open().unwrap();
    let none = KeyspaceSettings::default;
    for (settings, field) in [
        (KeyspaceSettings { memtable_bytes_max: Some(0), ..none() }, "memtable-bytes-max"),
        (KeyspaceSettings { memtable_entries_max: Some(u64::MAX), ..none() }, "memtable-entries-max"),
        (KeyspaceSettings { block_bytes: Some(1), ..none() }, "block-bytes"),
        (KeyspaceSettings { table_bytes_max: Some(0), ..none() }, "table-bytes-max"),
        (
            KeyspaceSettings { filter: Some(FilterSettings::bits_per_key(99.0)), ..none() },
            "filter.bloom.bits",
        ),
        (KeyspaceSettings { compression: Some(vec![]), ..none() }, "compression"),
        (KeyspaceSettings { compaction: Some(CompactionSettings::size_tiered(0)), ..none() }, "runs-min"),
        (KeyspaceSettings { level0_runs_stop: Some(0), ..none() }, "level0-runs-stop"),
        (KeyspaceSettings { ttl_ms: Some(u64::MAX), ..none() }, "ttl-ms"),
    ] {
        let error = db.keyspace_with("users", settings).unwrap_err().to_string();
        assert!(error.contains("keyspaces.users") && error.contains(field), "{error}");
    }
    assert!(db.keyspace_with("", own()).is_err());
    assert_eq!(db.keyspaces().unwrap(), ["default"], "none of them was created");
}

#[test]
fn when_options_cannot_be_written_no_keyspace_is_created_and_nothing_else_suffers() {
    let is_options =
        |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("OPTIONS"));
    for kind in [OpKind::Create, OpKind::WriteAt, OpKind::SyncAll, OpKind::Rename] {
        let fs = MemFs::new();
        on(&fs).open().unwrap().close().unwrap();
        let fault = Arc::new(Fault::fail(io::ErrorKind::Other).on(&[kind]).on_path(is_options).at_nth(0));
        let failing: Arc<dyn Fs> = Arc::new(FaultFs::new(Arc::new(fs.clone()), Arc::clone(&fault) as _));
        let db = on(&fs).fs(failing).open().unwrap();
        let error = db.keyspace_with("users", own()).unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{kind:?}: {error}");
        assert_eq!(fault.hits(), 1);
        assert_eq!(db.keyspaces().unwrap(), ["default"], "{kind:?}");
        assert!(db.settings().keyspaces.is_empty());
        db.put("writing", "goes on").unwrap();
        // It succeeds when it is tried again.
        db.keyspace_with("users", own()).unwrap();
        db.close().unwrap();
        let db = on(&fs).open().unwrap();
        assert_eq!(db.settings().keyspaces.get("users"), Some(&own()));
        assert_eq!(db.keyspaces().unwrap(), ["default", "users"]);
    }
}

#[test]
fn a_keyspace_that_survives_a_power_cut_has_its_settings() {
    let fs = MemFs::new();
    on(&fs).open().unwrap().close().unwrap();
    // The disk as each operation would find it if power failed before.
    let cuts: Arc<std::sync::Mutex<Vec<MemFs>>> = Arc::default();
    let (disk, seen) = (fs.clone(), Arc::clone(&cuts));
    let watched = FaultFs::new(
        Arc::new(fs.clone()),
        injector_fn(move |_| {
            let mut seen = seen.lock().unwrap();
            let number = seen.len() as u64;
            seen.extend([disk.power_cut_worst(), disk.power_cut_best(), disk.power_cut(number)]);
            Decision::Pass
        }),
    );
    let db = on(&fs).fs(Arc::new(watched)).open().unwrap();
    let before = cuts.lock().unwrap().len();
    db.keyspace_with("users", own()).unwrap();
    let cuts: Vec<_> = cuts.lock().unwrap().split_off(before);
    let (mut with, mut without) = (0, 0);
    for cut in cuts.iter().chain([&fs.power_cut_worst()]) {
        let db = on(cut).open().unwrap();
        if db.keyspaces().unwrap().len() == 2 {
            assert_eq!(db.settings().keyspaces.get("users"), Some(&own()));
            with += 1;
        } else {
            without += 1;
        }
    }
    assert!(with > 0 && without > 0, "{with} and {without}");
}

#[test]
fn many_keyspaces_may_have_settings() {
    let fs = MemFs::new();
    let mut settings = Settings::default();
    for i in 0..2000 {
        settings.keyspaces.insert(format!("keyspace {i} \"quoted\""), own());
    }
    on(&fs).settings(settings.clone()).open().unwrap().close().unwrap();
    assert_eq!(on(&fs).open().unwrap().settings(), settings);
}
