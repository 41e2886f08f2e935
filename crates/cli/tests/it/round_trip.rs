//! `export`, `import` and `export` again.

use std::{collections::BTreeMap, fs, path::Path};

use siltstone_testkit::{Rng, seed};

use crate::{Place, ROOT};

/// What is exported is what is exported of a copy.
fn check_copy(place: &Place, format: &str) -> Vec<u8> {
    let copy = format!("copy-{format}");
    let first = place.run(&["export", "--db", "db", "--format", format]);
    assert_eq!((first.status, &*first.err), (0, ""));
    place.run_with_input(&["import", "--db", &copy, "--format", format, "-"], &first.out).assert_status(0);
    let second = place.run(&["export", "--db", &copy, "--format", format]);
    assert_eq!((second.status, &*second.err), (0, ""));
    assert!(first.out == second.out, "the copy exports other bytes");
    first.out
}

#[test]
fn the_unicode_file_comes_back_sorted() {
    let place = Place::new();
    let names = Path::new(ROOT).join("examples/data/unicode-names.tsv");
    place.run(&["import", "--db", "db", names.to_str().unwrap()]).assert_status(0);
    let exported = check_copy(&place, "tsv");
    check_copy(&place, "jsonl");
    let names = fs::read_to_string(names).unwrap();
    let mut lines: Vec<_> = names.split_inclusive('\n').collect();
    // By key, not by line: in lines, the tab is compared with the rest of longer keys.
    lines.sort_by_key(|line| line.split('\t').next());
    assert!(exported == lines.concat().into_bytes());
}

/// A field for a line: each byte as it is where that may be, or as one of its escapes.
fn encode(rng: &mut Rng, bytes: &[u8], line: &mut Vec<u8>) {
    for &byte in bytes {
        let short = match byte {
            b'\t' => Some(b't'),
            b'\n' => Some(b'n'),
            b'\r' => Some(b'r'),
            b'\\' => Some(b'\\'),
            _ => None,
        };
        match (rng.below(8), short) {
            (0, _) => line.extend(format!("\\x{byte:02x}").into_bytes()),
            (1, _) => line.extend(format!("\\x{byte:02X}").into_bytes()),
            (_, Some(short)) => line.extend([b'\\', short]),
            (_, None) => line.push(byte),
        }
    }
}

/// The bytes of an exported field, which must be text.
fn decode(field: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut parts = field.split('\\');
    bytes.extend(parts.next().unwrap().bytes());
    // Between two backslashes that stand for one, splitting leaves an empty part.
    while let Some(part) = parts.next() {
        let (byte, rest) = match part.chars().next() {
            Some('t') => (b'\t', &part[1..]),
            Some('n') => (b'\n', &part[1..]),
            Some('r') => (b'\r', &part[1..]),
            Some('x') => (u8::from_str_radix(&part[1..3], 16).unwrap(), &part[3..]),
            None => (b'\\', parts.next().unwrap()),
            Some(other) => unreachable!("{other} stands behind a backslash"),
        };
        bytes.push(byte);
        bytes.extend(rest.bytes());
    }
    bytes
}

const RECORDS: usize = 100_000;

/// Bytes that are random, or text of several alphabets with bytes that break it.
fn random_bytes(rng: &mut Rng, len_max: usize) -> Vec<u8> {
    let len = rng.between(0, len_max);
    if rng.one_in(2) {
        return rng.bytes(len);
    }
    let pieces = ["a", "key", "\t", "\n", "\r", "\\", "\\x41", "é", "🦀", "\0", "\u{7f}", "\u{2028}"];
    let mut bytes = Vec::new();
    while bytes.len() < len {
        bytes.extend(rng.pick(&pieces).bytes());
        if rng.one_in(16) {
            bytes.push(*rng.pick(&[0x80, 0xc3, 0xf0, 0xff]));
        }
    }
    bytes
}

#[test]
fn random_bytes_survive_export_and_import() {
    let mut rng = Rng::new(seed());
    let mut model = BTreeMap::new();
    let mut lines = Vec::new();
    for _ in 0..RECORDS {
        let (key, value) = (random_bytes(&mut rng, 24), random_bytes(&mut rng, 100));
        encode(&mut rng, &key, &mut lines);
        lines.push(b'\t');
        encode(&mut rng, &value, &mut lines);
        lines.extend(if rng.one_in(4) { b"\r\n".as_slice() } else { b"\n" });
        // The last of equal keys counts.
        model.insert(key, value);
    }
    let place = Place::new();
    place.write("lines.tsv", &lines);
    let run = place.run(&["import", "--db", "db", "lines.tsv"]);
    assert!(run.out().starts_with(&format!("imported {RECORDS} records, ")), "{} {}", run.out(), run.err);
    check_copy(&place, "jsonl");
    // The other format made the same database of it.
    let [jsonl, db] = ["copy-jsonl", "db"].map(|db| place.run(&["export", "--db", db]).out);
    assert!(jsonl == db, "a copy by way of jsonl exports other bytes");
    let exported = String::from_utf8(check_copy(&place, "tsv")).unwrap();

    let exported: Vec<_> = exported
        .split_terminator('\n')
        .map(|line| line.split_once('\t').map(|(key, value)| (decode(key), decode(value))).unwrap())
        .collect();
    assert_eq!(exported.len(), model.len());
    for (exported, expected) in exported.into_iter().zip(model) {
        assert_eq!(exported, expected);
    }
}

#[test]
fn all_keyspaces_survive_export_and_import() {
    let mut rng = Rng::new(seed());
    let place = Place::new();
    for (name, records) in [("default", 3000), ("schlüssel 🗝", 3000), ("empty", 0)] {
        let mut lines = Vec::new();
        for _ in 0..records {
            for (len_max, end) in [(24, b'\t'), (100, b'\n')] {
                let bytes = random_bytes(&mut rng, len_max);
                encode(&mut rng, &bytes, &mut lines);
                lines.push(end);
            }
        }
        let import = ["import", "--db", "db", "--keyspace", name, "-"];
        place.run_with_input(&import, &lines).assert_status(0);
    }
    let all = place.run(&["export", "--db", "db", "--all"]);
    assert_eq!((all.status, &*all.err), (0, ""));
    place.run_with_input(&["import", "--db", "copy", "--format", "jsonl", "-"], &all.out).assert_status(0);
    let copy = place.run(&["export", "--db", "copy", "--all"]);
    assert!(all.out == copy.out, "the copy exports other bytes");
    place.run(&["keyspaces", "--db", "copy"]).assert_prints("default\nempty\nschlüssel 🗝\n");
    for name in ["default", "schlüssel 🗝", "empty"] {
        let [db, copy] = ["db", "copy"].map(|db| place.run(&["export", "--db", db, "--keyspace", name]).out);
        assert!(db == copy && db.is_empty() == (name == "empty"), "{name} has other records");
    }
}
