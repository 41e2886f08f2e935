//! `dump` of every kind of file.

use std::fs;

use siltstone::{Db, WriteBatch};

use crate::{Place, fact, text};

/// What a dump prints; it goes well.
#[track_caller]
fn dump(place: &Place, file: &str) -> String {
    let run = place.run(&["dump", file]);
    assert_eq!((run.status, &*run.err), (0, ""), "{file}");
    run.out()
}

/// The identity of the database, from the fourth field of CURRENT (`docs/format/files.md`).
fn identity(place: &Place) -> String {
    let current = fs::read_to_string(place.path("db/CURRENT")).unwrap();
    current.split(' ').nth(3).unwrap().to_owned()
}

#[test]
fn a_log_is_printed_record_by_record() {
    let place = Place::new();
    let db = Db::open(place.path("db")).unwrap();
    db.put("k", "v").unwrap();
    let mut batch = WriteBatch::new();
    batch.put(b"\x00\\\xff ~", "").delete("k").put("t\tab", "é");
    db.write(&mut batch).unwrap();
    // It is open, so nothing was moved from the log to a table.
    let [log] = place.files("db/wal", ".log").try_into().unwrap();
    let dumped = dump(&place, text(&log));
    // By hand from docs/format/batch.md and wal.md: a batch is 5 bytes and its entries; a put is a kind, a
    // keyspace, two lengths, key and value; the header of the file has 44 bytes, that of a record 41.
    let expected = format!(
        r"log number=2 purpose=1 identity={}
data offset=44 ordinal=0 synced-to=44 tag=1 bytes=11
  put keyspace=0 sequence=1 key=k value=v
data offset=96 ordinal=1 synced-to=96 tag=2 bytes=28
  put keyspace=0 sequence=2 key=\x00\x5c\xff ~ value=
  delete keyspace=0 sequence=3 key=k
  put keyspace=0 sequence=4 key=t\x09ab value=\xc3\xa9
summary records=2 bytes=165 finished=false
",
        identity(&place)
    );
    assert_eq!(dumped, expected);
    db.close().unwrap();
}

#[test]
fn a_damaged_log_is_printed_with_its_gap() {
    let place = Place::new();
    let db = Db::open(place.path("db")).unwrap();
    for number in 0..3 {
        db.put(format!("key {number}"), "value").unwrap();
    }
    let [log] = place.files("db/wal", ".log").try_into().unwrap();
    let mut bytes = fs::read(&log).unwrap();
    let key_at = bytes.windows(5).position(|window| window == b"key 1").unwrap();
    bytes[key_at] ^= 1;
    fs::write(place.path("damaged"), bytes).unwrap();
    let dumped = dump(&place, "damaged");
    assert!(dumped.contains("key=key 0") && !dumped.contains("key=key 1") && dumped.contains("key=key 2"));
    let gap = dumped.lines().find(|line| line.starts_with("gap ")).unwrap();
    let (from, to) = (fact(gap, "from"), fact(gap, "to"));
    assert!(from.parse::<usize>().unwrap() < key_at && to.parse::<usize>().unwrap() > key_at, "{gap}");
    assert!(gap.contains(" rule="), "{gap}");
    db.close().unwrap();
}

#[test]
fn a_table_is_printed_entry_by_entry() {
    let place = Place::with_lines("b\t\\xff\na\t1\n");
    place.run(&["delete", "--db", "db", "c"]).assert_prints("");
    let [first, second] = place.files("db/sst", ".sst").try_into().unwrap();
    let facts = |dumped: &str| dumped.lines().skip(1).collect::<Vec<_>>().join("\n");
    let dumped = dump(&place, text(&first));
    assert!(dumped.starts_with("table unique-id="), "{dumped}");
    assert_eq!(fact(&dumped, "bytes"), fs::metadata(first).unwrap().len().to_string());
    assert_eq!(
        facts(&dumped),
        r"properties entries=2 tombstones=0 raw-key-bytes=2 raw-value-bytes=2 data-blocks=1 first-sequence=1 last-sequence=2 keyspace=0 level=0 smallest=a largest=b
  put sequence=2 key=a value=1
  put sequence=1 key=b value=\xff"
    );
    assert_eq!(
        facts(&dump(&place, text(&second))),
        r"properties entries=1 tombstones=1 raw-key-bytes=1 raw-value-bytes=0 data-blocks=1 first-sequence=3 last-sequence=3 keyspace=0 level=0 smallest=c largest=c
  delete sequence=3 key=c"
    );
}

