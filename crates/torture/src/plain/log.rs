//! A log, by docs/format/wal.md.

use std::ops::Range;

use crc32c::{crc32c, crc32c_append};

use super::{field, offset, u32_at, u64_at};

pub(crate) const MAGIC: &[u8; 8] = b"SILTLOG\n";
pub(crate) const FILE_HEADER: usize = 44;
pub(crate) const HEADER: usize = 41;
pub(crate) const DATA: u8 = 1;
pub(crate) const END: u8 = 2;
const PAYLOAD_MAX: usize = (1 << 30) + (1 << 20);

/// What ties records to a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FileHeader {
    pub(crate) seed: u32,
    pub(crate) purpose: u32,
    pub(crate) number: u64,
    pub(crate) identity: [u8; 16],
}

/// What the first bytes of a file are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    Valid(FileHeader),
    TooNew,
    Damaged,
}

/// Rules 1 to 4.
pub(crate) fn file_header(file: &[u8]) -> Verdict {
    let Some(header) = file.first_chunk::<FILE_HEADER>() else { return Verdict::Damaged };
    let parts =
        (u32_at(header, 8), u32_at(header, 12), u64_at(header, 16), field(header, 24), u32_at(header, 40));
    let (Some(version), Some(purpose), Some(number), Some(identity), Some(seed)) = parts else {
        return Verdict::Damaged;
    };
    if !header.starts_with(MAGIC) || seed != crc32c(header.get(..40).unwrap_or_default()) {
        return Verdict::Damaged;
    }
    if version == 1 {
        Verdict::Valid(FileHeader { seed, purpose, number, identity })
    } else {
        Verdict::TooNew
    }
}

/// A record header that satisfies rules 6 to 8.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Record {
    pub(crate) offset: u64,
    pub(crate) kind: u8,
    pub(crate) ordinal: u32,
    pub(crate) synced_to: u64,
    pub(crate) tag: u64,
    pub(crate) payload_crc: u32,
    /// Where it says that its payload is, which may be past the end of the file.
    pub(crate) payload: Range<usize>,
}

/// The crc of the record header at `at`.
pub(crate) fn record_crc(file: &[u8], at: usize, seed: u32) -> Option<u32> {
    let covered = file.get(at..)?.get(4..HEADER)?;
    Some(crc32c_append(crc32c_append(seed, covered), &offset(at).to_le_bytes()))
}

/// Rules 6 to 8.
pub(crate) fn header_at(file: &[u8], at: usize, log: &FileHeader) -> Option<Record> {
    let header = file.get(at..)?;
    if u64_at(header, 17)? != log.number || header.len() < HEADER {
        return None;
    }
    if u32_at(header, 0)? != record_crc(file, at, log.seed)? {
        return None;
    }
    let payload_at = at + HEADER;
    Some(Record {
        offset: offset(at),
        payload_crc: u32_at(header, 4)?,
        payload: payload_at..payload_at + u32_at(header, 8)? as usize,
        kind: *header.get(12)?,
        ordinal: u32_at(header, 13)?,
        synced_to: u64_at(header, 25)?,
        tag: u64_at(header, 33)?,
    })
}

impl Record {
    pub(crate) fn end(&self) -> u64 {
        offset(self.payload.end)
    }

    /// Rule 12.
    pub(crate) fn fits(&self, file: &[u8]) -> bool {
        self.payload.len() <= PAYLOAD_MAX && self.payload.end <= file.len()
    }

    /// Rules 12 and 13.
    pub(crate) fn payload_is_whole(&self, file: &[u8]) -> bool {
        self.fits(file)
            && file.get(self.payload.clone()).is_some_and(|bytes| crc32c(bytes) == self.payload_crc)
    }

    /// Rule 11.
    pub(crate) fn kind_is_known(&self) -> bool {
        matches!(self.kind, DATA | END) || self.kind & 0x80 != 0
    }

    /// Rule 10 without the record before.
    fn promise_fits(&self) -> bool {
        self.synced_to == 0 || (offset(FILE_HEADER) <= self.synced_to && self.synced_to <= self.offset)
    }
}

/// The valid records from the front, and why there are no more.
#[derive(Debug)]
pub(crate) struct Prefix {
    pub(crate) records: Vec<Record>,
    pub(crate) stop: Stop,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stop {
    /// An end record.
    Finished,
    /// No valid record at this offset. Too new: it breaks rule 11 alone.
    Invalid { at: u64, too_new: bool },
}

impl Prefix {
    /// Offset behind the last valid record.
    pub(crate) fn end(&self) -> u64 {
        self.records.last().map_or(offset(FILE_HEADER), Record::end)
    }

    /// The largest promise among the valid records.
    pub(crate) fn promise(&self) -> u64 {
        self.records.iter().map(|record| record.synced_to).max().unwrap_or(0)
    }
}

/// Rules 6 to 14, record by record.
pub(crate) fn prefix(file: &[u8], log: &FileHeader) -> Prefix {
    let mut prefix = Prefix { records: Vec::new(), stop: Stop::Finished };
    let (mut at, mut promise, mut data) = (FILE_HEADER, 0, 0);
    loop {
        let expected = prefix.records.len();
        let sound = |record: &Record| {
            let end_fits = record.kind != END || (record.payload.is_empty() && record.tag == data);
            record.ordinal as usize == expected
                && record.promise_fits()
                && record.synced_to >= promise
                && record.payload_is_whole(file)
                && end_fits
        };
        let record = header_at(file, at, log).filter(sound);
        let Some(record) = record.clone().filter(Record::kind_is_known) else {
            prefix.stop = Stop::Invalid { at: offset(at), too_new: record.is_some() };
            return prefix;
        };
        (at, promise) = (record.payload.end, record.synced_to);
        data += u64::from(record.kind == DATA);
        let kind = record.kind;
        prefix.records.push(record);
        if kind == END {
            return prefix;
        }
    }
}

/// What lies behind the first invalid record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Tail {
    pub(crate) promise: u64,
    pub(crate) dropped: u64,
    pub(crate) remains: u64,
}

/// Tries every byte offset from `from`.
pub(crate) fn tail(file: &[u8], from: u64, log: &FileHeader) -> Tail {
    let from_at = usize::try_from(from).unwrap_or(usize::MAX);
    let file_end = offset(file.len());
    let headers: Vec<Record> = (from_at..file.len()).filter_map(|at| header_at(file, at, log)).collect();
    let behind = headers.iter().filter(|record| record.offset > from && record.promise_fits());
    let promise = behind.map(|record| record.synced_to).max().unwrap_or(0);
    let nonzero_end = file.iter().rposition(|byte| *byte != 0).map_or(0, |at| offset(at) + 1).max(from);
    let claimed_end = headers.iter().map(|record| record.end().min(file_end)).max();
    let named = u64_at(file, from_at.saturating_add(17)).unwrap_or(0);
    let earlier_life = named != 0 && named != log.number;
    let dropped_end = claimed_end.unwrap_or(if earlier_life { from } else { nonzero_end });
    Tail { promise, dropped: dropped_end - from, remains: nonzero_end.saturating_sub(dropped_end) }
}
