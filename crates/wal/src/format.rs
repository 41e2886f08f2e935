//! File header and record header as pure functions on bytes. Prose, offsets and numbered rules:
//! `docs/format/wal.md`.
//!
//! ```text
//! file header                      record header
//! offset  size  field              offset  size  field
//!      0     8  magic                   0     4  record crc
//!      8     4  version                 4     4  payload crc
//!     12     4  purpose                 8     4  payload length
//!     16     8  log number             12     1  kind
//!     24    16  identity               13     4  ordinal
//!     40     4  header crc             17     8  log number
//!                                      25     8  synced to
//!                                      33     8  tag
//! ```
#![deny(clippy::indexing_slicing)]

use std::fmt;

use crc32c::{crc32c, crc32c_append};

use crate::Rule;

/// First bytes of every log. Part of the file format.
pub const MAGIC: [u8; 8] = *b"SILTLOG\n";
/// The version written, and the newest one read. Part of the file format.
pub const VERSION: u32 = 1;

const VERSION_AT: usize = MAGIC.len();
const PURPOSE_AT: usize = VERSION_AT + size_of::<u32>();
const NUMBER_AT: usize = PURPOSE_AT + size_of::<u32>();
const IDENTITY_AT: usize = NUMBER_AT + size_of::<u64>();
const HEADER_CRC_AT: usize = IDENTITY_AT + size_of::<[u8; 16]>();
/// Bytes of the file header: offset of the first record. Part of the file format.
pub const FILE_HEADER_BYTES: usize = HEADER_CRC_AT + size_of::<u32>();
const _: () = assert!(FILE_HEADER_BYTES == 44, "part of the file format");

const PAYLOAD_CRC_AT: usize = size_of::<u32>();
const PAYLOAD_BYTES_AT: usize = PAYLOAD_CRC_AT + size_of::<u32>();
const KIND_AT: usize = PAYLOAD_BYTES_AT + size_of::<u32>();
const ORDINAL_AT: usize = KIND_AT + size_of::<u8>();
const RECORD_NUMBER_AT: usize = ORDINAL_AT + size_of::<u32>();
const SYNCED_TO_AT: usize = RECORD_NUMBER_AT + size_of::<u64>();
const TAG_AT: usize = SYNCED_TO_AT + size_of::<u64>();
/// Bytes of a record before its payload. Part of the file format.
pub const RECORD_HEADER_BYTES: usize = TAG_AT + size_of::<u64>();
const _: () = assert!(RECORD_HEADER_BYTES == 41, "part of the file format");

/// Longest payload, in bytes. Part of the file format.
pub const PAYLOAD_BYTES_MAX: u32 = 1_074_790_400;
const _: () = assert!(PAYLOAD_BYTES_MAX as usize == siltstone_types::limits::BATCH_BYTES_MAX);

/// What a log's records are for. The values are part of the file format.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Purpose(pub u32);

impl Purpose {
    /// Write batches of a database.
    pub const WRITE_AHEAD: Purpose = Purpose(1);
    /// Edits of a database's state.
    pub const MANIFEST: Purpose = Purpose(2);
    /// The first of the numbers that are free for other users of this crate.
    pub const CUSTOM: Purpose = Purpose(0x8000_0000);
}

/// What ties a log to its place: every record of the file is checked against it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct LogId {
    /// What the records are for.
    pub purpose: Purpose,
    /// The number in the file's name; never used twice by one owner.
    pub number: u64,
    /// Names the owner, a database for example; drawn once, at random.
    pub identity: [u8; 16],
}

/// The header crc of a file, with which every record crc begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileSeed(u32);

impl LogId {
    /// The file header.
    pub fn encode(&self) -> [u8; FILE_HEADER_BYTES] {
        let mut out = [0; FILE_HEADER_BYTES];
        put(&mut out, 0, MAGIC);
        put(&mut out, VERSION_AT, VERSION.to_le_bytes());
        put(&mut out, PURPOSE_AT, self.purpose.0.to_le_bytes());
        put(&mut out, NUMBER_AT, self.number.to_le_bytes());
        put(&mut out, IDENTITY_AT, self.identity);
        let crc = crc32c(out.get(..HEADER_CRC_AT).unwrap_or_default());
        put(&mut out, HEADER_CRC_AT, crc.to_le_bytes());
        out
    }

    /// The seed of a log with this header.
    pub fn seed(&self) -> FileSeed {
        let crc = field(&self.encode(), HEADER_CRC_AT).map_or(0, u32::from_le_bytes);
        FileSeed(crc)
    }

    /// Reads a file header from the front of a file.
    ///
    /// # Errors
    ///
    /// The first of rules 1 to 4 that the bytes break.
    pub fn decode(bytes: &[u8]) -> Result<LogId, Rule> {
        let (header, _) = bytes.split_first_chunk::<FILE_HEADER_BYTES>().ok_or(Rule::FileHeaderShort)?;
        LogId::decode_whole(header).ok_or(Rule::FileHeaderShort)?
    }

