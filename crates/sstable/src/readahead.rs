//! Reads several blocks with one call when they are read one after the other.
#![deny(clippy::indexing_slicing)]

use siltstone_types::{Result, Slice};

use crate::{
    Handle,
    blocks::BlockFile,
    format::{Role, TRAILER_BYTES},
};

/// What the first sequential read asks for; each further one doubles it, up to the limit.
const FIRST_BYTES: usize = 16 << 10;

/// Bounds what a setting can make a cursor hold.
const BYTES_MAX: usize = 64 << 20;

/// A piece of the file that was read ahead of its use.
#[derive(Debug)]
pub(crate) struct Readahead {
    bytes_max: usize,
    bytes_next: usize,
    // Where the last block ended: the next one starts there when the walk is sequential.
    expected_at: Option<u64>,
    ahead: Slice,
    ahead_at: u64,
}

impl Readahead {
    pub(crate) fn new(bytes_max: usize) -> Readahead {
        let bytes_max = bytes_max.min(BYTES_MAX);
        Readahead { bytes_max, bytes_next: 0, expected_at: None, ahead: Slice::empty(), ahead_at: 0 }
    }

    /// Notes that a block is walked over, wherever it comes from. True when it follows the one before.
    pub(crate) fn note(&mut self, handle: Handle) -> bool {
        let sequential = self.expected_at == Some(handle.offset);
        self.expected_at = handle.end();
        if !sequential {
            self.ahead = Slice::empty();
            self.bytes_next = FIRST_BYTES.min(self.bytes_max);
        }
        sequential
    }

    /// The raw bytes of a data block. Data blocks end at `data_end`.
    pub(crate) fn read(&mut self, file: &BlockFile, handle: Handle, data_end: u64) -> Result<Slice> {
        if !self.note(handle) {
            return file.read(handle, Role::Data);
        }
        let block_bytes = handle.stored_bytes as usize + TRAILER_BYTES;
        if let Some(block) = self.taken(handle.offset, block_bytes) {
            return file.open(&block, handle, Role::Data);
        }
        let left = usize::try_from(data_end.saturating_sub(handle.offset)).unwrap_or(usize::MAX);
        let ahead_bytes = self.bytes_next.min(left);
        self.bytes_next = self.bytes_next.saturating_mul(2).min(self.bytes_max);
        if ahead_bytes <= block_bytes {
            return file.read(handle, Role::Data);
        }
        self.ahead = Slice::empty();
        self.ahead = file.read_bytes(handle.offset, ahead_bytes)?;
        self.ahead_at = handle.offset;
        match self.taken(handle.offset, block_bytes) {
            Some(block) => file.open(&block, handle, Role::Data),
            None => file.read(handle, Role::Data),
        }
    }

    /// A block's bytes, copied out of what was read ahead: a pinned value must not keep all of that alive.
    fn taken(&self, offset: u64, block_bytes: usize) -> Option<Slice> {
        let start = usize::try_from(offset.checked_sub(self.ahead_at)?).ok()?;
        let bytes = self.ahead.get(start..)?.get(..block_bytes)?;
        Some(Slice::from(bytes))
    }
}
