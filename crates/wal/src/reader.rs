//! Reads a log from front to back, and decides what the first invalid record means.
#![deny(clippy::indexing_slicing)]

use std::path::Path;

use siltstone_types::{Error, Result};
use siltstone_vfs::Fs;

use crate::{
    Gap, LogEnd, LogId, ReadReport, RecordKind, Rule,
    format::{FILE_HEADER_BYTES, FileSeed, Place, RECORD_HEADER_BYTES, RecordHeader, file_rule_offset},
    scan::{Tail, find_header, scan_tail},
    source::Source,
};

/// Whose log a reader expects.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expect {
    /// This one; another is corruption (rule 5).
    Log(LogId),
    /// Whichever it is: for tools.
    Any,
}

/// What the first invalid record means. The table stands in `docs/format/wal.md`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReadMode {
    /// For a log that is known to be complete: corruption. So is a missing end record.
    Strict,
    /// For the newest log after a crash: corruption when a later record proves that it had been synced;
    /// otherwise the end of the log.
    CrashTail,
    /// For repair, by explicit choice: the end of the log.
    PointInTime,
    /// For repair and dumps: a gap; reading goes on behind it. With [`Expect::Log`], even a damaged file
    /// header is one.
    Salvage,
}

/// A valid record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogRecord<'a> {
    /// Where it begins in the file.
    pub offset: u64,
    /// Offset behind it.
    pub end: u64,
    /// Its place among all records of the file, from 0.
    pub ordinal: u32,
    /// The owner's.
    pub tag: u64,
    /// The promise: everything below this offset, and every earlier log, was synced before the record was
    /// written; 0 promises nothing.
    pub synced_to: u64,
    /// What it is; always [`RecordKind::Data`] from [`LogReader::next`].
    pub kind: RecordKind,
    /// The owner's bytes.
    pub payload: &'a [u8],
}

/// Reads one log. Holds one buffer of about 1 MiB; a longer record has its own allocation for as long as it
/// is needed, never larger than the rest of the file.
///
/// The file is read up to the length that it had when it was opened.
#[derive(Debug)]
pub struct LogReader {
    source: Source,
    id: LogId,
    seed: FileSeed,
    mode: ReadMode,
    place: Place,
    /// The caller's knowledge of what was synced.
    known_synced_to: u64,
    given_up_at: Option<u64>,
    state: State,
    found: Option<(u64, RecordHeader)>,
    report: ReadReport,
}

#[derive(Debug)]
enum State {
    Reading,
    Ended,
    Failed(Error),
}

/// Why there is no valid record at an offset, and where a search may go on.
struct Invalid {
    rule: Rule,
    search_from: u64,
}

impl LogReader {
    /// Opens a log and checks its file header.
    ///
    /// # Errors
    ///
    /// Those of the file system; `Corruption` for a header that breaks rule 1, 2, 3 or 5; `FormatTooNew` for
    /// rule 4.
    pub fn open(fs: &dyn Fs, path: &Path, expect: Expect, mode: ReadMode) -> Result<LogReader> {
        let mut source = Source::open(fs, path)?;
        let mut report = ReadReport::default();
        let header = LogId::decode(source.load(0, FILE_HEADER_BYTES)?).and_then(|found| match expect {
            Expect::Log(expected) => found.check(&expected).map(|()| found),
            Expect::Any => Ok(found),
        });
        let file_bytes = source.file_bytes();
        let records_at = FILE_HEADER_BYTES as u64;
        let id = match (header, expect, mode) {
            (Ok(id), ..) => id,
            (
                Err(rule @ (Rule::FileHeaderShort | Rule::Magic | Rule::FileHeaderCrc)),
                Expect::Log(expected),
                ReadMode::Salvage,
            ) => {
                report.add_gap(Gap { start: 0, end: records_at.min(file_bytes), rule });
                expected
            }
            (Err(rule), ..) => return Err(file_error(&source, rule)),
        };
        report.bytes = records_at.min(file_bytes);
        let place = Place {
            offset: records_at,
            file_bytes,
            number: id.number,
            ordinal: 0,
            promise: 0,
            data_records: 0,
            after_gap: false,
        };
        Ok(LogReader {
            source,
            id,
            seed: id.seed(),
            mode,
            place,
            known_synced_to: 0,
            given_up_at: None,
            state: State::Reading,
            found: None,
            report,
        })
    }

    /// Adds what the caller knows from elsewhere: everything below `offset` was synced. In
    /// [`ReadMode::CrashTail`] an invalid record below it is corruption.
    #[must_use]
    pub fn with_synced_to(mut self, offset: u64) -> LogReader {
        self.known_synced_to = self.known_synced_to.max(offset);
        self
    }