    fn decode_whole(header: &[u8; FILE_HEADER_BYTES]) -> Option<Result<LogId, Rule>> {
        if field(header, 0)? != MAGIC {
            return Some(Err(Rule::Magic));
        }
        if crc32c(header.get(..HEADER_CRC_AT)?) != u32::from_le_bytes(field(header, HEADER_CRC_AT)?) {
            return Some(Err(Rule::FileHeaderCrc));
        }
        if u32::from_le_bytes(field(header, VERSION_AT)?) != VERSION {
            return Some(Err(Rule::Version));
        }
        Some(Ok(LogId {
            purpose: Purpose(u32::from_le_bytes(field(header, PURPOSE_AT)?)),
            number: u64::from_le_bytes(field(header, NUMBER_AT)?),
            identity: field(header, IDENTITY_AT)?,
        }))
    }

    /// Compares a header that was read with the one expected.
    ///
    /// # Errors
    ///
    /// Rule 5, as the variant of the first field that differs.
    pub fn check(&self, expected: &LogId) -> Result<(), Rule> {
        if self.purpose != expected.purpose {
            return Err(Rule::Purpose);
        }
        if self.number != expected.number {
            return Err(Rule::FileNumber);
        }
        if self.identity != expected.identity {
            return Err(Rule::Identity);
        }
        Ok(())
    }
}

/// Offset of the field of the file header that a rule is about.
pub(crate) fn file_rule_offset(rule: Rule) -> usize {
    match rule {
        Rule::Version => VERSION_AT,
        Rule::Purpose => PURPOSE_AT,
        Rule::FileNumber => NUMBER_AT,
        Rule::Identity => IDENTITY_AT,
        Rule::FileHeaderCrc => HEADER_CRC_AT,
        _ => 0,
    }
}

/// What a record is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RecordKind {
    /// Carries a payload of the owner's.
    Data,
    /// The last record of a finished log.
    End,
    /// A kind of a later version, by its byte.
    Unknown(u8),
}

impl RecordKind {
    /// The byte that is stored. Part of the file format.
    pub const fn byte(self) -> u8 {
        match self {
            RecordKind::Data => 1,
            RecordKind::End => 2,
            RecordKind::Unknown(byte) => byte,
        }
    }

    /// The kind a byte stands for.
    pub const fn from_byte(byte: u8) -> RecordKind {
        match byte {
            1 => RecordKind::Data,
            2 => RecordKind::End,
            _ => RecordKind::Unknown(byte),
        }
    }

    /// True for an unknown kind that a reader must not skip.
    pub const fn must_be_understood(self) -> bool {
        matches!(self, RecordKind::Unknown(byte) if byte & 0x80 == 0)
    }
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecordKind::Data => f.write_str("data"),
            RecordKind::End => f.write_str("end"),
            RecordKind::Unknown(byte) => write!(f, "kind {byte}"),
        }
    }
}

/// The header of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecordHeader {
    /// `crc32c` of the payload.
    pub payload_crc: u32,
    /// Length of the payload.
    pub payload_bytes: u32,
    /// What the record is.
    pub kind: RecordKind,
    /// Its place among all records of the file, from 0.
    pub ordinal: u32,
    /// The log's number.
    pub number: u64,
    /// The promise: everything below this offset was synced before the record was written; 0 promises
    /// nothing.
    pub synced_to: u64,
    /// The owner's.
    pub tag: u64,
}

/// What the record at an offset must agree with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Offset of the record.
    pub offset: u64,
    /// Length of the file.
    pub file_bytes: u64,
    /// The log's number.
    pub number: u64,
    /// The ordinal that comes next.
    pub ordinal: u64,
    /// The promise of the record before.
    pub promise: u64,
    /// Data records before this one.
    pub data_records: u64,
    /// True when records were skipped on the way here, which leaves less to compare with.
    pub after_gap: bool,
}

impl RecordHeader {
    /// The bytes of the header of a record at `offset`.
    pub fn encode(&self, seed: FileSeed, offset: u64) -> [u8; RECORD_HEADER_BYTES] {
        let mut out = [0; RECORD_HEADER_BYTES];
        put(&mut out, PAYLOAD_CRC_AT, self.payload_crc.to_le_bytes());
        put(&mut out, PAYLOAD_BYTES_AT, self.payload_bytes.to_le_bytes());
        put(&mut out, KIND_AT, [self.kind.byte()]);
        put(&mut out, ORDINAL_AT, self.ordinal.to_le_bytes());
        put(&mut out, RECORD_NUMBER_AT, self.number.to_le_bytes());
        put(&mut out, SYNCED_TO_AT, self.synced_to.to_le_bytes());
        put(&mut out, TAG_AT, self.tag.to_le_bytes());
        let crc = record_crc(&out, seed, offset);
        put(&mut out, 0, crc.to_le_bytes());
        out
    }

