//! The index of a table: one entry for each data block.
#![deny(clippy::indexing_slicing)]

use siltstone_types::{InternalKey, Slice, Tag};

use crate::{Block, BlockCursor, Broken, EntryKind, Handle};

/// An entry of the index.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IndexEntry {
    /// With `tag`: at or above every key of the block, and below every key of the next.
    pub user_key: Slice,
    /// See `user_key`.
    pub tag: Tag,
    /// Where the block is.
    pub handle: Handle,
}

impl IndexEntry {
    /// User key and tag.
    pub fn separator(&self) -> InternalKey<'_> {
        InternalKey { user_key: &self.user_key, tag: self.tag }
    }
}

/// All of an index.
pub(crate) fn entries(index: &Block) -> Result<Vec<IndexEntry>, Broken> {
    let mut entries = Vec::new();
    let mut cursor = BlockCursor::new(index.clone(), EntryKind::Index);
    cursor.first()?;
    while cursor.valid() {
        let InternalKey { user_key, tag } = cursor.key();
        entries.push(IndexEntry {
            user_key: Slice::from(user_key),
            tag,
            handle: Handle::decode(cursor.value())?,
        });
        cursor.next()?;
    }
    Ok(entries)
}

/// Checks all of an index, so that what is found in it later can be relied on. The data blocks must end at
/// `data_end`.
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
    match index.find(target, EntryKind::Index)? {
        Some(found) => Handle::decode(index.raw().get(found.value).unwrap_or_default()).map(Some),
        None => Ok(None),
    }
}
