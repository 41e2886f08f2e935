//! Layout of a write batch. Prose, rules and a worked example: `docs/format/batch.md`.
//!
//! ```text
//! version u8 | count u32 | entry ...      entry: kind u8 | keyspace varint | key length varint | key
//!                                                [| value length varint | value]
//! ```
#![deny(clippy::indexing_slicing)]

use std::fmt;

use siltstone_types::{
    Expiring, Kind, SequenceNumber,
    limits::{BATCH_BYTES_MAX, KEY_BYTES_MAX, VALUE_BYTES_MAX},
    varint,
};

/// The version this code writes, and the newest one it reads.
pub const VERSION: u8 = 1;
const COUNT_AT: usize = size_of::<u8>();
/// Bytes before the first entry.
pub const HEADER_BYTES: usize = COUNT_AT + size_of::<u32>();
const _: () = assert!(HEADER_BYTES == 5, "part of the file format");

/// The rule of `docs/format/batch.md` that a payload breaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Broken {
    /// Rule 1: fewer bytes than a header.
    ShortHeader,
    /// Rule 2: a version this code does not know.
    Version(u8),
    /// Rule 3: longer than a batch may be.
    Oversized,
    /// Rule 4: no such kind.
    UnknownKind(u8),
    /// Rule 4: a kind that a later version writes.
    ReservedKind(u8),
    /// Rule 5: not a varint.
    Varint(varint::Broken),
    /// Rule 6: a key or a value beyond its limit.
    Length,
    /// Rule 7: a key or a value beyond the payload.
    ShortEntry,
    /// Rule 8: the count is not the number of entries, or there is none.
    Count,
    /// Rule 9: the last sequence number does not fit.
    Sequence,
}

impl Broken {
    /// True when the payload is newer than this code, not damaged.
    pub const fn is_too_new(self) -> bool {
        matches!(self, Broken::Version(version) if version > VERSION)
            || matches!(self, Broken::ReservedKind(_))
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::ShortHeader => write!(f, "write batch is shorter than its header (batch rule 1)"),
            Broken::Version(version) => write!(f, "write batch of version {version} (batch rule 2)"),
            Broken::Oversized => {
                write!(f, "write batch is longer than {BATCH_BYTES_MAX} bytes (batch rule 3)")
            }
            Broken::UnknownKind(kind) => write!(f, "entry kind {kind} does not exist (batch rule 4)"),
            Broken::ReservedKind(kind) => write!(f, "entry kind {kind} (batch rule 4)"),
            Broken::Varint(broken) => write!(f, "{} (batch rule 5)", broken.what()),
            Broken::Length => write!(f, "a key or value is longer than its limit (batch rule 6)"),
            Broken::ShortEntry => write!(f, "a key or value exceeds the batch (batch rule 7)"),
            Broken::Count => write!(f, "the number of entries is not the one declared (batch rule 8)"),
            Broken::Sequence => write!(f, "sequence numbers exceed 56 bits (batch rule 9)"),
        }
    }
}

impl From<varint::Broken> for Broken {
    fn from(broken: varint::Broken) -> Broken {
        Broken::Varint(broken)
    }
}

/// One entry of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchEntry<'a> {
    /// Id of the keyspace it belongs to.
    pub keyspace: u32,
    /// What it does.
    pub kind: Kind,
    /// The user key.
    pub key: &'a [u8],
    /// The value; empty for kinds without one. That of an expiring put begins with its time ([`Expiring`]).
    pub value: &'a [u8],
}

/// A payload in which every rule holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Batch<'a> {
    first: SequenceNumber,
    count: u32,
    entries: &'a [u8],
}