    /// Reads the header of the record at `offset` from the front of `bytes`.
    ///
    /// # Errors
    ///
    /// Rule 6 or 7.
    pub fn decode(bytes: &[u8], seed: FileSeed, offset: u64) -> Result<RecordHeader, Rule> {
        let (header, _) = bytes.split_first_chunk::<RECORD_HEADER_BYTES>().ok_or(Rule::RecordHeaderShort)?;
        let stored = field(header, 0).map(u32::from_le_bytes);
        if stored != Some(record_crc(header, seed, offset)) {
            return Err(Rule::RecordCrc);
        }
        RecordHeader::fields(header).ok_or(Rule::RecordHeaderShort)
    }

    fn fields(header: &[u8; RECORD_HEADER_BYTES]) -> Option<RecordHeader> {
        let [kind] = field(header, KIND_AT)?;
        Some(RecordHeader {
            payload_crc: u32::from_le_bytes(field(header, PAYLOAD_CRC_AT)?),
            payload_bytes: u32::from_le_bytes(field(header, PAYLOAD_BYTES_AT)?),
            kind: RecordKind::from_byte(kind),
            ordinal: u32::from_le_bytes(field(header, ORDINAL_AT)?),
            number: u64::from_le_bytes(field(header, RECORD_NUMBER_AT)?),
            synced_to: u64::from_le_bytes(field(header, SYNCED_TO_AT)?),
            tag: u64::from_le_bytes(field(header, TAG_AT)?),
        })
    }

    /// Compares the header with its place, before anything is read or allocated on its word.
    ///
    /// # Errors
    ///
    /// The first of rules 8 to 10, 12 and 14 that it breaks; behind a gap rules 10 and 14 are not asked for,
    /// and the ordinal may be higher. Rule 11 is [`RecordKind::must_be_understood`]: it comes last, because a
    /// record that breaks it alone is not damage.
    pub fn check(&self, place: &Place) -> Result<(), Rule> {
        let ordinal = u64::from(self.ordinal);
        if self.number != place.number {
            return Err(Rule::RecordNumber);
        }
        if ordinal < place.ordinal || (ordinal > place.ordinal && !place.after_gap) {
            return Err(Rule::Ordinal);
        }
        if !place.after_gap && (!self.promise_fits(place.offset) || self.synced_to < place.promise) {
            return Err(Rule::Promise);
        }
        if self.payload_bytes > PAYLOAD_BYTES_MAX {
            return Err(Rule::PayloadTooLong);
        }
        if self.end(place.offset).is_none_or(|end| end > place.file_bytes) {
            return Err(Rule::PayloadOutsideFile);
        }
        if self.kind == RecordKind::End && !place.after_gap {
            if self.payload_bytes != 0 {
                return Err(Rule::EndPayload);
            }
            if self.tag != place.data_records {
                return Err(Rule::EndCount);
            }
        }
        Ok(())
    }

    /// Compares the payload with its crc.
    ///
    /// # Errors
    ///
    /// Rule 13.
    pub fn check_payload(&self, payload: &[u8]) -> Result<(), Rule> {
        if crc32c(payload) == self.payload_crc { Ok(()) } else { Err(Rule::PayloadCrc) }
    }

    /// True when the promise is one that a record at `offset` can make (rule 10 without the record before).
    pub fn promise_fits(&self, offset: u64) -> bool {
        self.synced_to == 0 || (FILE_HEADER_BYTES as u64..=offset).contains(&self.synced_to)
    }

    /// Offset of the byte behind a record at `offset`; `None` when there is no such offset.
    pub fn end(&self, offset: u64) -> Option<u64> {
        offset.checked_add(RECORD_HEADER_BYTES as u64)?.checked_add(u64::from(self.payload_bytes))
    }
}

/// True when the bytes, which do not begin with a valid record header, have another log number in the place
/// of a header's: in a recycled file they are what its earlier life left. Zeros are no number.
pub(crate) fn names_another_log(bytes: &[u8], number: u64) -> bool {
    let named = field(bytes, RECORD_NUMBER_AT).map_or(0, u64::from_le_bytes);
    named != 0 && named != number
}

/// Headers that satisfy rules 6 to 8 in `bytes`, which lie at `offset` in the file. Each byte is tried; the
/// log number is compared first, because that is cheap.
pub(crate) fn find_headers(
    bytes: &[u8],
    offset: u64,
    seed: FileSeed,
    number: u64,
) -> impl Iterator<Item = (u64, RecordHeader)> {
    let number = number.to_le_bytes();
    bytes.windows(RECORD_HEADER_BYTES).zip(offset..).filter_map(move |(bytes, offset)| {
        if field(bytes, RECORD_NUMBER_AT) != Some(number) {
            return None;
        }
        RecordHeader::decode(bytes, seed, offset).ok().map(|header| (offset, header))
    })
}

fn record_crc(header: &[u8; RECORD_HEADER_BYTES], seed: FileSeed, offset: u64) -> u32 {
    let covered = header.get(PAYLOAD_CRC_AT..).unwrap_or_default();
    crc32c_append(crc32c_append(seed.0, covered), &offset.to_le_bytes())
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

fn put<const N: usize>(out: &mut [u8], at: usize, value: [u8; N]) {
    if let Some(field) = out.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *field = value;
    }
}
