//! What is written is read.

use std::{path::Path, sync::Arc};

use proptest::{collection::vec, prelude::*};
use siltstone_vfs::{Fault, FaultFs, LogFs, MemFs, OpKind, OpLog};
use siltstone_wal::{
    Expect, LogEnd, LogId, LogReader, LogWriter, Payload, Predecessors, ReadMode, Record, WriterOptions,
};

use crate::{
    kit::{ALONE, HEADER, ID, create, file_bytes, path, read, record},
    model::{Ground, Sample, Step},
};

fn any_length() -> impl Strategy<Value = usize> {
    // The reader's window is 1 MiB.
    prop_oneof![20 => 0_usize..300, 2 => 4000_usize..70_000, 1 => 1_000_000_usize..2_500_000]
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![3 => vec(any_length(), 0..5).prop_map(Step::Append), 1 => Just(Step::Sync)]
}

proptest! {
    #![proptest_config(crate::kit::cases(48))]

    #[test]
    fn records_come_back_as_they_were_written(
        steps in vec(any_step(), 0..10),
        ground in prop_oneof![Just(Ground::Nothing), Just(Ground::Zeros), Just(Ground::OtherLog)],
        finish: bool,
        read_bytes_max in 1000_usize..100_000,
    ) {
        let sample = Sample::write(&steps, ground, finish);
        let fs = crate::kit::fs_with(&sample.bytes);
        // Short reads, as an operating system may return them.
        let fs = FaultFs::new(fs, Arc::new(Fault::shorten(read_bytes_max).on(&[OpKind::ReadAt])));
        let modes = [ReadMode::CrashTail, ReadMode::PointInTime, ReadMode::Salvage];
        for mode in modes.into_iter().chain(finish.then_some(ReadMode::Strict)) {
            let (records, outcome, report) = read(&fs, mode);
            prop_assert!(outcome.is_ok(), "{:?}", outcome);
            prop_assert!(records == sample.records);
            prop_assert_eq!(report.end == Some(LogEnd::Finished), finish);
            // How the remains of an earlier life are counted is a test of its own: damage.rs.
            prop_assert!(report.dropped_bytes == 0 || ground == Ground::OtherLog, "{:?}", report);
        }
    }
}

#[test]
fn empty_and_large_payloads_come_back() {
    let megabytes = std::env::var("WAL_PAYLOAD_MIB").map_or(64, |text| text.parse().unwrap());
    let large: Vec<u8> = (0..megabytes << 20_usize).map(|at| u8::try_from(at % 251).unwrap()).collect();
    let fs = MemFs::new();
    let mut writer = create(&fs, ALONE);
    writer.append(&[record(1, b""), record(2, &large), record(3, b"")]).unwrap();
    writer.finish().unwrap();
    let mut reader = LogReader::open(&fs, path(), Expect::Log(ID), ReadMode::Strict).unwrap();
    for (tag, payload) in [(1, &b""[..]), (2, &large), (3, b"")] {
        let found = reader.next().unwrap().unwrap();
        assert!(found.tag == tag && found.payload == payload);
    }
    assert_eq!(reader.next().unwrap(), None);
}

#[test]
fn a_payload_in_two_parts_is_one_payload() {
    let (whole, fs) = (b"front and back", MemFs::new());
    let mut writer = create(&fs, ALONE);
    for cut in 0..=whole.len() {
        let (front, back) = whole.split_at(cut);
        let payload = Payload::in_two(front, back);
        assert_eq!((payload.crc(), payload.len()), (Payload::new(whole).crc(), whole.len()));
        writer.append(&[Record { tag: 0, payload }]).unwrap();
    }
    writer
        .append(&[Record { tag: 0, payload: Payload::with_crc(whole, Payload::new(whole).crc()) }])
        .unwrap();
    writer.finish().unwrap();
    let (records, outcome, _) = read(&fs, ReadMode::Strict);
    assert!(outcome.is_ok());
    assert_eq!(records.len(), whole.len() + 2);
    assert!(records.iter().all(|found| found.payload == whole));
}

#[test]
fn a_group_is_one_write_and_a_log_is_made_in_this_order() {
    let log = OpLog::new();
    let fs = LogFs::new(Arc::new(MemFs::new()), "/", log.clone());
    let mut writer = create(&fs, WriterOptions { preallocate_bytes: 4096, ..ALONE });
    writer.append(&[record(1, b"abc"), record(2, b""), record(3, &[1; 10])]).unwrap();
    writer.sync().unwrap();
    writer.sync().unwrap();
    writer.finish().unwrap();
    let recycled = Path::new("/000004.log");
    let mut writer = LogWriter::recycle(&fs, path(), recycled, LogId { number: 4, ..ID }, ALONE).unwrap();
    writer.append(&[record(4, b"")]).unwrap();
    writer.finish().unwrap();
    let expected = [
        "create 000003.log",
        "allocate 000003.log 0+4096",
        "write 000003.log 0+44",
        "sync-data 000003.log",
        "write 000003.log 44+136",
        "sync-data 000003.log",
        "write 000003.log 180+41",
        "set-len 000003.log 221",
        "sync-data 000003.log",
        "write 000003.log 0+44",
        "sync-data 000003.log",
        "rename 000003.log 000004.log",
        // A handle keeps the name that it was opened by.
        "write 000003.log 44+41",
        "write 000003.log 85+41",
        "set-len 000003.log 126",
        "sync-data 000003.log",
    ];
    assert_eq!(log.take(), expected);
}

#[test]
fn nothing_is_promised_before_the_earlier_logs_are_synced() {
    let fs = MemFs::new();
    let mut writer = create(&fs, WriterOptions { predecessors: Predecessors::Unsynced, ..ALONE });
    let mut ends = Vec::new();
    for tag in 0..4 {
        ends.push(writer.append(&[record(tag, b"x")]).unwrap().end);
        writer.sync().unwrap();
        if tag == 1 {
            writer.predecessors_synced();
        }
    }
    assert_eq!(writer.synced_to(), ends[3]);
    let (records, ..) = read(&fs, ReadMode::CrashTail);
    let promises: Vec<_> = records.iter().map(|found| found.promise).collect();
    assert_eq!(promises, [0, 0, ends[1], ends[2]]);
}

#[test]
fn a_preallocated_log_has_its_length_at_once_and_gives_the_rest_back() {
    let fs = MemFs::new();
    let mut writer = create(&fs, WriterOptions { preallocate_bytes: 10_000, ..ALONE });
    assert_eq!(file_bytes(&fs, path()).len(), 10_000);
    writer.append(&[record(1, &[5; 100])]).unwrap();
    assert_eq!(file_bytes(&fs, path()).len(), 10_000);
    let finished = writer.finish().unwrap();
    assert_eq!(finished.length, 44 + 2 * HEADER as u64 + 100);
    assert_eq!(file_bytes(&fs, path()).len() as u64, finished.length);
}