#[test]
fn an_entry_that_expires_is_printed_with_its_time() {
    let place = Place::new();
    let db = Db::open(place.path("db")).unwrap();
    db.put_expiring("k", "v\t", 4_102_444_800_000).unwrap();
    let [log] = place.files("db/wal", ".log").try_into().unwrap();
    let entry = "  expiring-put keyspace=0 sequence=1 key=k expires=4102444800000 value=v\\x09\n";
    let dumped = dump(&place, text(&log));
    assert!(dumped.contains(entry), "{dumped}");
    db.close().unwrap();
    let [table] = place.files("db/sst", ".sst").try_into().unwrap();
    let dumped = dump(&place, text(&table));
    assert!(dumped.ends_with(&entry.replace(" keyspace=0", "")), "{dumped}");
}

#[test]
fn a_manifest_is_printed_edit_by_edit() {
    let place = Place::with_lines("k\tv\n");
    let manifest = dump(&place, "db/MANIFEST-000003");
    assert!(manifest.starts_with(&format!("log number=3 purpose=2 identity={}\n", identity(&place))));
    for wanted in ["\n  snapshot\n", "\n  edit\n", "TableAdded", "LogRemoved", "\nend "] {
        assert!(manifest.contains(wanted), "{wanted:?} is not in {manifest}");
    }
    let summary = manifest.lines().last().unwrap();
    assert_eq!(fact(summary, "finished"), "true");
    assert_eq!(
        fact(summary, "bytes"),
        fs::metadata(place.path("db/MANIFEST-000003")).unwrap().len().to_string()
    );
}

#[test]
fn current_is_printed_whether_open_or_closed() {
    let place = Place::new();
    let db = Db::open(place.path("db")).unwrap();
    let identity = identity(&place);
    let open = dump(&place, "db/CURRENT");
    assert_eq!(open, format!("current manifest=3 identity={identity} open\n"));
    db.close().unwrap();
    let bytes = fs::metadata(place.path("db/MANIFEST-000003")).unwrap().len();
    let closed = dump(&place, "db/CURRENT");
    assert_eq!(closed, format!("current manifest=3 identity={identity} closed manifest-bytes={bytes}\n"));
}

#[test]
fn a_file_that_is_none_of_ours_is_refused() {
    let place = Place::new();
    place.write("empty", "");
    place.write("short", "SIL");
    place.write("text", "some text, longer than any magic number");
    for file in ["empty", "short", "text"] {
        place.run(&["dump", file]).assert_fails_with(&[file, "is no log, manifest, table or CURRENT"]);
    }
    place.run(&["dump", "missing"]).assert_fails_with(&["missing", "No such file"]);
    fs::create_dir(place.path("folder")).unwrap();
    place.run(&["dump", "folder"]).assert_fails_with(&["folder"]);
}

#[test]
fn files_that_end_too_early_are_refused_or_printed_in_part() {
    let place = Place::with_lines("k\tv\n");
    let [table] = place.files("db/sst", ".sst").try_into().unwrap();
    for (file, name) in
        [(text(&table), "table"), ("db/MANIFEST-000003", "manifest"), ("db/CURRENT", "current")]
    {
        let sound = fs::read(place.path(file)).unwrap();
        for len in (0..sound.len()).step_by(11) {
            place.write(name, &sound[..len]);
            let run = place.run(&["dump", name]);
            let refused = run.status == 3 && run.err.contains(name);
            let in_part = name == "manifest" && run.status == 0 && run.out().contains("finished=false");
            assert!(refused || in_part, "{name} cut to {len}: {} {}", run.out(), run.err);
        }
    }
}
