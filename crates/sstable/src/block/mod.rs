//! Raw bytes of data and index blocks: entries with shared prefixes, and where they start afresh.
#![deny(clippy::indexing_slicing)]

mod builder;
mod cursor;
mod find;
mod format;
mod separator;
#[cfg(test)]
mod tests;

use siltstone_types::Slice;

pub(crate) use self::{builder::BlockBuilder, separator::between};
pub use self::{cursor::BlockCursor, format::EntryKind};
use crate::Broken;

/// The raw bytes of a block whose restart array is well formed. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Block {
    raw: Slice,
    entries_bytes: usize,
    restart_count: usize,
}

impl Block {
    /// Checks the restart array.
    ///
    /// # Errors
    ///
    /// Rules 13 and 14.
    pub fn parse(raw: Slice) -> Result<Block, Broken> {
        let (rest, count) =
            raw.split_last_chunk::<4>().ok_or(Broken::Rule(13, "no room for the restart count"))?;
        let restart_count = u32::from_le_bytes(*count) as usize;
        let entries_bytes = restart_count
            .checked_mul(4)
            .and_then(|array_bytes| rest.len().checked_sub(array_bytes))
            .filter(|_| restart_count > 0)
            .ok_or(Broken::Rule(13, "the restart count does not fit the block"))?;
        let block = Block { raw, entries_bytes, restart_count };
        if block.restart_at(0) != 0 {
            return Err(Broken::Rule(14, "the first restart is not at the start of the block"));
        }
        let restarts = (0..restart_count).map(|restart_idx| block.restart_at(restart_idx));
        if !restarts.clone().is_sorted_by(|a, b| a < b) {
            return Err(Broken::Rule(14, "restart offsets do not ascend"));
        }
        if block.restart_at(restart_count - 1) >= entries_bytes {
            return Err(Broken::Rule(14, "a restart offset does not lie before the restart array"));
        }
        Ok(block)
    }

    /// All raw bytes.
    pub fn raw(&self) -> &Slice {
        &self.raw
    }

    /// Places where a key is stored in full, at least one.
    pub fn restart_count(&self) -> usize {
        self.restart_count
    }

    /// The part before the restart array.
    fn entries(&self) -> &[u8] {
        self.raw.get(..self.entries_bytes).unwrap_or_default()
    }

    /// Offset of a restart; past the last, the end of the entries.
    fn restart_at(&self, restart_idx: usize) -> usize {
        if restart_idx >= self.restart_count {
            return self.entries_bytes;
        }
        let bytes = self.raw.get(self.entries_bytes + restart_idx * 4..).and_then(<[u8]>::first_chunk::<4>);
        bytes.map_or(self.entries_bytes, |bytes| u32::from_le_bytes(*bytes) as usize)
    }
}

/// Bytes that two keys have in common from the start.
fn common_bytes(a: &[u8], b: &[u8]) -> usize {
    // Eight at a time: keys of one table mostly share long prefixes.
    let words = a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0).take_while(|(a, b)| a == b).count();
    let rest = |key| <[u8]>::get(key, words * 8..).unwrap_or_default();
    words * 8 + rest(a).iter().zip(rest(b)).take_while(|(a, b)| a == b).count()
}
