//! What is handed to a log: payloads with their crc, and records.

use crc32c::{crc32c, crc32c_append};

/// Bytes to log, with their crc, so that it can be computed before the log's lock is taken. The bytes are
/// lent, and written from where they are.
#[derive(Clone, Copy, Debug)]
pub struct Payload<'a> {
    parts: [&'a [u8]; 2],
    crc: u32,
}

impl<'a> Payload<'a> {
    /// A payload, and its crc.
    pub fn new(bytes: &'a [u8]) -> Payload<'a> {
        Payload { parts: [bytes, &[]], crc: crc32c(bytes) }
    }

    /// A payload in two parts, logged as one.
    pub fn in_two(front: &'a [u8], back: &'a [u8]) -> Payload<'a> {
        Payload { parts: [front, back], crc: crc32c_append(crc32c(front), back) }
    }

    /// A payload whose crc was computed before: the [`Payload::crc`] of the same bytes. A wrong one makes the
    /// record invalid to every reader.
    ///
    /// # Panics
    ///
    /// For a wrong crc, in builds with debug assertions.
    pub fn with_crc(bytes: &'a [u8], crc: u32) -> Payload<'a> {
        debug_assert_eq!(crc, crc32c(bytes), "the crc of other bytes");
        Payload { parts: [bytes, &[]], crc }
    }

    /// `crc32c` of the bytes.
    pub fn crc(&self) -> u32 {
        self.crc
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        let [front, back] = self.parts;
        front.len().saturating_add(back.len())
    }

    /// True for a payload of no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn parts(&self) -> [&'a [u8]; 2] {
        self.parts
    }
}

/// One record to append.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// The owner's: it comes back with the record.
    pub tag: u64,
    /// The owner's bytes.
    pub payload: Payload<'a>,
}
