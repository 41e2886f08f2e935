//! The order in which the file system is changed: a golden text, and the rules it has to keep.

use std::{fs, sync::Arc};

use siltstone::{Durability, Settings};
use siltstone_vfs::{LogFs, MemFs, OpLog};

use crate::on;

const GOLDEN: &str = "testdata/operations.txt";

/// Runs a small life of a database; a line `-- WHAT` follows what it did.
fn life() -> Vec<String> {
    let (fs, log) = (MemFs::new(), OpLog::new());
    let settings = Settings { log_bytes_max: 200, memtable_entries_max: 4, ..Settings::default() };
    let open = || {
        let logged = LogFs::new(Arc::new(fs.clone()), "db", log.clone());
        on(&fs).fs(Arc::new(logged)).settings(settings.clone()).open().unwrap()
    };
    let db = open();
    log.push("-- created and opened");
    db.put("a", "1").unwrap();
    log.push("-- durable put");
    db.put_with("b", "2", Durability::Buffered).unwrap();
    log.push("-- buffered put");
    db.sync().unwrap();
    log.push("-- sync");
    for key in ["c", "d", "e", "f"] {
        db.put(key, "3").unwrap();
        log.push("-- durable put");
    }
    db.flush().unwrap();
    log.push("-- flush");
    db.compact().unwrap();
    log.push("-- compact");
    db.close().unwrap();
    log.push("-- closed");
    drop(db);
    let db = open();
    log.push("-- opened again");
    db.close().unwrap();
    log.push("-- closed");
    // The lock holds a process id, whose length differs from run to run.
    let steady = |line: String| {
        if line.starts_with("set-lock-content") { "set-lock-content LOCK".to_owned() } else { line }
    };
    log.take().into_iter().map(steady).collect()
}

#[test]
fn the_file_system_is_changed_in_the_documented_order() {
    let found = life().join("\n") + "\n";
    if std::env::var_os("BLESS").is_some() {
        fs::write(GOLDEN, &found).unwrap();
    }
    let golden = fs::read_to_string(GOLDEN).unwrap();
    for (number, (found, golden)) in found.lines().zip(golden.lines()).enumerate() {
        assert_eq!(found, golden, "line {} of {GOLDEN}; BLESS=1 rewrites it", number + 1);
    }
    assert_eq!(found, golden, "BLESS=1 rewrites {GOLDEN}");
}

/// Position of the last line before `end` that begins with `start`.
fn last_before(lines: &[String], end: usize, start: &str) -> Option<usize> {
    lines[..end].iter().rposition(|line| line.starts_with(start))
}

#[test]
fn a_durable_put_is_acknowledged_after_a_sync_that_follows_its_write() {
    let lines = life();
    let mut checked = 0;
    for (end, _) in lines.iter().enumerate().filter(|(_, line)| *line == "-- durable put") {
        let write = last_before(&lines, end, "write wal/").unwrap();
        let file = lines[write].split(' ').nth(1).unwrap();
        let sync = last_before(&lines, end, &format!("sync-data {file}"));
        assert!(sync.is_some_and(|sync| sync > write), "line {}: {} was not synced", end + 1, lines[write]);
        checked += 1;
    }
    assert_eq!(checked, 5);
}

#[test]
fn nothing_is_removed_before_what_replaces_it_is_durable() {
    let lines = life();
    for (at, line) in lines.iter().enumerate() {
        let Some(removed) = line.strip_prefix("remove ").filter(|name| !name.contains('!')) else { continue };
        if removed.contains("wal/") || removed.contains("sst/") {
            // The manifest was written and synced, in this order, or CURRENT was replaced.
            let write = last_before(&lines, at, "write MANIFEST").unwrap();
            let sync = last_before(&lines, at, "sync-data MANIFEST").unwrap();
            assert!(write < sync, "line {}: {line} before the manifest was synced", at + 1);
        } else if removed.contains("MANIFEST") {
            let rename = last_before(&lines, at, "rename CURRENT.tmp CURRENT").unwrap();
            let sync = last_before(&lines, at, "sync-dir .").unwrap();
            assert!(rename < sync, "line {}: {line} before CURRENT was durable", at + 1);
        }
    }
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.starts_with("create sst/")) {
        let table = line.strip_prefix("create ").unwrap();
        let after = &lines[at..];
        let position = |start: &str| after.iter().position(|line| line.starts_with(start));
        let synced =
            position(&format!("sync-data {table}")).or(position(&format!("sync-all {table}"))).unwrap();
        let named = after[synced..].iter().position(|line| line == "sync-dir sst").unwrap() + synced;
        let edit =
            after[synced..].iter().position(|line| line.starts_with("write MANIFEST")).unwrap() + synced;
        assert!(named < edit, "{table} is in the manifest before its name is durable");
    }
}
