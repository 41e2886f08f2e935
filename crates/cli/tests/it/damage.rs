//! Damaged databases.

use std::{fs, path::PathBuf};

use siltstone_vfs::{Fs as _, OsFs};

use crate::{Place, fact};

const KEYS: usize = 5_000;

fn key(number: usize) -> String {
    format!("key {number:06}")
}

/// The values differ, so that each is in one place of the table.
fn value(number: usize) -> String {
    format!("<value of {number:06}>")
}

/// A database with one table.
fn place() -> (Place, PathBuf) {
    let lines: Vec<_> = (0..KEYS).map(|number| format!("{}\t{}\n", key(number), value(number))).collect();
    let place = Place::with_lines(&lines.concat());
    let [table] = place.files("db/sst", ".sst").try_into().unwrap();
    (place, table)
}

/// Where the one copy of these bytes lies.
#[track_caller]
fn find(bytes: &[u8], wanted: &str) -> usize {
    let found: Vec<_> = (0..bytes.len()).filter(|&at| bytes[at..].starts_with(wanted.as_bytes())).collect();
    assert_eq!(found.len(), 1, "copies of {wanted} in a table that is not compressed");
    found[0]
}

#[test]
fn a_damaged_block_fails_its_keys_and_no_others() {
    let (place, table) = place();
    let sound = fs::read(&table).unwrap();
    let hit = KEYS / 2;
    let at = find(&sound, &value(hit));
    let mut damaged = sound.clone();
    damaged[at] ^= 1;
    fs::write(&table, damaged).unwrap();

    let name = format!("path={}", table.strip_prefix(place.dir.path()).unwrap().display());
    let get = place.run(&["get", "--db", "db", &key(hit)]);
    get.assert_fails_with(&["damaged file", &name]);
    let offset: usize = fact(&get.err, "offset").parse().unwrap();
    assert!(offset <= at && at < offset + 8192, "the damage at {at} is not in the block at {offset}");

    // The other blocks are served, up to the one that is damaged and from behind it.
    let served: Vec<_> = [0, 1, KEYS / 4, KEYS - KEYS / 4, KEYS - 1].into();
    for number in served {
        place.run(&["get", "--db", "db", &key(number)]).assert_prints(&format!("{}\n", value(number)));
    }
    let scan = place.run(&["scan", "--db", "db"]);
    assert_eq!(scan.status, 3);
    assert!(scan.err.contains(&name), "{}", scan.err);
    let printed = scan.out().lines().count();
    assert!((hit - 500..=hit).contains(&printed), "{printed} lines come before the damage");
    assert_eq!(place.run(&["scan", "--db", "db", &key(hit + 500)]).status, 0);

    let verify = place.run(&["verify", "--db", "db"]);
    assert_eq!((verify.status, &*verify.err), (3, ""));
    let [damage, summary] = verify.out().lines().map(str::to_owned).collect::<Vec<_>>().try_into().unwrap();
    assert!(damage.contains(&name) && damage.starts_with("damaged"), "{damage}");
    assert_eq!(fact(&damage, "offset").parse::<usize>().unwrap(), offset);
    // CURRENT, OPTIONS and the manifest are read as well; of the damaged file no byte counts.
    let others: u64 = ["", "/wal"]
        .iter()
        .flat_map(|dir| fs::read_dir(place.path(&format!("db{dir}"))).unwrap())
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_name() != "LOCK" && entry.file_type().unwrap().is_file())
        .map(|entry| entry.metadata().unwrap().len())
        .sum();
    assert_eq!(summary, format!("verified 4 files, {others} bytes: 1 damaged"));

    fs::write(&table, &sound).unwrap();
    place.run(&["get", "--db", "db", &key(hit)]).assert_prints(&format!("{}\n", value(hit)));
    let summary = format!("verified 4 files, {} bytes: 0 damaged\n", others + sound.len() as u64);
    place.run(&["verify", "--db", "db"]).assert_prints(&summary);
}

#[test]
fn every_damaged_byte_of_a_small_table_is_found_by_verify() {
    let place = Place::with_lines("a\t1\nb\t2\n");
    let [table] = place.files("db/sst", ".sst").try_into().unwrap();
    let sound = fs::read(&table).unwrap();
    // A process for each byte would take long; the engine's tests look at all of them.
    for at in (0..sound.len()).step_by(7) {
        let mut damaged = sound.clone();
        damaged[at] ^= 0x10;
        fs::write(&table, damaged).unwrap();
        let verify = place.run(&["verify", "--db", "db"]);
        assert_eq!(verify.status, 3, "byte {at}: {} {}", verify.out(), verify.err);
        let said = verify.out() + &verify.err;
        assert!(said.contains("sst/") && said.contains("offset="), "byte {at}: {said}");
    }
}

#[test]
fn a_table_that_is_cut_or_gone_is_reported_when_the_database_is_opened() {
    let (place, table) = place();
    let sound = fs::read(&table).unwrap();
    let name = format!("path={}", table.strip_prefix(place.dir.path()).unwrap().display());
    fs::write(&table, &sound[..sound.len() - 1]).unwrap();
    for command in [&["get", "k"][..], &["put", "k", "v"], &["verify"], &["export"]] {
        let run = place.run(&[command, &["--db", "db"]].concat());
        run.assert_fails_with(&[&name, &format!("has {} bytes", sound.len() - 1), "offset="]);
    }
    OsFs::new().remove(&table).unwrap();
    for command in [&["get", "k"][..], &["put", "k", "v"], &["verify"]] {
        let run = place.run(&[command, &["--db", "db"]].concat());
        run.assert_fails_with(&[&name, "missing"]);
    }
    fs::write(&table, &sound).unwrap();
    place.run(&["verify", "--db", "db"]).assert_status(0);
}

#[test]
fn a_damaged_manifest_and_a_damaged_current_are_named() {
    let (place, _) = place();
    let [manifest] = place
        .files("db", "")
        .into_iter()
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("MANIFEST-"))
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    for path in [manifest, place.path("db/CURRENT")] {
        let sound = fs::read(&path).unwrap();
        let mut damaged = sound.clone();
        damaged[sound.len() / 2] ^= 4;
        fs::write(&path, damaged).unwrap();
        let name = format!("path={}", path.strip_prefix(place.dir.path()).unwrap().display());
        for command in [&["get", "k"][..], &["put", "k", "v"], &["verify"]] {
            place.run(&[command, &["--db", "db"]].concat()).assert_fails_with(&[&name, "offset="]);
        }
        fs::write(&path, sound).unwrap();
    }
    OsFs::new().remove(&place.path("db/CURRENT")).unwrap();
    place.run(&["put", "--db", "db", "k", "v"]).assert_fails_with(&["CURRENT is missing"]);
    place.run(&["get", "--db", "db", "k"]).assert_fails_with(&["CURRENT is missing"]);
}

#[test]
fn verify_names_files_that_are_not_of_the_database() {
    let place = Place::with_lines("k\tv\n");
    place.write("db/notes.txt", "mine");
    place.write("db/sst/1.sst", "not a table's name");
    let verify = place.run(&["verify", "--db", "db"]);
    assert_eq!((verify.status, &*verify.err), (0, ""));
    let out = verify.out();
    assert!(out.starts_with("foreign: db/notes.txt\nforeign: db/sst/1.sst\nverified 4 files, "), "{out}");
    // Writers leave them alone.
    place.run(&["compact", "--db", "db"]).assert_status(0);
    assert!(place.path("db/notes.txt").exists() && place.path("db/sst/1.sst").exists());
}
