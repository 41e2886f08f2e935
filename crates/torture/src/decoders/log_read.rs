//! Logs: no record that the bytes do not justify, none left out, in any mode.

use siltstone_types::Error;
use siltstone_vfs::MemFs;
use siltstone_wal::{Expect, LogEnd, LogId, LogReader, LogRecord, Purpose, ReadMode, ReadReport, RecordKind};

use super::memory::{fs_with, path};
use crate::{
    plain::{
        log::{self, FileHeader, Prefix, Record, Stop, Tail, Verdict},
        offset,
    },
    repair,
};

const MODES: [ReadMode; 4] =
    [ReadMode::Strict, ReadMode::CrashTail, ReadMode::PointInTime, ReadMode::Salvage];
/// Ends that are tried as the place where a log was given up.
const GIVEN_UP_PLACES: usize = 6;

/// Reads a log in all four modes.
///
/// The input is tried as it is, with its crcs made right, and as the payloads of a log. A crc that reads `torn` stays wrong.
///
/// # Panics
///
/// When the reader and the page disagree about a record, about how a mode takes the first invalid one, or about what was dropped.
pub fn log_read(data: &[u8]) {
    check(data);
    check(&repair::log::repaired(data));
    check(&repair::log::framed(1, data));
}

fn check(file: &[u8]) {
    let fs = fs_with(file);
    let header = match log::file_header(file) {
        Verdict::Valid(header) => header,
        refused => {
            for mode in MODES {
                let error = LogReader::open(&fs, path(), Expect::Any, mode).err();
                assert!(error.as_ref().is_some_and(|error| fits(error, refused)), "{mode:?}: {error:?}");
            }
            return;
        }
    };
    let prefix = log::prefix(file, &header);
    let log = Log { file, fs, header, tail: log::tail(file, prefix.end(), &header), prefix };
    log.strict();
    log.crash_tail();
    log.point_in_time();
    log.salvage();
    log.given_up();
    log.of_another_owner();
}

fn fits(error: &Error, refused: Verdict) -> bool {
    match error {
        Error::FormatTooNew { .. } => refused == Verdict::TooNew,
        Error::Corruption { .. } => refused == Verdict::Damaged,
        _ => false,
    }
}

/// A record that the reader returned.
#[derive(Debug)]
struct Found {
    offset: u64,
    end: u64,
    kind: u8,
    ordinal: u32,
    tag: u64,
    synced_to: u64,
    payload: Vec<u8>,
}

/// All that one reading of a log gives.
struct Reading {
    found: Vec<Found>,
    report: ReadReport,
    outcome: Result<(), Error>,
}

struct Log<'a> {
    file: &'a [u8],
    fs: MemFs,
    header: FileHeader,
    prefix: Prefix,
    tail: Tail,
}

