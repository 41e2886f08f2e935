//! After a clean close every changed byte, every cut and every missing file is reported; after a crash nothing acknowledged is lost in silence.

use std::path::{Path, PathBuf};

use siltstone::{Db, Error};
use siltstone_vfs::{Fs, MemFs};

use crate::{contents, on, overwrite, read};

/// A small closed database with two tables.
fn closed() -> (MemFs, Vec<(String, String)>) {
    let fs = MemFs::new();
    let db = on(&fs).open().unwrap();
    db.put("apple", "1").unwrap();
    db.put("pear", "2").unwrap();
    db.flush().unwrap();
    db.put("apple", "3").unwrap();
    db.delete("pear").unwrap();
    let expected = contents(&db);
    db.close().unwrap();
    (fs, expected)
}

fn files(fs: &MemFs) -> Vec<PathBuf> {
    ["db", "db/wal", "db/sst"]
        .iter()
        .flat_map(|dir| fs.list(Path::new(dir)).unwrap())
        .filter(|path| !fs.metadata(path).unwrap().is_dir && !path.ends_with("LOCK"))
        .collect()
}

/// Everything that can be asked of a database; the first error.
fn open_and_check(fs: &MemFs, expected: &[(String, String)]) -> Result<(), Error> {
    let db: Db = on(fs).read_only(true).open()?;
    for (key, value) in expected {
        assert_eq!(db.get(key)?.as_deref(), Some(value.as_bytes()), "a wrong answer");
    }
    for entry in db.range(..) {
        entry?;
    }
    assert_eq!(contents(&db), expected, "a wrong answer");
    match db.verify()?.damages.into_iter().next() {
        None => Ok(()),
        Some(damage) => Err(damage.error),
    }
}

#[test]
fn a_closed_database_reports_every_changed_byte_every_cut_and_every_missing_file() {
    let (fs, expected) = closed();
    open_and_check(&fs, &expected).unwrap();
    let files = files(&fs);
    assert!(files.len() >= 4, "{files:?}");
    for path in &files {
        let original = read(&fs, path);
        for at in 0..original.len() {
            for flip in [0x01, 0x10, 0x80, 0xff] {
                let mut bytes = original.clone();
                bytes[at] ^= flip;
                overwrite(&fs, path, &bytes);
                let error = open_and_check(&fs, &expected).err();
                assert!(
                    matches!(error, Some(Error::Corruption { .. })),
                    "{} byte {at} flipped by {flip:#x}: {error:?}",
                    path.display()
                );
            }
        }
        for len in 0..original.len() {
            overwrite(&fs, path, &original[..len]);
            let error = open_and_check(&fs, &expected).err();
            assert!(
                matches!(error, Some(Error::Corruption { .. })),
                "{} cut to {len}: {error:?}",
                path.display()
            );
        }
        overwrite(&fs, path, &original);
        let without = fs.clone_now();
        without.remove(path).unwrap();
        assert!(on(&without).open().is_err(), "{} is missing", path.display());
    }
    open_and_check(&fs, &expected).unwrap();
}

#[test]
fn verify_reports_every_changed_byte_of_a_database_in_use() {
    let fs = MemFs::new();
    let db = on(&fs).open().unwrap();
    db.put("apple", "1").unwrap();
    db.flush().unwrap();
    db.put("apple", "2").unwrap();
    db.keyspace("other").unwrap().put("pear", "3").unwrap();
    assert!(db.verify().unwrap().damages.is_empty());
    let files = files(&fs);
    assert_eq!(db.verify().unwrap().files, files.len() as u64, "{files:?}");
    for path in &files {
        let original = read(&fs, path);
        // What is reserved behind the records of a log is zero, and nothing of the database.
        let end = original.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let is_log = path.parent().is_some_and(|parent| parent.ends_with("wal"));
        assert_eq!(original.len() > end, is_log, "{}", path.display());
        for at in 0..end {
            for flip in [0x01, 0x80, 0xff] {
                let mut bytes = original[..original.len().min(end + 100)].to_vec();
                bytes[at] ^= flip;
                overwrite(&fs, path, &bytes);
                let damages = db.verify().unwrap().damages;
                assert!(
                    damages.iter().any(|damage| damage.path == *path),
                    "{} byte {at} flipped by {flip:#x}: {damages:?}",
                    path.display()
                );
            }
        }
        overwrite(&fs, path, &original);
    }
    assert!(db.verify().unwrap().damages.is_empty());
}

