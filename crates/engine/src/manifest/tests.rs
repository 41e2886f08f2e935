//! Round trips, rules and damage of manifests.

use std::{path::Path, sync::Arc};

use proptest::{collection::vec, prelude::*};
use siltstone_types::Slice;
use siltstone_vfs::{Fs, MemFs};
use siltstone_wal::{Expect, LogEnd, ReadMode};

use super::{
    ManifestWriter,
    format::{
        Broken, Edit, FORMAT_VERSION, FORMAT_VERSION_FIRST, FORMAT_VERSION_OF_EXPIRY, Field, LogEnding,
        TableRecord,
    },
    log_id, read,
    state::{KeyspaceRecord, LogPosition, State},
};
use crate::Error;

/// The worked example of `docs/format/manifest.md`.
const EXAMPLE: &[u8] =
    b"\x01\x01\x01\x01\x01\x02\x01\x02\x03\x01\x00\x04\x01\x01\x05\x01\x01\x06\x15\x00\x07default\x0bsize-tiered";

fn empty_database() -> State {
    let (name, strategy) = ("default".to_owned(), "size-tiered".to_owned());
    let default = KeyspaceRecord { name, strategy, position: LogPosition::default(), tables: [].into() };
    State {
        format_version: 1,
        next_file_number: 2,
        last_sequence: 0,
        next_keyspace: 1,
        next_epoch: 1,
        keyspaces: [(0, default)].into(),
        logs: [].into(),
    }
}

fn table(number: u64, smallest: &str, largest: &str) -> TableRecord {
    TableRecord {
        level: 0,
        epoch: 1,
        number,
        unique_id: [7; 16],
        file_bytes: 1234,
        file_crc: 0xdead_beef,
        raw_bytes: 5000,
        entries: 10,
        tombstones: 2,
        smallest: Slice::from(smallest),
        largest: Slice::from(largest),
        first_sequence: 1,
        last_sequence: 9,
        created_unix_ms: 1_700_000_000_000,
        oldest_tombstone_unix_ms: 1_700_000_000_000,
    }
}

fn edit(fields: impl Into<Vec<Field>>) -> Edit {
    Edit { snapshot: false, fields: fields.into() }
}

fn added(table: TableRecord) -> Field {
    Field::TableAdded { keyspace: 0, table: Box::new(table) }
}

/// A state with a log, a table and room for more.
fn busy_database() -> State {
    let mut state = empty_database();
    let fields = [
        Field::NextFileNumber(20),
        Field::LastSequence(9),
        Field::NextEpoch(5),
        Field::LogCreated { number: 3 },
        Field::LogCreated { number: 4 },
        Field::LogFinished { number: 3, bytes: 500, ending: LogEnding::EndRecord },
        added(table(10, "a", "f")),
        Field::LogPosition { keyspace: 0, log: 3, offset: 44 },
    ];
    state.apply(&edit(fields)).unwrap();
    state
}

#[test]
fn the_example_of_the_document_is_what_is_written() {
    assert_eq!(empty_database().to_edit().encode(), EXAMPLE);
    assert_eq!(State::from_snapshot(&Edit::decode(EXAMPLE).unwrap()).unwrap(), empty_database());
}

#[test]
fn a_snapshot_gives_back_the_state() {
    let state = busy_database();
    let payload = state.to_edit().encode();
    assert_eq!(State::from_snapshot(&Edit::decode(&payload).unwrap()).unwrap(), state);
}

proptest! {
    #[test]
    fn any_bytes_decode_or_are_refused(bytes in vec(any::<u8>(), 0..200)) {
        if let Ok(edit) = Edit::decode(&bytes) {
            let _ = busy_database().apply(&edit);
            let _ = State::from_snapshot(&edit);
        }
    }

    #[test]
    fn edits_round_trip(numbers in vec(any::<u64>(), 15), smallest: Vec<u8>, name: String, epoch: u64) {
        let mut record = table(numbers[0], "", "");
        (record.epoch, record.smallest) = (epoch, Slice::from(smallest));
        let keyspace = u32::try_from(numbers[1] >> 32).unwrap();
        let original = edit([
            Field::FormatVersion(numbers[2]),
            Field::KeyspaceCreated { id: keyspace, name, strategy: "s".to_owned() },
            Field::KeyspaceDropped { id: keyspace },
            Field::LogRemoved { number: numbers[3] },
            Field::LogPosition { keyspace, log: numbers[4], offset: numbers[5] },
            Field::TableAdded { keyspace, table: Box::new(record) },
            Field::TableRemoved { keyspace, number: numbers[6] },
            Field::LogFinished { number: numbers[7], bytes: numbers[8], ending: LogEnding::Cut },
        ]);
        prop_assert_eq!(Edit::decode(&original.encode()), Ok(original));
    }
}

