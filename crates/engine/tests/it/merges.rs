//! What a merge promises: outputs of a size, and nothing lost or left behind when it fails.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use siltstone::{CompactionSettings, Compression, Db, Error, Executor, Inline, Settings};
use siltstone_vfs::{Fs, MemFs};

use crate::{contents, on, overwrite, read};

/// Nothing is merged before it is asked for; blocks are read from the file, and written as they are.
fn idle() -> Settings {
    Settings {
        compaction: CompactionSettings::size_tiered(100),
        level0_runs_stop: 1000,
        compression: vec![Compression::None],
        block_bytes: 256,
        table_bytes_max: 2000,
        cache_bytes: 0,
        ..Settings::default()
    }
}

fn tables(fs: &MemFs) -> BTreeSet<PathBuf> {
    fs.list("db/sst".as_ref()).unwrap().into_iter().collect()
}

/// Three runs of 300 keys each, which overlap.
fn fill(db: &Db) {
    for run in 0..3 {
        for i in 0..300 {
            db.put(format!("{:04}", i * 3 + run), "a value of some length").unwrap();
            db.put(format!("{:04}", i * 3), run.to_string()).unwrap();
        }
        db.flush().unwrap();
    }
}

#[test]
fn outputs_have_about_the_size_that_is_asked_for() {
    let fs = MemFs::new();
    let db = on(&fs).settings(idle()).open().unwrap();
    fill(&db);
    let before = contents(&db);
    db.compact().unwrap();
    while tables(&fs).len() as u64 > db.stats().unwrap().tables() {
        // Old files are removed in the background.
        db.put("0000", "2").unwrap();
    }
    assert_eq!(contents(&db), before);
    let sizes: Vec<_> = tables(&fs).iter().map(|path| fs.metadata(path).unwrap().len).collect();
    assert!(sizes.len() > 10, "{sizes:?}");
    // Filter, index, properties and footer come on top.
    assert!(sizes.iter().all(|&bytes| bytes < 2 * 2000), "{sizes:?}");
    assert!(sizes.iter().filter(|&&bytes| bytes < 2000).count() <= 1, "but for the last: {sizes:?}");
}

#[test]
fn a_merge_with_a_damaged_input_fails_and_neither_loses_nor_leaves_anything() {
    let fs = MemFs::new();
    let db = on(&fs).settings(idle()).open().unwrap();
    fill(&db);
    let (files, figures) = (tables(&fs), db.stats().unwrap());
    let damaged = files.iter().next_back().unwrap().clone();
    let whole = read(&fs, &damaged);
    let mut bytes = whole.clone();
    // A data block behind the middle: by the time the merge comes there some outputs are finished.
    bytes[whole.len() * 6 / 10] ^= 1;
    overwrite(&fs, &damaged, &bytes);
    for _ in 0..2 {
        let error = db.compact().unwrap_err();
        assert!(matches!(&error, Error::Corruption { path, .. } if *path == damaged), "{error}");
        let error = db.compact_range("0000".."0400").map(|report| report.tables_after);
        assert!(error.is_err(), "runs of level 0 are merged whole");
        assert_eq!(tables(&fs), files, "nothing is left of it");
        assert_eq!(db.stats().unwrap().tables(), figures.tables());
    }
    // The rest is served, and once the damage is undone nothing is missing.
    assert_eq!(db.get("0000").unwrap().as_deref(), Some(&b"2"[..]));
    overwrite(&fs, &damaged, &whole);
    let before = contents(&db);
    assert_eq!(before.len(), 900);
    db.compact().unwrap();
    assert_eq!(contents(&db), before);
}

#[test]
fn a_merge_whose_keyspace_is_dropped_meanwhile_installs_nothing_and_leaves_nothing() {
    let fs = MemFs::new();
    let executor = Arc::new(Inline::new(1));
    let settings = Settings { compaction: CompactionSettings::size_tiered(2), ..Settings::default() };
    let builder = on(&fs).executor(Arc::clone(&executor) as Arc<dyn Executor>);
    let db = builder.settings(settings).open().unwrap();
    let users = db.keyspace("users").unwrap();
    for value in ["1", "2"] {
        users.put("k", value).unwrap();
        db.flush().unwrap();
    }
    let [_, explained] = &db.explain_compaction().unwrap()[..] else { unreachable!() };
    assert_eq!(explained.running.len(), 1, "a merge has begun, and waits for its turn");
    drop(users);
    db.drop_keyspace("users").unwrap();
    while executor.help() {}
    assert_eq!(tables(&fs), BTreeSet::new());
    assert_eq!(db.stats().unwrap().writes.compactions, 0);
    db.put("k", "v").unwrap();
    db.flush().unwrap();
    db.compact().unwrap();
    assert_eq!(db.stats().unwrap().tables(), 1, "and nothing is stuck");
}