/// A database that was not closed: three durable writes, the last of which the log alone can vouch for.
fn crashed() -> MemFs {
    let fs = MemFs::new();
    let db = on(&fs).open().unwrap();
    for (key, value) in [("a", "1"), ("b", "2"), ("c", "3")] {
        db.put(key, value).unwrap();
    }
    let left = fs.clone_now();
    drop(db);
    left
}

#[test]
fn after_a_crash_damage_to_the_log_is_reported_and_costs_at_most_the_last_record() {
    let fs = crashed();
    let log = Path::new("db/wal/000002.log");
    let original = read(&fs, log);
    let all = contents(&on(&fs.clone_now()).open().unwrap());
    assert_eq!(all.len(), 3);
    // The header and three records. What is behind them is reserved, and zero.
    let end = 44 + 3 * 52;
    assert!(original.len() > end && original[end..].iter().all(|byte| *byte == 0));
    let (mut corruptions, mut dropped) = (0, 0);
    for at in (0..end).chain(end..end + 50).chain([original.len() - 1]) {
        for flip in [0x01, 0x10, 0x80, 0xff] {
            let copy = fs.clone_now();
            let mut bytes = original.clone();
            bytes[at] ^= flip;
            overwrite(&copy, log, &bytes);
            match on(&copy).open() {
                Err(Error::Corruption { path, .. }) => {
                    assert_eq!(path, log);
                    corruptions += 1;
                }
                Err(other) => panic!("byte {at}: {other}"),
                Ok(db) => {
                    // The last record is not covered by a later promise: it may go, but not in silence.
                    let left = if at < end { &all[..2] } else { &all[..] };
                    assert_eq!(contents(&db), left, "byte {at}");
                    assert!(db.recovery().dropped_bytes > 0, "byte {at}: nothing was reported");
                    dropped += 1;
                }
            }
        }
    }
    assert!(corruptions > 0 && dropped > 0, "{corruptions} {dropped}");
}

#[test]
fn a_damaged_block_fails_the_reads_that_need_it_and_no_others() {
    let fs = MemFs::new();
    let settings = siltstone::Settings { block_bytes: 64, ..siltstone::Settings::default() };
    let db = on(&fs).settings(settings).open().unwrap();
    for i in 0..100_u32 {
        db.put(format!("key{i:03}"), format!("value{i}")).unwrap();
    }
    db.close().unwrap();
    let table = Path::new("db/sst/000004.sst");
    let mut bytes = read(&fs, table);
    bytes[5] ^= 1;
    overwrite(&fs, table, &bytes);
    let db = on(&fs).open().unwrap();
    let error = db.get("key000").unwrap_err();
    assert!(matches!(&error, Error::Corruption { path, offset: 0, .. } if path == table), "{error}");
    assert_eq!(db.get("key099").unwrap().as_deref(), Some(&b"value99"[..]));
    let mut range = db.range(..);
    assert!(range.next().unwrap().is_err());
    assert!(range.next().is_none(), "an iterator that failed is at its end");
    assert_eq!(db.range("key050"..).count(), 50);
}

#[test]
fn a_newer_version_is_refused_before_a_byte_is_written() {
    let (fs, _) = closed();
    let body =
        String::from_utf8(read(&fs, Path::new("db/CURRENT"))).unwrap().replace("siltstone 1", "siltstone 2");
    let body = &body[..body.len() - 9];
    let line = format!("{body}{:08x}\n", crc32c::crc32c(body.as_bytes()));
    overwrite(&fs, Path::new("db/CURRENT"), line.as_bytes());
    let before: Vec<_> = files(&fs).iter().map(|path| read(&fs, path)).collect();
    assert!(matches!(on(&fs).open(), Err(Error::FormatTooNew { .. })));
    let after: Vec<_> = files(&fs).iter().map(|path| read(&fs, path)).collect();
    assert!(before == after);
}
