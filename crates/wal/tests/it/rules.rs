//! One witness for each rule of the format, made by hand.

use std::sync::Arc;

use siltstone_types::Error;
use siltstone_vfs::{Decision, FaultFs, Op, injector_fn};
use siltstone_wal::{
    Expect, LogEnd, LogId, LogReader, PAYLOAD_BYTES_MAX, Payload, Purpose, ReadMode, RecordKind, Rule,
    format::{FILE_HEADER_BYTES, RecordHeader},
};

use crate::kit::{HEADER, ID, Kept, drain, fs_with, path, read_bytes};

/// A log put together record by record, with headers that may break rules.
struct Forge {
    bytes: Vec<u8>,
    records: u32,
}

impl Forge {
    fn new() -> Forge {
        Forge { bytes: ID.encode().to_vec(), records: 0 }
    }

    fn offset(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// A valid header for the next record.
    fn header(&self, payload: &[u8]) -> RecordHeader {
        RecordHeader {
            payload_crc: Payload::new(payload).crc(),
            payload_bytes: u32::try_from(payload.len()).unwrap(),
            kind: RecordKind::Data,
            ordinal: self.records,
            number: ID.number,
            synced_to: 0,
            tag: u64::from(self.records),
        }
    }

    fn push(mut self, header: RecordHeader, payload: &[u8]) -> Forge {
        let offset = self.offset();
        self.bytes.extend(header.encode(ID.seed(), offset));
        self.bytes.extend(payload);
        self.records += 1;
        self
    }

    fn valid(self, payload: &[u8]) -> Forge {
        let header = self.header(payload);
        self.push(header, payload)
    }

    fn end(self) -> Forge {
        let header = RecordHeader { kind: RecordKind::End, tag: u64::from(self.records), ..self.header(b"") };
        self.push(header, b"")
    }
}

fn forged(payload: &[u8], change: impl FnOnce(&mut RecordHeader)) -> Vec<u8> {
    let log = Forge::new().valid(b"first").valid(b"second");
    let mut header = log.header(payload);
    header.synced_to = 44;
    change(&mut header);
    log.push(header, payload).bytes
}

#[test]
fn each_rule_of_a_record_has_a_witness() {
    let third_at = Forge::new().valid(b"first").valid(b"second").offset();
    let end = |tag| move |header: &mut RecordHeader| (header.kind, header.tag) = (RecordKind::End, tag);
    let cases = [
        (Rule::RecordHeaderShort, forged(b"", |_| ())[..usize::try_from(third_at).unwrap() + 40].to_vec()),
        (Rule::RecordNumber, forged(b"x", |header| header.number = 4)),
        (Rule::Ordinal, forged(b"x", |header| header.ordinal = 1)),
        (Rule::Ordinal, forged(b"x", |header| header.ordinal = 3)),
        (Rule::Promise, forged(b"x", |header| header.synced_to = 43)),
        (Rule::Promise, forged(b"x", |header| header.synced_to = third_at + 1)),
        (Rule::PayloadTooLong, forged(b"x", |header| header.payload_bytes = PAYLOAD_BYTES_MAX + 1)),
        (Rule::PayloadTooLong, forged(b"x", |header| header.payload_bytes = u32::MAX)),
        (Rule::PayloadOutsideFile, forged(b"x", |header| header.payload_bytes = 2)),
        (Rule::PayloadOutsideFile, forged(b"x", |header| header.payload_bytes = PAYLOAD_BYTES_MAX)),
        (Rule::PayloadCrc, forged(b"x", |header| header.payload_crc ^= 1)),
        (Rule::EndPayload, forged(b"x", end(2))),
        (Rule::EndCount, forged(b"", end(1))),
        (Rule::EndCount, forged(b"", end(3))),
    ];
    for (rule, bytes) in cases {
        let (records, outcome, report) = read_bytes(&bytes, ReadMode::PointInTime);
        assert!(outcome.is_ok(), "{rule}");
        assert_eq!((records.len(), report.first_bad), (2, Some((third_at, rule))), "{rule}");
        let (_, outcome, report) = read_bytes(&bytes, ReadMode::Strict);
        let Err(Error::Corruption { offset, what, .. }) = outcome else { panic!("{rule}: {outcome:?}") };
        assert_eq!((offset, &*what), (third_at, rule.what()));
        assert!(what.contains(&format!("rule {})", rule.number())), "{what}");
        assert_eq!(report.first_bad, Some((third_at, rule)));
    }
    let (records, outcome, _) = read_bytes(&forged(b"x", |_| ()), ReadMode::CrashTail);
    assert!(outcome.is_ok() && records.len() == 3, "the forge makes valid records, too");
}

#[test]
fn a_promise_never_falls() {
    let mut log = Forge::new().valid(b"first");
    let header = RecordHeader { synced_to: 44, ..log.header(b"x") };
    log = log.push(header, b"x").valid(b"promises 0 again");
    let (records, _, report) = read_bytes(&log.bytes, ReadMode::PointInTime);
    assert_eq!(records.len(), 2);
    assert_eq!(report.first_bad.map(|(_, rule)| rule), Some(Rule::Promise));
}

#[test]
fn each_rule_of_the_file_header_has_a_witness() {
    let other = |change: fn(&mut LogId)| {
        let mut id = ID;
        change(&mut id);
        id.encode().to_vec()
    };
    let flipped = |at: usize| {
        let mut bytes = ID.encode().to_vec();
        bytes[at] ^= 1;
        bytes
    };
    let cases = [
        (Rule::FileHeaderShort, 0, Vec::new()),
        (Rule::FileHeaderShort, 43, ID.encode()[..43].to_vec()),
        (Rule::Magic, 0, flipped(7)),
        (Rule::FileHeaderCrc, 40, flipped(8)),
        (Rule::FileHeaderCrc, 40, flipped(43)),
        (Rule::Purpose, 12, other(|id| id.purpose = Purpose::MANIFEST)),
        (Rule::FileNumber, 16, other(|id| id.number = 4)),
        (Rule::Identity, 24, other(|id| id.identity[15] ^= 1)),
    ];
    for (rule, at, bytes) in cases {
        for mode in [ReadMode::Strict, ReadMode::CrashTail, ReadMode::PointInTime] {
            let (_, outcome, _) = read_bytes(&bytes, mode);
            let Err(Error::Corruption { offset, what, .. }) = outcome else { panic!("{rule}: {outcome:?}") };
            assert_eq!((offset, &*what), (at, rule.what()));
        }
        let salvaged = read_bytes(&bytes, ReadMode::Salvage);
        assert_eq!(salvaged.1.is_err(), rule.number() == 5, "{rule}");
    }
}

#[test]
fn a_newer_version_is_told_apart_from_damage() {
    let mut header = ID.encode().to_vec();
    header[8] = 2;
    let crc = Payload::new(&header[..40]).crc();
    header[40..].copy_from_slice(&crc.to_le_bytes());
    for mode in [ReadMode::Strict, ReadMode::CrashTail, ReadMode::PointInTime, ReadMode::Salvage] {
        let (_, outcome, _) = read_bytes(&header, mode);
        assert!(matches!(outcome, Err(Error::FormatTooNew { .. })), "{outcome:?}");
    }
}

#[test]
fn a_kind_of_the_future_is_skipped_when_it_says_so_and_refused_otherwise() {
    let kind = |byte| move |header: &mut RecordHeader| header.kind = RecordKind::Unknown(byte);
    let log = Forge { bytes: forged(b"news", kind(0x81)), records: 3 };
    let header = RecordHeader { synced_to: 44, ..log.header(b"old") };
    let skipping = log.push(header, b"old");
    let header = RecordHeader { kind: RecordKind::End, synced_to: 44, tag: 3, ..skipping.header(b"") };
    let (records, outcome, report) = read_bytes(&skipping.push(header, b"").bytes, ReadMode::Strict);
    assert!(outcome.is_ok(), "{outcome:?}");
    assert_eq!(
        records.iter().map(|found| found.payload.as_slice()).collect::<Vec<_>>(),
        [&b"first"[..], b"second", b"old"]
    );
    assert_eq!((report.records, report.next_ordinal), (3, 5));

    for byte in [0, 3, 0x7f] {
        for mode in [ReadMode::Strict, ReadMode::CrashTail, ReadMode::PointInTime] {
            let (records, outcome, _) = read_bytes(&forged(b"news", kind(byte)), mode);
            assert!(matches!(outcome, Err(Error::FormatTooNew { .. })), "{byte} {mode:?} {outcome:?}");
            assert_eq!(records.len(), 2);
        }
        let (records, outcome, report) = read_bytes(&forged(b"news", kind(byte)), ReadMode::Salvage);
        assert!(outcome.is_ok() && records.len() == 2);
        assert_eq!(report.gaps.first().map(|gap| gap.rule), Some(Rule::Kind));
        // Broken otherwise too, it is damage.
        let both = forged(b"news", |header| {
            kind(byte)(header);
            header.payload_crc ^= 1;
        });
        assert!(read_bytes(&both, ReadMode::Strict).1.is_err_and(|error| error.is_corruption()));
    }
}

#[test]
fn a_dump_sees_every_kind_with_its_offset() {
    let log = Forge::new().valid(b"first").end();
    let mut reader = LogReader::open(&*fs_with(&log.bytes), path(), Expect::Any, ReadMode::Salvage).unwrap();
    assert_eq!(reader.id(), ID);
    let mut seen = Vec::new();
    while let Some(found) = reader.next_of_any_kind().unwrap() {
        seen.push((found.offset, found.end, found.ordinal, found.kind.to_string(), found.payload.to_vec()));
    }
    assert_eq!(
        seen,
        [(44, 90, 0, "data".to_owned(), b"first".to_vec()), (90, 131, 1, "end".to_owned(), vec![])]
    );
}

#[test]
fn nothing_behind_an_end_record_is_read() {
    let log = Forge::new().valid(b"first").end();
    let first_part = log.bytes.len();
    let behind = log.valid(b"ghost").bytes;
    for mode in [ReadMode::Strict, ReadMode::CrashTail, ReadMode::PointInTime, ReadMode::Salvage] {
        let (records, outcome, report) = read_bytes(&behind, mode);
        assert!(outcome.is_ok() && records.len() == 1, "{mode:?}");
        assert_eq!((report.bytes, report.dropped_bytes), (first_part as u64, 0));
        assert_eq!(report.end, Some(LogEnd::Finished));
    }
}

#[test]
fn a_record_is_valid_only_where_it_was_written() {
    let bytes = Forge::new().valid(b"aaaa").valid(b"bbbb").valid(b"cccc").bytes;
    let (first, second) = (FILE_HEADER_BYTES..FILE_HEADER_BYTES + HEADER + 4, FILE_HEADER_BYTES + HEADER + 4);
    // Over the next one, and in front of everything: both would fit by their ordinals or lengths.
    let mut copied = bytes.clone();
    copied.copy_within(first.clone(), second);
    let (records, _, report) = read_bytes(&copied, ReadMode::PointInTime);
    assert_eq!((records.len(), report.first_bad), (1, Some((second as u64, Rule::RecordCrc))));
    let mut moved = bytes.clone();
    moved.drain(first);
    assert_eq!(read_bytes(&moved, ReadMode::PointInTime).0, Vec::<Kept>::new());
    assert_eq!(read_bytes(&moved, ReadMode::Salvage).0, Vec::<Kept>::new());
}

#[test]
fn a_record_of_another_log_is_no_record_here() {
    let ours = Forge::new().valid(b"aaaa").valid(b"bbbb");
    let header = ours.header(b"cccc");
    for other in [
        LogId { number: 4, ..ID },
        LogId { purpose: Purpose::MANIFEST, ..ID },
        LogId { identity: [9; 16], ..ID },
    ] {
        let mut spliced = ours.bytes.clone();
        spliced.extend(RecordHeader { number: other.number, ..header }.encode(other.seed(), ours.offset()));
        spliced.extend(b"cccc");
        for mode in [ReadMode::CrashTail, ReadMode::Salvage] {
            let (records, outcome, report) = read_bytes(&spliced, mode);
            assert!(outcome.is_ok() && records.len() == 2, "{other:?}");
            assert_eq!(report.first_bad, Some((ours.offset(), Rule::RecordCrc)));
        }
    }
}

#[test]
fn no_length_on_disk_makes_a_reader_ask_for_more_than_the_file_holds() {
    let lengths = [2, 1 << 20, 1 << 29, PAYLOAD_BYTES_MAX, PAYLOAD_BYTES_MAX + 1, u32::MAX];
    for (length, kind) in lengths.into_iter().flat_map(|length| [(length, 1), (length, 2), (length, 0x81)]) {
        let bytes = forged(b"x", |header| {
            header.payload_bytes = length;
            header.kind = RecordKind::from_byte(kind);
        });
        let most = bytes.len() as u64;
        let watch = injector_fn(move |op| {
            if let Op::ReadAt { offset, len, .. } = op {
                assert!(offset + len <= most, "a read of {len} bytes at {offset}");
            }
            Decision::Pass
        });
        let fs = FaultFs::new(fs_with(&bytes), watch);
        for mode in [ReadMode::Strict, ReadMode::CrashTail, ReadMode::PointInTime, ReadMode::Salvage] {
            let reader = LogReader::open(&fs, path(), Expect::Log(ID), mode).unwrap();
            let (records, _, report) = drain(reader);
            assert_eq!(records.len(), 2);
            assert!(report.dropped_bytes <= most);
        }
    }
}

#[test]
fn a_file_that_shrinks_while_it_is_read_is_an_error_and_not_an_end() {
    let fs = fs_with(&Forge::new().valid(&vec![1; 3 << 20]).valid(b"second").bytes);
    let mut reader = LogReader::open(&*fs, path(), Expect::Log(ID), ReadMode::CrashTail).unwrap();
    let shared: Arc<dyn siltstone_vfs::Fs> = fs;
    shared.open_for_overwrite(path()).unwrap().set_len(2 << 20).unwrap();
    let Err(Error::Io { source, .. }) = reader.next() else { panic!("the record is gone") };
    assert_eq!(source.kind(), std::io::ErrorKind::UnexpectedEof);
}

#[test]
fn a_header_is_found_wherever_it_lies_in_the_window_of_the_reader() {
    const WINDOW: usize = 1 << 20;
    for before in 0..=HEADER + 1 {
        let first = vec![1; WINDOW - before - 44 - HEADER];
        let log = Forge::new().valid(&first);
        assert_eq!(log.bytes.len(), WINDOW - before);
        let header = RecordHeader { synced_to: log.offset(), ..log.header(b"second") };
        let mut bytes = log.push(header, b"second").bytes;
        bytes[44 + 12] ^= 1;
        let (_, outcome, _) = read_bytes(&bytes, ReadMode::CrashTail);
        assert!(outcome.is_err_and(|error| error.is_corruption()), "{before}");
        let (records, outcome, report) = read_bytes(&bytes, ReadMode::Salvage);
        assert!(outcome.is_ok() && records.len() == 1, "{before}");
        assert_eq!(report.dropped_bytes, (WINDOW - before - 44) as u64);
    }
}

#[test]
fn the_payload_of_a_trusted_header_is_not_searched_for_records() {
    let log = Forge::new().valid(b"first");
    let (at, mut payload) = (log.offset() + HEADER as u64 + 3, b"???".to_vec());
    payload.extend(RecordHeader { ordinal: 7, ..log.header(b"ghost") }.encode(ID.seed(), at));
    payload.extend(b"ghost");
    let header = RecordHeader { payload_crc: 0, ..log.header(&payload) };
    let bytes = log.push(header, &payload).valid(b"third").bytes;
    let (records, outcome, _) = read_bytes(&bytes, ReadMode::Salvage);
    assert!(outcome.is_ok());
    assert_eq!(
        records.iter().map(|found| found.payload.as_slice()).collect::<Vec<_>>(),
        [&b"first"[..], b"third"]
    );
}

#[test]
fn a_position_known_to_be_synced_makes_damage_before_it_corruption() {
    let bytes = forged(b"x", |header| header.payload_crc ^= 1);
    let third_at = Forge::new().valid(b"first").valid(b"second").offset();
    for (known, is_damage) in [(0, false), (third_at, false), (third_at + 1, true), (u64::MAX, true)] {
        let fs = fs_with(&bytes);
        let reader = LogReader::open(&*fs, path(), Expect::Log(ID), ReadMode::CrashTail).unwrap();
        let (_, outcome, _) = drain(reader.with_synced_to(known));
        assert_eq!(outcome.is_err_and(|error| error.is_corruption()), is_damage, "{known}");
    }
}

#[test]
fn a_log_that_was_given_up_ends_where_that_was_recorded() {
    let good = Forge::new().valid(b"first").valid(b"second");
    let (length, bytes) = (good.offset(), good.valid(b"remains").bytes);
    for mode in [ReadMode::Strict, ReadMode::CrashTail, ReadMode::PointInTime, ReadMode::Salvage] {
        let open = || LogReader::open(&*fs_with(&bytes), path(), Expect::Log(ID), mode).unwrap();
        let (records, outcome, report) = drain(open().with_given_up_at(length));
        assert!(outcome.is_ok(), "{outcome:?}");
        assert_eq!((records.len(), report.end, report.dropped_bytes), (2, Some(LogEnd::GivenUp), 0));
    }
    // A length inside of a record, and one behind the end of the file, are not where it ended.
    for wrong in [length - 1, bytes.len() as u64 + 1] {
        let reader = LogReader::open(&*fs_with(&bytes), path(), Expect::Log(ID), ReadMode::Strict).unwrap();
        assert!(drain(reader.with_given_up_at(wrong)).1.is_err_and(|error| error.is_corruption()));
    }
}

#[test]
fn a_report_lists_a_bounded_number_of_gaps_and_counts_all() {
    let count = u32::try_from(siltstone_wal::GAPS_MAX).unwrap() + 20;
    let mut log = Forge::new().valid(b"x");
    for _ in 0..count {
        let header = RecordHeader { payload_crc: 0, ..log.header(b"y") };
        log = log.push(header, b"y").valid(b"x");
    }
    let (records, outcome, report) = read_bytes(&log.bytes, ReadMode::Salvage);
    assert!(outcome.is_ok());
    assert_eq!(records.len(), usize::try_from(count).unwrap() + 1);
    assert_eq!((report.gaps.len(), report.gap_count), (siltstone_wal::GAPS_MAX, u64::from(count)));
    assert_eq!(report.dropped_bytes, u64::from(count) * (HEADER as u64 + 1));
}