impl<'a> Batch<'a> {
    /// Checks a whole payload. Borrows from it and allocates nothing.
    ///
    /// # Errors
    ///
    /// The first rule the payload breaks.
    pub fn decode(payload: &'a [u8], first: SequenceNumber) -> Result<Batch<'a>, Broken> {
        let (&[version, c0, c1, c2, c3], entries) =
            payload.split_first_chunk::<HEADER_BYTES>().ok_or(Broken::ShortHeader)?;
        if version != VERSION {
            return Err(Broken::Version(version));
        }
        if payload.len() > BATCH_BYTES_MAX {
            return Err(Broken::Oversized);
        }
        let count = u32::from_le_bytes([c0, c1, c2, c3]);
        let mut rest = entries;
        for _ in 0..count {
            (_, rest) = take_entry(rest)?;
        }
        if count == 0 || !rest.is_empty() {
            return Err(Broken::Count);
        }
        first.checked_add(u64::from(count) - 1).ok_or(Broken::Sequence)?;
        Ok(Batch { first, count, entries })
    }

    /// Sequence number of the first entry.
    pub const fn first(&self) -> SequenceNumber {
        self.first
    }

    /// Number of entries, at least 1.
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Sequence number of the last entry.
    pub fn last(&self) -> SequenceNumber {
        self.first.checked_add(u64::from(self.count) - 1).unwrap_or(SequenceNumber::MAX)
    }

    /// The entries with their sequence numbers.
    pub fn entries(&self) -> impl Iterator<Item = (SequenceNumber, BatchEntry<'a>)> + use<'a> {
        let mut rest = self.entries;
        let first = self.first;
        (0..u64::from(self.count)).map_while(move |i| {
            let (entry, tail) = take_entry(rest).ok()?;
            rest = tail;
            Some((first.checked_add(i)?, entry))
        })
    }
}

fn take_entry(bytes: &[u8]) -> Result<(BatchEntry<'_>, &[u8]), Broken> {
    // A count that promises more than there is.
    let (&kind_byte, rest) = bytes.split_first().ok_or(Broken::Count)?;
    let kind = Kind::from_byte(kind_byte).ok_or(if Kind::is_reserved(kind_byte) {
        Broken::ReservedKind(kind_byte)
    } else {
        Broken::UnknownKind(kind_byte)
    })?;
    let (keyspace, rest) = varint::take_u32(rest)?;
    let (key, rest) = take_bytes(rest, KEY_BYTES_MAX)?;
    let (value, rest) = if kind.has_value() { take_bytes(rest, VALUE_BYTES_MAX)? } else { (&[][..], rest) };
    if kind == Kind::ExpiringPut {
        Expiring::decode(value)?;
    }
    Ok((BatchEntry { keyspace, kind, key, value }, rest))
}

fn take_bytes(bytes: &[u8], len_max: usize) -> Result<(&[u8], &[u8]), Broken> {
    let (len, rest) = varint::take_u32(bytes)?;
    let len = usize::try_from(len).map_err(|_| Broken::Length)?;
    if len > len_max {
        return Err(Broken::Length);
    }
    rest.split_at_checked(len).ok_or(Broken::ShortEntry)
}

/// Starts an encoding: a header that counts no entries.
pub(crate) fn start(out: &mut Vec<u8>) {
    out.clear();
    out.push(VERSION);
    out.extend_from_slice(&0_u32.to_le_bytes());
}

/// Writes the count into the header.
pub(crate) fn set_count(bytes: &mut [u8], count: u32) {
    if let Some(field) = bytes.get_mut(COUNT_AT..HEADER_BYTES) {
        field.copy_from_slice(&count.to_le_bytes());
    }
}

/// Appends an entry. Lengths were checked against their limits.
pub(crate) fn put_entry(out: &mut Vec<u8>, entry: &BatchEntry<'_>) {
    out.push(entry.kind as u8);
    varint::put_u32(out, entry.keyspace);
    varint::put_u64(out, entry.key.len() as u64);
    out.extend_from_slice(entry.key);
    if entry.kind.has_value() {
        varint::put_u64(out, entry.value.len() as u64);
        out.extend_from_slice(entry.value);
    }
}
