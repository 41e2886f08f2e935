//! Files that every later version must read, and must still write to the same bytes. `REWRITE=1` makes the
//! missing ones.

use std::path::{Path, PathBuf};

use siltstone_vfs::MemFs;
use siltstone_wal::{
    Expect, LogId, LogReader, LogWriter, Predecessors, Purpose, ReadMode, RecordKind, WriterOptions,
    format::RecordHeader,
};

use crate::kit::{ALONE, file_bytes, fs_with, path, record};

const ID: LogId = LogId {
    purpose: Purpose::WRITE_AHEAD,
    number: 3,
    identity: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
};

fn golden_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/compat").join(name)
}

fn golden(name: &str, written: &[u8]) -> Vec<u8> {
    let path = golden_path(name);
    if !path.exists() && std::env::var("REWRITE").is_ok() {
        std::fs::write(&path, written).unwrap();
    }
    std::fs::read(&path).unwrap()
}

/// The records and the report, as text.
fn dump(bytes: &[u8], mode: ReadMode) -> String {
    use std::fmt::Write;

    let mut reader = LogReader::open(&*fs_with(bytes), path(), Expect::Log(ID), mode).unwrap();
    let mut text = String::new();
    while let Some(found) = reader.next_of_any_kind().unwrap() {
        let payload = found.payload.escape_ascii();
        writeln!(
            text,
            "{} {} #{} tag={} synced_to={} {payload}",
            found.offset, found.kind, found.ordinal, found.tag, found.synced_to
        )
        .unwrap();
    }
    let report = reader.report();
    writeln!(
        text,
        "{:?} dropped={} remains={}",
        report.end.unwrap(),
        report.dropped_bytes,
        report.remains_bytes
    )
    .unwrap();
    text
}

#[track_caller]
fn check(name: &str, written: &[u8], mode: ReadMode, expected: &str) {
    let kept = golden(name, written);
    assert_eq!(dump(&kept, mode), expected, "{name} is read as ever");
    assert_eq!(kept, written, "{name} is written as ever");
}

fn example() -> Vec<u8> {
    let fs = MemFs::new();
    let mut writer = LogWriter::create(&fs, path(), ID, ALONE).unwrap();
    writer.append(&[record(7, b"abc")]).unwrap();
    writer.sync().unwrap();
    writer.finish().unwrap();
    file_bytes(&fs, path())
}

#[test]
fn the_worked_example_is_read_and_written_as_ever() {
    let expected = "\
44 data #0 tag=7 synced_to=44 abc
88 end #1 tag=1 synced_to=88 \n\
Finished dropped=0 remains=0
";
    check("v1-example.log", &example(), ReadMode::Strict, expected);
}

#[test]
fn a_log_with_promises_a_skipped_kind_and_an_unwritten_rest_is_read_and_written_as_ever() {
    let fs = MemFs::new();
    let options =
        WriterOptions { preallocate_bytes: 400, reserve_bytes: 0, predecessors: Predecessors::Unsynced };
    let mut writer = LogWriter::create(&fs, path(), ID, options).unwrap();
    writer.append(&[record(100, b"first"), record(101, b"")]).unwrap();
    writer.sync().unwrap();
    writer.predecessors_synced();
    writer.append(&[record(102, &[0, 0xff, b'\n'])]).unwrap();
    let end = usize::try_from(writer.len()).unwrap();
    let mut bytes = file_bytes(&fs, path());
    let mark = RecordHeader {
        payload_crc: 0,
        payload_bytes: 0,
        kind: RecordKind::Unknown(0x81),
        ordinal: 3,
        number: ID.number,
        synced_to: 131,
        tag: 0,
    };
    bytes[end..end + 41].copy_from_slice(&mark.encode(ID.seed(), end as u64));
    let expected = "\
44 data #0 tag=100 synced_to=0 first
90 data #1 tag=101 synced_to=0 \n\
131 data #2 tag=102 synced_to=131 \\x00\\xff\\n
175 kind 129 #3 tag=0 synced_to=131 \n\
Open dropped=0 remains=0
";
    check("v1-promises.log", &bytes, ReadMode::CrashTail, expected);
}

#[test]
fn a_recycled_log_is_read_and_written_as_ever() {
    let (fs, old_path) = (MemFs::new(), Path::new("/000001.log"));
    let mut old = LogWriter::create(&fs, old_path, LogId { number: 1, ..ID }, ALONE).unwrap();
    for tag in 0..4 {
        old.append(&[record(tag, b"earlier life")]).unwrap();
    }
    old.finish().unwrap();
    let mut writer = LogWriter::recycle(&fs, old_path, path(), ID, ALONE).unwrap();
    // As long as a record of the earlier life: an old record begins where the new ones end.
    writer.append(&[record(9, b"another life")]).unwrap();
    let expected = "\
44 data #0 tag=9 synced_to=44 another life
Open dropped=0 remains=193
";
    check("v1-recycled.log", &file_bytes(&fs, path()), ReadMode::CrashTail, expected);
}

#[test]
fn the_document_shows_the_bytes_of_the_example() {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/format/wal.md");
    let text = std::fs::read_to_string(document).unwrap();
    let (_, example_text) = text.split_once("<!-- example -->").unwrap();
    let table = example_text.split("```").nth(1).unwrap();
    let mut bytes = Vec::new();
    for line in table.lines().skip(2) {
        // offset, bytes, meaning; behind the name of the language and the head of the table
        let mut columns = line.split("  ").filter(|column| !column.is_empty());
        let offset: usize = columns.next().unwrap().trim().parse().unwrap();
        assert_eq!(offset, bytes.len(), "{line}");
        let hex = columns.next().unwrap().split_whitespace();
        bytes.extend(hex.map(|byte| u8::from_str_radix(byte, 16).unwrap()));
    }
    assert_eq!(bytes, std::fs::read(golden_path("v1-example.log")).unwrap());
}
