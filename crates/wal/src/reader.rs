//! Reads a log from front to back, and decides what the first invalid record means.
#![deny(clippy::indexing_slicing)]

use std::path::Path;

use siltstone_types::{Error, Result};
use siltstone_vfs::Fs;

use crate::{
    Gap, LogEnd, LogId, ReadReport, RecordKind, Rule,
    format::{
        FILE_HEADER_BYTES, FileSeed, Place, RECORD_HEADER_BYTES, RecordHeader, file_rule_offset, find_headers,
    },
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
    /// For the newest log after a crash: corruption when a later record proves that it had been synced; otherwise the end of the log.
    CrashTail,
    /// For repair, by explicit choice: the end of the log.
    PointInTime,
    /// For repair and dumps: a gap; reading goes on behind it. With [`Expect::Log`], even a damaged file header is one.
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
    /// The promise: everything below this offset, and every earlier log, was synced before the record was written; 0 promises nothing.
    pub synced_to: u64,
    /// What it is; always [`RecordKind::Data`] from [`LogReader::next`].
    pub kind: RecordKind,
    /// The owner's bytes.
    pub payload: &'a [u8],
}

/// Reads one log. Holds one buffer of about 1 MiB; a longer record has its own allocation for as long as it is needed, never larger than the rest of the file.
///
/// The file is read up to the length that it had when it was opened.
#[derive(Debug)]
pub struct LogReader {
    source: Source,
    id: LogId,
    seed: FileSeed,
    mode: ReadMode,
    place: Place,
    state: State,
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
    /// Those of the file system; `Corruption` for a header that breaks rule 1, 2, 3 or 5; `FormatTooNew` for rule 4.
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
        Ok(LogReader { source, id, seed: id.seed(), mode, place, state: State::Reading, report })
    }

    /// The next data record; `None` at the end of the log. The payload is lent until the next call.
    ///
    /// # Errors
    ///
    /// `Corruption` as the mode says, with the offset of the first invalid record; `FormatTooNew` for a record of an unknown kind that must not be
    /// skipped; those of the file system. After an error every call returns it again.
    #[expect(clippy::should_implement_trait, reason = "the record is lent, which an iterator cannot do")]
    pub fn next(&mut self) -> Result<Option<LogRecord<'_>>> {
        loop {
            match self.step()? {
                Some((offset, header)) if header.kind == RecordKind::Data => {
                    return Ok(Some(self.record(offset, &header)));
                }
                Some(_) => {}
                None => return Ok(None),
            }
        }
    }

    /// The next record, of whichever kind: for dumps. It also shows the end record, and records of unknown kinds that may be skipped.
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
        match self.examine(&place)? {
            Ok(header) => {
                self.accept(place.offset, &header);
                Ok(Some((place.offset, header)))
            }
            Err(invalid) => self.meet_invalid(place.offset, &invalid),
        }
    }

    /// Applies rules 6 to 14 in their order, rule 11 last. The payload of a valid record is in the window afterwards.
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
        self.place.promise = header.synced_to;
        self.report.bytes = end;
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
        let (promise, nonzero_end) = self.scan_tail(offset)?;
        self.report.last_promise = self.report.last_promise.max(promise);
        if self.mode == ReadMode::CrashTail && offset < promise {
            self.report.first_bad = Some((offset, rule));
            return Err(Error::corruption(self.path(), offset, rule.what()));
        }
        self.cut(offset, nonzero_end, rule);
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

    fn cut(&mut self, offset: u64, nonzero_end: u64, rule: Rule) {
        if nonzero_end <= offset {
            return self.end(if self.report.gap_count == 0 { LogEnd::Open } else { LogEnd::Cut });
        }
        if self.mode == ReadMode::Salvage {
            self.report.add_gap(Gap { start: offset, end: nonzero_end, rule });
        } else {
            self.report.drop_bytes(offset, nonzero_end, rule);
        }
        self.end(LogEnd::Cut);
    }

    /// Goes on at the next valid record.
    fn salvage(&mut self, offset: u64, invalid: &Invalid) -> Result<Option<(u64, RecordHeader)>> {
        let mut search_from = invalid.search_from;
        while let Some((candidate, _)) = self.find_header(search_from)? {
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
        let (_, nonzero_end) = self.scan_tail(offset)?;
        self.cut(offset, nonzero_end, invalid.rule);
        Ok(None)
    }

    /// The first header at or behind `from` that satisfies rules 6 to 8.
    fn find_header(&mut self, mut from: u64) -> Result<Option<(u64, RecordHeader)>> {
        let (seed, number) = (self.seed, self.id.number);
        loop {
            let bytes = self.source.load(from, RECORD_HEADER_BYTES)?;
            if bytes.len() < RECORD_HEADER_BYTES {
                return Ok(None);
            }
            if let Some(found) = find_headers(bytes, from, seed, number).next() {
                return Ok(Some(found));
            }
            from += (bytes.len() - RECORD_HEADER_BYTES) as u64 + 1;
        }
    }

    /// The largest promise behind `offset`, and the offset behind the last byte that is not zero (0 when all are).
    fn scan_tail(&mut self, offset: u64) -> Result<(u64, u64)> {
        let (seed, number) = (self.seed, self.id.number);
        let (mut promise, mut nonzero_end) = (0, 0);
        let mut at = offset;
        loop {
            let bytes = self.source.load(at, RECORD_HEADER_BYTES)?;
            // Zeros, the unwritten rest of a preallocated file, are the common case: no header is tried in them.
            if let Some(last) = bytes.iter().rposition(|&byte| byte != 0) {
                nonzero_end = at + last as u64 + 1;
                for (found_at, header) in find_headers(bytes, at, seed, number) {
                    if found_at > offset && header.promise_fits(found_at) {
                        promise = promise.max(header.synced_to);
                    }
                }
            }
            if bytes.len() < RECORD_HEADER_BYTES {
                return Ok((promise, nonzero_end));
            }
            at += (bytes.len() - RECORD_HEADER_BYTES) as u64 + 1;
        }
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
