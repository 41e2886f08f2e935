//! Damaged databases: the file, the offset, and what to do.

use std::{fs, path::Path};

use siltstone::Db;
use siltstone_vfs::{Fs as _, OsFs};

use super::Transcript;
use crate::{Place, text};

pub(super) fn damage() -> String {
    let lines = crate::lines(0..1000, |number| format!("key {number:04}\tvalue {number:04}\n"));
    let mut transcript = Transcript::new("Damage", Place::with_lines(&lines));
    let [table] = transcript.place.files("db/sst", ".sst").try_into().unwrap();
    let manifest = transcript.place.path("db/MANIFEST-000003");
    let [current, options] = ["db/CURRENT", "db/OPTIONS"].map(|name| transcript.place.path(name));

    let get = "get --db db 'key 0000'";
    let dump = format!("dump {}", text(table.strip_prefix(transcript.place.dir.path()).unwrap()));
    let cut = |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() - 1);
    with(&mut transcript, &table, "a byte of the first block is changed", flip(20), get);
    with(&mut transcript, &table, "the last byte is cut off", cut, get);
    with(&mut transcript, &table, "a byte of the footer is changed", flip_from_end(20), &dump);
    let get = "get --db db k";
    with(&mut transcript, &manifest, "a byte of the first record is changed", flip(60), get);
    with(&mut transcript, &current, "the magic word is changed", flip(0), "put --db db k v");
    with(&mut transcript, &current, "a digit of the checksum is changed", flip_from_end(1), get);
    with(&mut transcript, &current, "it is of version 2", make_newer, get);
    with(&mut transcript, &options, "a byte of the settings is changed", flip_from_end(1), get);
    without(&mut transcript, &table, "get --db db k");
    without(&mut transcript, &current, "put --db db k v");
    without(&mut transcript, &options, "get --db db k");
    log(&mut transcript);
    transcript.finish()
}

/// Changes a bit of the byte at a place.
fn flip(at: usize) -> impl FnOnce(&mut Vec<u8>) {
    move |bytes| bytes[at] ^= 1
}

/// Changes a bit of a byte, counted from 0 at the last one.
fn flip_from_end(at: usize) -> impl FnOnce(&mut Vec<u8>) {
    move |bytes| *bytes.iter_mut().nth_back(at).unwrap() ^= 1
}

/// CURRENT as a later version may write it: the version is another one, and the checksum fits (docs/format/files.md).
fn make_newer(current: &mut Vec<u8>) {
    let line = String::from_utf8(current.clone()).unwrap().replacen("siltstone 1 ", "siltstone 2 ", 1);
    let (head, _) = line.trim_end().rsplit_once(' ').unwrap();
    *current = format!("{head} {:08x}\n", crc32c(format!("{head} ").as_bytes())).into_bytes();
}

/// The checksum of all formats, bit by bit.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0x82f6_3b78 * (crc & 1)))
    })
}

/// Changes a file, shows what a command says, and restores it.
fn with(
    transcript: &mut Transcript,
    path: &Path,
    what: &str,
    change: impl FnOnce(&mut Vec<u8>),
    command: &str,
) {
    let sound = fs::read(path).unwrap();
    let mut damaged = sound.clone();
    change(&mut damaged);
    assert_ne!(sound, damaged, "{what}");
    fs::write(path, damaged).unwrap();
    show(transcript, path, what, command);
    fs::write(path, sound).unwrap();
}

fn without(transcript: &mut Transcript, path: &Path, command: &str) {
    let sound = fs::read(path).unwrap();
    OsFs::new().remove(path).unwrap();
    show(transcript, path, "it is removed", command);
    fs::write(path, sound).unwrap();
}

fn show(transcript: &mut Transcript, path: &Path, what: &str, command: &str) {
    let name = text(path.strip_prefix(transcript.place.dir.path()).unwrap());
    transcript.note(&format!("{name}: {what}"));
    transcript.fails(command);
}

/// A database that was not closed, of which an early record of the log is damaged: the later ones promise that it was synced.
fn log(transcript: &mut Transcript) {
    let db = Db::open(transcript.place.path("open")).unwrap();
    (0..3).for_each(|number| db.put(format!("key {number}"), "value").unwrap());
    for folder in ["crashed", "crashed/wal", "crashed/sst"] {
        fs::create_dir(transcript.place.path(folder)).unwrap();
    }
    for from in transcript.place.files("open", "").into_iter().chain(transcript.place.files("open/wal", "")) {
        let to = text(&from).replace("/open/", "/crashed/");
        if from.is_file() {
            fs::copy(&from, to).unwrap();
        }
    }
    db.close().unwrap();
    let [path] = transcript.place.files("crashed/wal", ".log").try_into().unwrap();
    let change = |bytes: &mut Vec<u8>| {
        let at = bytes.windows(5).position(|window| window == b"key 0").unwrap();
        bytes[at] ^= 1;
    };
    with(transcript, &path, "a byte of the first record is changed", change, "get --db crashed 'key 2'");
}
