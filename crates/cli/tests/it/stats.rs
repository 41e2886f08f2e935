//! `stats` against the files on disk.

use std::fs;

use serde_json::Value;
use siltstone::Db;

use crate::{Place, Run, fact, text};

fn json(run: &Run) -> Value {
    assert_eq!(run.status, 0, "{}", run.err);
    serde_json::from_slice(&run.out).unwrap()
}

/// Figures of a test are small.
fn float(number: impl TryInto<u32, Error: std::fmt::Debug>) -> f64 {
    number.try_into().unwrap().into()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

/// The sum of a figure over a list of objects.
fn sum(list: &Value, name: &str) -> u64 {
    list.as_array().unwrap().iter().map(|row| number(&row[name])).sum()
}

/// Compares what stats tells about tables with the files, and with what `dump` finds in them.
#[track_caller]
fn check_tables(place: &Place) -> Value {
    let stats = json(&place.run(&["stats", "--db", "db", "--json", "--exact"]));
    let files = place.files("db/sst", ".sst");
    let bytes: u64 = files.iter().map(|path| fs::metadata(path).unwrap().len()).sum();
    let (mut entries, mut tombstones, mut raw_bytes) = (0, 0, 0);
    for file in &files {
        let dumped = place.run(&["dump", text(file)]).out();
        let figure = |name| fact(&dumped, name).parse::<u64>().unwrap();
        entries += figure("entries");
        tombstones += figure("tombstones");
        raw_bytes += figure("raw-key-bytes") + figure("raw-value-bytes");
    }
    assert_eq!(number(&stats["tables"]["count"]), files.len() as u64);
    assert_eq!(number(&stats["tables"]["bytes"]), bytes);
    assert!((stats["tables"]["mb"].as_f64().unwrap() * 1e6 - float(bytes)).abs() < 1e-3);
    for (list, names) in [("levels", ["tables", "bytes"]), ("keyspaces", ["tables", "bytes"])] {
        let sums = names.map(|name| sum(&stats[list], name));
        assert_eq!(sums, [files.len() as u64, bytes], "{list}: {stats}");
    }
    let sums = ["entries", "tombstones", "raw_bytes"].map(|name| sum(&stats["levels"], name));
    assert_eq!(sums, [entries, tombstones, raw_bytes], "{stats}");

    // What a scan returns, less tabs and newlines; there are no escapes.
    let scanned = place.run(&["scan", "--db", "db"]).out();
    let live = scanned.len() - 2 * scanned.lines().count();
    let space = stats["amplification"]["space"].as_f64().unwrap();
    assert!(
        (space - float(bytes) / float(live)).abs() < 1e-9,
        "{space}, {bytes} bytes of tables, {live} live"
    );
    stats
}

#[test]
fn figures_are_those_of_the_files_before_and_after_a_compaction() {
    let lines = |round: usize| {
        crate::lines(0..3000, |number| format!("key {:05}\tround {round}\n", number * (round + 1)))
    };
    let place = Place::with_lines(&lines(0));
    place.run_with_input(&["import", "--db", "db", "-"], lines(1).as_bytes()).assert_status(0);
    for key in 0..5 {
        place.run(&["delete", "--db", "db", &format!("key {key:05}")]).assert_prints("");
    }
    let before = check_tables(&place);
    let removed_max = sum(&before["levels"], "entries");
    let compacted = place.run(&["compact", "--db", "db"]).out();
    let after = check_tables(&place);

    // "compacted A tables into B: C keys removed, D bytes reclaimed, E s".
    let words: Vec<_> = compacted.split_whitespace().collect();
    let said = |at: usize| words[at].trim_end_matches(':').parse::<u64>().unwrap();
    assert_eq!(said(4), number(&after["tables"]["count"]), "{compacted}");
    assert_eq!((number(&after["tables"]["count"]), number(&after["amplification"]["read"])), (1, 1));
    let live = place.run(&["scan", "--db", "db"]).out().lines().count() as u64;
    assert_eq!(sum(&after["levels"], "entries"), live);
    assert_eq!(sum(&after["levels"], "tombstones"), 0);
    // Opening for the compaction may have begun one in the background, which is not in this report.
    assert!(said(5) <= removed_max - live, "{compacted}");
}

#[test]
fn what_is_in_the_logs_is_in_the_memtable() {
    let place = Place::new();
    let db = Db::open(place.path("db")).unwrap();
    db.put("a", "1").unwrap();
    db.put("a", "2").unwrap();
    db.delete("b").unwrap();
    db.keyspace("users").unwrap().put("c", "3").unwrap();
    let stats = json(&place.run(&["stats", "--db", "db", "--json"]));
    assert_eq!(number(&stats["memtable"]["keys"]), 4);
    assert_eq!(number(&stats["sequence"]), 4);
    assert_eq!(number(&stats["memtable"]["bytes"]), db.stats().unwrap().memtable_bytes);
    assert_eq!(number(&stats["tables"]["count"]), 0);
    assert_eq!(stats["keyspaces"][0]["name"], "default");
    assert_eq!(
        (number(&stats["keyspaces"][0]["memtable_keys"]), number(&stats["keyspaces"][1]["memtable_keys"])),
        (3, 1)
    );
    let text = place.run(&["stats", "--db", "db"]).out();
    assert!(text.contains("memtable              4 keys, "), "{text}");
    db.close().unwrap();

    let stats = json(&place.run(&["stats", "--db", "db", "--json"]));
    assert_eq!(number(&stats["memtable"]["keys"]), 0);
    assert_eq!(number(&stats["tables"]["count"]), 2);
}

#[test]
fn space_that_holds_no_live_key_is_no_ratio() {
    let place = Place::with_lines("k\tv\n");
    place.run(&["delete", "--db", "db", "k"]).assert_prints("");
    let text = place.run(&["stats", "--db", "db", "--exact"]).out();
    assert!(text.contains("\nspace amplification   unknown: there are no keys\n"), "{text}");
    let text = place.run(&["stats", "--db", "db"]).out();
    assert!(text.contains("\nspace amplification   about "), "{text}");
}

#[test]
fn what_the_process_cannot_know_is_not_told() {
    let place = Place::with_lines("k\tv\n");
    let stats = json(&place.run(&["stats", "--db", "db", "--json"]));
    assert_eq!(stats["amplification"]["write"], Value::Null);
    assert_eq!(stats["amplification"]["space"], Value::Null);
    assert!(stats["amplification"]["space_estimate"].is_f64(), "{stats}");
    assert_eq!(stats["since_open"]["last_compaction_unix_ms"], Value::Null);
    assert_eq!(stats["since_open"]["filter_hit_rate"], Value::Null);
    let text = place.run(&["stats", "--db", "db"]).out();
    for line in [
        &format!("database              {}", place.absolute("db")),
        "write amplification   unknown: nothing was written since this process opened the database",
        "read amplification    1 run at most for a lookup",
        "since this process opened the database:",
        "  filter hit rate     none yet",
        "  compactions         0, 0 bytes",
        "  keys removed        0",
        "  bytes reclaimed     0",
        "  last compaction     none yet",
        "  (stats only reads: by itself it has written and compacted nothing)",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in {text}");
    }
    assert!(
        text.contains("  level 0: 1 run, 1 table, ") && text.contains(" in memory, 1 run, 1 table, "),
        "{text}"
    );
    // One run, so that what is estimated is what is read.
    let exact = json(&place.run(&["stats", "--db", "db", "--json", "--exact"]));
    assert_eq!(exact["amplification"]["space"], exact["amplification"]["space_estimate"]);
}