    /// Adds what the caller recorded when an append failed for good: the log ends at `length`, as if an end
    /// record stood there. What lies behind is not read.
    #[must_use]
    pub fn with_given_up_at(mut self, length: u64) -> LogReader {
        self.given_up_at = Some(length);
        self.source.end_at(length);
        self.place.file_bytes = self.source.file_bytes();
        self
    }

    /// The next data record; `None` at the end of the log. The payload is lent until the next call.
    ///
    /// # Errors
    ///
    /// `Corruption` as the mode says, with the offset of the first invalid record; `FormatTooNew` for a
    /// record of an unknown kind that must not be skipped; those of the file system. After an error every
    /// call returns it again.
    #[expect(clippy::should_implement_trait, reason = "the record is lent, which an iterator cannot do")]
    pub fn next(&mut self) -> Result<Option<LogRecord<'_>>> {
        Ok(if self.find_next()? { self.take_next() } else { None })
    }

    /// Moves on to the next data record; false at the end.
    pub(crate) fn find_next(&mut self) -> Result<bool> {
        self.found = None;
        while let Some((offset, header)) = self.step()? {
            if header.kind == RecordKind::Data {
                self.found = Some((offset, header));
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The record that [`LogReader::find_next`] found.
    pub(crate) fn take_next(&mut self) -> Option<LogRecord<'_>> {
        let (offset, header) = self.found.take()?;
        Some(self.record(offset, &header))
    }

    /// The next record, of whichever kind: for dumps. It also shows the end record, and records of unknown
    /// kinds that may be skipped.
    ///
    /// # Errors
    ///
    /// As [`LogReader::next`].
    pub fn next_of_any_kind(&mut self) -> Result<Option<LogRecord<'_>>> {
        let found = self.step()?;
        Ok(found.map(|(offset, header)| self.record(offset, &header)))
    }

    /// What was found so far.
    pub fn report(&self) -> &ReadReport {
        &self.report
    }

    /// What the file header says.
    pub fn id(&self) -> LogId {
        self.id
    }

    /// The log's file.
    pub fn path(&self) -> &Path {
        self.source.path()
    }

    /// Length of the file when it was opened.
    pub fn file_bytes(&self) -> u64 {
        self.source.file_bytes()
    }

    fn record(&self, offset: u64, header: &RecordHeader) -> LogRecord<'_> {
        let payload = self.source.loaded(offset + RECORD_HEADER_BYTES as u64);
        LogRecord {
            offset,
            end: self.place.offset,
            ordinal: header.ordinal,
            tag: header.tag,
            synced_to: header.synced_to,
            kind: header.kind,
            payload: payload.get(..payload_bytes(header)).unwrap_or_default(),
        }
    }

    fn step(&mut self) -> Result<Option<(u64, RecordHeader)>> {
        match &self.state {
            State::Reading => {}
            State::Ended => return Ok(None),
            State::Failed(error) => return Err(error.clone()),
        }
        let outcome = self.advance();
        if let Err(error) = &outcome {
            self.state = State::Failed(error.clone());
        }
        outcome
    }

    fn advance(&mut self) -> Result<Option<(u64, RecordHeader)>> {
        let place = self.place;
        if self.given_up_at == Some(place.offset) {
            self.end(LogEnd::GivenUp);
            return Ok(None);
        }
        match self.examine(&place)? {
            Ok(header) => {
                self.accept(place.offset, &header);
                Ok(Some((place.offset, header)))
            }
            Err(invalid) => self.meet_invalid(place.offset, &invalid),
        }
    }

    /// Applies rules 6 to 14 in their order, rule 11 last. The payload of a valid record is in the window
    /// afterwards.
    fn examine(&mut self, place: &Place) -> Result<std::result::Result<RecordHeader, Invalid>> {
        let mut search_from = place.offset + 1;
        let bytes = self.source.load(place.offset, RECORD_HEADER_BYTES)?;
        let checked = RecordHeader::decode(bytes, self.seed, place.offset)
            .and_then(|header| header.check(place).map(|()| header));
        let header = match checked {
            Ok(header) => header,
            Err(rule) => return Ok(Err(Invalid { rule, search_from })),
        };
        // The header is trusted now: what its payload holds is not searched for records.
        search_from = header.end(place.offset).unwrap_or(place.file_bytes);
        let wanted = payload_bytes(&header);
        let payload = self.source.load(place.offset + RECORD_HEADER_BYTES as u64, wanted)?;
        if let Err(rule) = header.check_payload(payload.get(..wanted).unwrap_or_default()) {
            return Ok(Err(Invalid { rule, search_from }));
        }
        if header.kind.must_be_understood() {
            return Ok(Err(Invalid { rule: Rule::Kind, search_from }));
        }
        Ok(Ok(header))
    }

    fn accept(&mut self, offset: u64, header: &RecordHeader) {
        let end = header.end(offset).unwrap_or(self.place.file_bytes);
        self.place.offset = end;
        self.place.ordinal = u64::from(header.ordinal) + 1;
        self.place.promise = self.place.promise.max(header.synced_to);
        self.report.bytes = end;
        self.report.next_ordinal = self.place.ordinal;
        self.report.last_promise = self.report.last_promise.max(header.synced_to);
        match header.kind {
            RecordKind::Data => {
                self.place.data_records += 1;
                self.report.records += 1;
            }
            RecordKind::End => self.end(LogEnd::Finished),
            RecordKind::Unknown(_) => {}
        }
    }

    fn end(&mut self, end: LogEnd) {
        self.state = State::Ended;
        self.report.end = Some(end);
    }

    fn meet_invalid(&mut self, offset: u64, invalid: &Invalid) -> Result<Option<(u64, RecordHeader)>> {
        let rule = invalid.rule;
        if self.mode == ReadMode::Salvage {
            return self.salvage(offset, invalid);
        }
        if rule == Rule::Kind {
            self.report.first_bad = Some((offset, rule));
            return Err(Error::format_too_new(self.path(), rule.what()));
        }
        if self.mode == ReadMode::Strict {
            return Err(self.incomplete(offset, rule));
        }
        let tail = self.scan_tail(offset)?;
        self.report.last_promise = self.report.last_promise.max(tail.promise);
        let synced_to = self.report.last_promise.max(self.known_synced_to);
        if self.mode == ReadMode::CrashTail && offset < synced_to {
            self.report.first_bad = Some((offset, rule));
            return Err(Error::corruption(self.path(), offset, rule.what()));
        }
        self.cut(offset, &tail, rule);
        Ok(None)
    }

    fn incomplete(&mut self, offset: u64, rule: Rule) -> Error {
        if offset == self.file_bytes() {
            return Error::corruption(
                self.path(),
                offset,
                "the end record is missing: the log was cut, or never finished",
            );
        }
        self.report.first_bad = Some((offset, rule));
        Error::corruption(self.path(), offset, rule.what())
    }

    fn cut(&mut self, offset: u64, tail: &Tail, rule: Rule) {
        let dropped_end = tail.dropped_end.max(offset);
        self.report.remains_bytes = tail.nonzero_end.saturating_sub(dropped_end);
        if dropped_end > offset {
            if self.mode == ReadMode::Salvage {
                self.report.add_gap(Gap { start: offset, end: dropped_end, rule });
            } else {
                self.report.drop_bytes(offset, dropped_end, rule);
            }
        } else if self.report.remains_bytes > 0 {
            self.report.first_bad.get_or_insert((offset, rule));
        }
        self.end(if self.report.dropped_bytes == 0 { LogEnd::Open } else { LogEnd::Cut });
    }

    /// Goes on at the next valid record.
    fn salvage(&mut self, offset: u64, invalid: &Invalid) -> Result<Option<(u64, RecordHeader)>> {
        let mut search_from = invalid.search_from;
        while let Some(candidate) = self.find_header(search_from)? {
            let place = Place { offset: candidate, after_gap: true, ..self.place };
            match self.examine(&place)? {
                Ok(header) => {
                    self.report.add_gap(Gap { start: offset, end: candidate, rule: invalid.rule });
                    self.place = place;
                    self.accept(candidate, &header);
                    return Ok(Some((candidate, header)));
                }
                Err(next) => search_from = next.search_from,
            }
        }
        let tail = self.scan_tail(offset)?;
        self.cut(offset, &tail, invalid.rule);
        Ok(None)
    }

    fn find_header(&mut self, from: u64) -> Result<Option<u64>> {
        find_header(&mut self.source, from, self.seed, self.id.number)
    }

    fn scan_tail(&mut self, offset: u64) -> Result<Tail> {
        scan_tail(&mut self.source, offset, self.seed, self.id.number)
    }
}

fn payload_bytes(header: &RecordHeader) -> usize {
    usize::try_from(header.payload_bytes).unwrap_or(usize::MAX)
}

fn file_error(source: &Source, rule: Rule) -> Error {
    match rule {
        Rule::Version => Error::format_too_new(source.path(), rule.what()),
        Rule::FileHeaderShort => Error::corruption(source.path(), source.file_bytes(), rule.what()),
        _ => Error::corruption(source.path(), file_rule_offset(rule) as u64, rule.what()),
    }
}