impl Log<'_> {
    fn id(&self) -> LogId {
        let FileHeader { purpose, number, identity, .. } = self.header;
        LogId { purpose: Purpose(purpose), number, identity }
    }

    fn open(&self, mode: ReadMode) -> LogReader {
        let opened = LogReader::open(&self.fs, path(), Expect::Log(self.id()), mode);
        let Ok(reader) = opened else { unreachable!("the file header is valid: {opened:?}") };
        reader
    }

    /// Corruption (or a later format) at the first invalid record, however much of the log is fine.
    fn strict(&self) {
        let reading = read(self.open(ReadMode::Strict));
        self.has_prefix(&reading);
        match self.prefix.stop {
            Stop::Finished => assert!(reading.outcome.is_ok(), "{:?}", reading.outcome),
            Stop::Invalid { at, too_new } => refused_at(&reading, at, too_new),
        }
    }

    fn crash_tail(&self) {
        let promised = self.tail.promise.max(self.prefix.promise());
        match self.prefix.stop {
            Stop::Invalid { at, too_new } if too_new || at < promised => {
                let reading = read(self.open(ReadMode::CrashTail));
                self.has_prefix(&reading);
                refused_at(&reading, at, too_new);
            }
            Stop::Invalid { at, .. } => {
                self.ends_cut(&read(self.open(ReadMode::CrashTail).with_synced_to(at)));
                refused_at(&read(self.open(ReadMode::CrashTail).with_synced_to(at + 1)), at, false);
            }
            Stop::Finished => self.ends_cut(&read(self.open(ReadMode::CrashTail).with_synced_to(u64::MAX))),
        }
    }

    fn point_in_time(&self) {
        let reading = read(self.open(ReadMode::PointInTime));
        match self.prefix.stop {
            Stop::Invalid { at, too_new: true } => refused_at(&reading, at, true),
            _ => self.ends_cut(&reading),
        }
    }

    /// The valid records, and a report of what is behind them.
    fn ends_cut(&self, reading: &Reading) {
        assert!(reading.outcome.is_ok(), "{:?}", reading.outcome);
        self.has_prefix(reading);
        let (end, tail) = match self.prefix.stop {
            Stop::Finished => (LogEnd::Finished, Tail { promise: 0, dropped: 0, remains: 0 }),
            Stop::Invalid { .. } if self.tail.dropped == 0 => (LogEnd::Open, self.tail),
            Stop::Invalid { .. } => (LogEnd::Cut, self.tail),
        };
        let report = &reading.report;
        assert_eq!(
            (report.end, report.dropped_bytes, report.remains_bytes),
            (Some(end), tail.dropped, tail.remains)
        );
    }

    /// Exactly the valid records from the front.
    fn has_prefix(&self, reading: &Reading) {
        assert_eq!(reading.found.len(), self.prefix.records.len(), "{:?}", reading.outcome);
        for (found, record) in reading.found.iter().zip(&self.prefix.records) {
            self.justifies(found, record);
        }
        let data = self.prefix.records.iter().filter(|record| record.kind == log::DATA).count();
        assert_eq!((reading.report.records, reading.report.bytes), (data as u64, self.prefix.end()));
    }

    fn justifies(&self, found: &Found, record: &Record) {
        let Found { offset, end, kind, ordinal, tag, synced_to, payload } = found;
        assert_eq!((*offset, *end, *kind), (record.offset, record.end(), record.kind));
        assert_eq!((*ordinal, *tag, *synced_to), (record.ordinal, record.tag, record.synced_to));
        assert_eq!(Some(&**payload), self.file.get(record.payload.clone()));
    }

    /// Every record is justified, none is passed over, and records and gaps do not overlap.
    fn salvage(&self) {
        let reading = read(self.open(ReadMode::Salvage));
        assert!(reading.outcome.is_ok(), "{:?}", reading.outcome);
        let mut before: Option<&Found> = None;
        for found in &reading.found {
            let record =
                usize::try_from(found.offset).ok().and_then(|at| log::header_at(self.file, at, &self.header));
            let Some(record) = record.filter(|record| self.is_salvable(record)) else {
                unreachable!("no record is at {}", found.offset)
            };
            self.justifies(found, &record);
            if let Some(before) = before {
                assert!(
                    before.end <= found.offset && before.ordinal < found.ordinal,
                    "{before:?}, {found:?}"
                );
                assert_ne!(before.kind, log::END, "a record behind the end of the log");
            }
            before = Some(found);
        }
        let prefix = self.prefix.records.len();
        assert!(prefix <= reading.found.len(), "fewer records than in the other modes");
        self.salvage_gaps(&reading);
    }

    fn is_salvable(&self, record: &Record) -> bool {
        record.payload_is_whole(self.file) && record.kind_is_known()
    }

    fn salvage_gaps(&self, reading: &Reading) {
        let gaps = &reading.report.gaps;
        let all_listed = reading.report.gap_count == gaps.len() as u64;
        let listed: u64 = gaps.iter().map(|gap| gap.end - gap.start).sum();
        assert_eq!(all_listed, listed == reading.report.dropped_bytes);
        let mut covered: Vec<(u64, u64)> =
            reading.found.iter().map(|found| (found.offset, found.end)).collect();
        covered.extend(gaps.iter().map(|gap| (gap.start, gap.end)));
        covered.sort_unstable();
        let mut end = offset(log::FILE_HEADER);
        for (start, next) in covered {
            assert!(start < next && (!all_listed || start == end), "{start}, {end}");
            end = next;
        }
        for gap in gaps {
            let due = reading
                .found
                .iter()
                .filter(|found| found.end <= gap.start)
                .map(|found| u64::from(found.ordinal) + 1)
                .max();
            self.holds_nothing(gap.start, gap.end, due.unwrap_or(0));
        }
    }

    /// No record in a gap could have been returned, unless it lies in what another record claims as its payload.
    fn holds_nothing(&self, start: u64, end: u64, ordinal: u64) {
        let mut at = usize::try_from(start).unwrap_or(usize::MAX);
        while offset(at) < end {
            let claimed = log::header_at(self.file, at, &self.header)
                .filter(|record| record.fits(self.file) && ordinal <= u64::from(record.ordinal));
            let missed =
                claimed.as_ref().is_some_and(|record| record.offset > start && self.is_salvable(record));
            assert!(!missed, "the record at {at} was passed over");
            at = claimed.map_or(at + 1, |record| record.payload.end);
        }
    }

    /// A log that was given up behind a record ends there.
    fn given_up(&self) {
        let records = &self.prefix.records;
        for count in (0..=records.len()).step_by((records.len() / GIVEN_UP_PLACES).max(1)) {
            let kept = records.get(..count).unwrap_or_default();
            let end = kept.last().map_or(offset(log::FILE_HEADER), Record::end);
            let reading = read(self.open(ReadMode::Strict).with_given_up_at(end));
            assert!(reading.outcome.is_ok(), "{:?}", reading.outcome);
            assert_eq!(reading.found.len(), count);
            let finished = kept.last().is_some_and(|record| record.kind == log::END);
            let expected = if finished { LogEnd::Finished } else { LogEnd::GivenUp };
            assert_eq!(reading.report.end, Some(expected));
        }
    }

    fn of_another_owner(&self) {
        let id = self.id();
        let others = [
            LogId { number: id.number ^ 1, ..id },
            LogId { purpose: Purpose(id.purpose.0 ^ 1), ..id },
            LogId { identity: id.identity.map(|byte| byte ^ 1), ..id },
        ];
        for other in others {
            let opened = LogReader::open(&self.fs, path(), Expect::Log(other), ReadMode::Salvage);
            assert!(matches!(opened, Err(Error::Corruption { .. })), "{opened:?}");
        }
    }
}