#[test]
fn every_rule_about_the_state_has_a_witness() {
    let refused = |rule: u32, fields: Vec<Field>| {
        let broken = busy_database().apply(&edit(fields)).expect_err("the edit contradicts the state");
        assert!(
            broken.to_string().contains(&format!("manifest rule {rule})")),
            "{broken} is not rule {rule}"
        );
    };
    let with = |change: &dyn Fn(&mut TableRecord)| {
        let mut record = table(11, "m", "p");
        change(&mut record);
        vec![added(record)]
    };
    assert_eq!(busy_database().apply(&edit(with(&|_| ()))), Ok(()));
    refused(4, vec![Field::NextFileNumber(1)]);
    refused(4, vec![Field::LastSequence(1 << 56)]);
    let keyspace =
        |id, name: &str| Field::KeyspaceCreated { id, name: name.to_owned(), strategy: String::new() };
    refused(6, vec![keyspace(1, "users")]);
    refused(6, vec![Field::NextKeyspace(2), keyspace(1, "default")]);
    refused(6, vec![Field::NextKeyspace(2), keyspace(1, "")]);
    refused(6, vec![Field::KeyspaceDropped { id: 0 }, keyspace(0, "again")]);
    refused(7, vec![Field::KeyspaceDropped { id: 5 }]);
    refused(7, vec![Field::TableRemoved { keyspace: 5, number: 10 }]);
    refused(8, with(&|table| table.number = 20));
    refused(8, with(&|table| table.number = 10));
    refused(8, with(&|table| table.number = 4));
    refused(8, with(&|table| table.level = 64));
    refused(8, with(&|table| table.epoch = 5));
    refused(8, with(&|table| table.smallest = Slice::from("z")));
    refused(8, with(&|table| table.first_sequence = 10));
    refused(8, with(&|table| table.last_sequence = 10));
    refused(8, with(&|table| table.entries = 0));
    refused(8, with(&|table| table.tombstones = 11));
    refused(9, with(&|table| table.smallest = Slice::from("f")));
    refused(10, vec![Field::TableRemoved { keyspace: 0, number: 11 }]);
    refused(10, vec![Field::LogRemoved { number: 5 }]);
    refused(10, vec![Field::LogCreated { number: 3 }]);
    refused(10, vec![Field::LogCreated { number: 20 }]);
    refused(10, vec![Field::LogCreated { number: 10 }]);
    refused(10, vec![Field::LogFinished { number: 3, bytes: 1, ending: LogEnding::Cut }]);
    refused(10, vec![Field::LogPosition { keyspace: 0, log: 3, offset: 43 }]);
    // A move: the same number, removed and added in one edit.
    let moved = [
        Field::TableRemoved { keyspace: 0, number: 10 },
        added(TableRecord { level: 1, ..table(10, "a", "f") }),
    ];
    assert_eq!(busy_database().apply(&edit(moved)), Ok(()));
}

#[test]
fn what_a_later_version_writes_is_refused_as_such() {
    let too_new = |bytes: &[u8]| matches!(Edit::decode(bytes), Err(Broken::TooNew(_)));
    assert!(too_new(&[2, 0]));
    assert!(too_new(&[1, 2]));
    assert!(too_new(&[1, 0, 14, 0]));
    assert_eq!(
        Edit::decode(&[1, 0x10, 0x8e, 1, 9]),
        Ok(edit([])),
        "flag bit 4 and field bit 7 may be ignored"
    );
    let newer = edit([Field::FormatVersion(FORMAT_VERSION + 1)]);
    assert!(matches!(busy_database().apply(&newer), Err(Broken::TooNew(_))));
}

#[test]
fn the_format_version_is_raised_and_never_falls() {
    let mut state = busy_database();
    assert_eq!(state.format_version, FORMAT_VERSION_FIRST);
    assert_eq!(state.apply(&edit([Field::FormatVersion(FORMAT_VERSION_OF_EXPIRY)])), Ok(()));
    assert_eq!(State::from_snapshot(&state.to_edit()).unwrap().format_version, FORMAT_VERSION_OF_EXPIRY);
    let older = edit([Field::FormatVersion(FORMAT_VERSION_FIRST)]);
    assert!(matches!(state.apply(&older), Err(Broken::State(_))));
}

