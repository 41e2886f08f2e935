//! The index of a table: one entry for each data block.
#![deny(clippy::indexing_slicing)]

use siltstone_types::{InternalKey, Slice};

use crate::{Block, BlockCursor, Broken, EntryKind, Handle};

/// Checks all of an index, so that what is found in it later can be relied on. The data blocks must end at `data_end`.
///
/// # Errors
///
/// Rules 13 to 20.
pub(crate) fn open(raw: Slice, data_end: u64) -> Result<Block, Broken> {
    let index = Block::parse(raw)?;
    let mut cursor = BlockCursor::new(index.clone(), EntryKind::Index);
    let mut end = 0;
    cursor.first()?;
    while cursor.valid() {
        let handle = Handle::decode(cursor.value())?;
        if handle.offset != end {
            return Err(NO_TILING);
        }
        end = handle.end().ok_or(NO_TILING)?;
        cursor.next()?;
    }
    if end == data_end { Ok(index) } else { Err(NO_TILING) }
}

const NO_TILING: Broken = Broken::Rule(20, "the data blocks do not tile the file up to the filter or index");

/// The data block with the first separator at or after `target`.
pub(crate) fn find(index: &Block, target: InternalKey<'_>) -> Result<Option<Handle>, Broken> {
    let mut cursor = BlockCursor::new(index.clone(), EntryKind::Index);
    cursor.seek(target)?;
    if cursor.valid() { Handle::decode(cursor.value()).map(Some) } else { Ok(None) }
}