/// An error at the first invalid record.
fn refused_at(reading: &Reading, at: u64, too_new: bool) {
    let fits = match &reading.outcome {
        Err(Error::FormatTooNew { .. }) => too_new,
        Err(Error::Corruption { offset, .. }) => !too_new && *offset == at,
        _ => false,
    };
    assert!(fits, "offset {at}, too new: {too_new}, but {:?}", reading.outcome);
}

/// Reads to the end, and asks once more.
fn read(mut reader: LogReader) -> Reading {
    let mut found = Vec::new();
    let outcome = loop {
        match reader.next_of_any_kind() {
            Ok(Some(record)) => found.push(kept(&record)),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    let again = reader.next_of_any_kind().map(|record| record.is_none()).map_err(|error| error.to_string());
    assert_eq!(again, outcome.as_ref().map(|()| true).map_err(ToString::to_string), "asked again");
    Reading { found, report: reader.report().clone(), outcome }
}

fn kept(record: &LogRecord<'_>) -> Found {
    let kind = match record.kind {
        RecordKind::Data => log::DATA,
        RecordKind::End => log::END,
        RecordKind::Unknown(byte) => byte,
    };
    Found {
        offset: record.offset,
        end: record.end,
        kind,
        ordinal: record.ordinal,
        tag: record.tag,
        synced_to: record.synced_to,
        payload: record.payload.to_vec(),
    }
}