const PATH: &str = "MANIFEST-000009";

/// A manifest with a snapshot and three edits; returns its bytes, and the state after each edit.
fn manifest(finish: bool) -> (Vec<u8>, Vec<State>) {
    let fs = MemFs::new();
    let mut state = empty_database();
    let mut states = vec![state.clone()];
    let mut writer = ManifestWriter::create(&fs, Path::new(PATH), log_id(9, [3; 16]), &state).unwrap();
    for number in 3..6 {
        let change = edit([Field::NextFileNumber(number + 1), Field::LogCreated { number }]);
        writer.append(&change).unwrap();
        state.apply(&change).unwrap();
        states.push(state.clone());
    }
    if finish {
        writer.finish().unwrap();
    } else {
        drop(writer);
    }
    let file = fs.open(Path::new(PATH)).unwrap();
    let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
    file.read_exact_at(&mut bytes, 0).unwrap();
    (bytes, states)
}

fn read_bytes(bytes: &[u8], mode: ReadMode) -> crate::Result<(State, Option<LogEnd>, u64)> {
    let fs: Arc<dyn Fs> = Arc::new(MemFs::new());
    let file = fs.create(Path::new(PATH)).unwrap();
    file.write_at(&[std::io::IoSlice::new(bytes)], 0).unwrap();
    let (state, report) = read(&*fs, Path::new(PATH), Expect::Log(log_id(9, [3; 16])), mode, |_, _| ())?;
    Ok((state, report.end, report.dropped_bytes + report.remains_bytes))
}

/// Each byte with each bit flipped and set to other values; each cut.
fn damaged(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> + '_ {
    let changed = (0..bytes.len()).flat_map(move |at| {
        (1..=255_u8).map(move |flip| {
            let mut changed = bytes.to_vec();
            changed[at] ^= flip;
            (at, changed)
        })
    });
    changed.chain((0..bytes.len()).map(|len| (len, bytes[..len].to_vec())))
}

#[test]
fn a_finished_manifest_reports_every_changed_byte_and_every_cut() {
    let (bytes, states) = manifest(true);
    assert_eq!(read_bytes(&bytes, ReadMode::Strict).unwrap().0, states[3]);
    for (at, bytes) in damaged(&bytes) {
        let error = read_bytes(&bytes, ReadMode::Strict).expect_err("damage went unnoticed");
        assert!(matches!(error, Error::Corruption { .. }), "byte {at}: {error}");
    }
}

#[test]
fn after_a_crash_damage_is_reported_unless_it_is_in_the_last_edit() {
    let (bytes, states) = manifest(false);
    let snapshot_at = 44;
    let (_, report) = {
        let (state, end, _) = read_bytes(&bytes, ReadMode::CrashTail).unwrap();
        assert_eq!(end, Some(LogEnd::Open));
        (state, end)
    };
    assert_eq!(report, Some(LogEnd::Open));
    let last_edit_at =
        bytes.len() - (41 + edit([Field::NextFileNumber(6), Field::LogCreated { number: 5 }]).encode().len());
    for (at, damaged) in damaged(&bytes) {
        let cut = damaged.len() < bytes.len();
        match read_bytes(&damaged, ReadMode::CrashTail) {
            Ok((state, _, dropped)) => {
                let prefix = states.iter().position(|known| *known == state).expect("a state that never was");
                assert!(
                    cut || (at >= last_edit_at && prefix == 2),
                    "byte {at} changed, and {prefix} edits were read"
                );
                assert!(cut || dropped > 0, "byte {at} changed, and nothing was reported");
            }
            Err(Error::Corruption { offset, .. }) => {
                assert!(at < last_edit_at || cut, "byte {at} of the last edit is a torn write");
                assert!(!cut || at <= snapshot_at + 41 + EXAMPLE.len(), "cut at {at}: offset {offset}");
            }
            Err(other) => panic!("byte {at}: {other}"),
        }
    }
}

#[test]
fn an_edit_out_of_turn_is_corruption() {
    let fs = MemFs::new();
    let mut writer =
        ManifestWriter::create(&fs, Path::new(PATH), log_id(9, [3; 16]), &empty_database()).unwrap();
    writer.next_edit = 3;
    writer.append(&edit([])).unwrap();
    let expect = Expect::Log(log_id(9, [3; 16]));
    let error = read(&fs, Path::new(PATH), expect, ReadMode::CrashTail, |_, _| ()).unwrap_err();
    assert!(error.to_string().contains("manifest rule 2"), "{error}");
}
