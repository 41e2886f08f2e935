//! The first block of a table of pairs, and its keys: what is decoded, walked over and sought in.

use std::path::Path;

use siltstone_sstable::{Block, BlockCursor, Broken, EntryKind, OpenOptions, Table, TableOptions};
use siltstone_types::{Error, Result};
use siltstone_vfs::MemFs;

use crate::{Pairs, write_table};

/// Raw bytes of a block; the last entry goes beyond.
pub const BLOCK_BYTES: usize = 4096;

const PATH: &str = "/000001.sst";

/// Tables with such blocks, which are not compressed.
pub fn options() -> TableOptions {
    TableOptions { block_bytes: BLOCK_BYTES, ..TableOptions::default() }
}

/// Writes pairs, which ascend, into a table in memory.
///
/// # Errors
///
/// Those of the writer.
pub fn build<'a>(pairs: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Result<MemFs> {
    let fs = MemFs::new();
    write_table(&fs, Path::new(PATH), options(), pairs)?;
    Ok(fs)
}

/// The first block of a table of these pairs.
///
/// # Errors
///
/// Those of the table.
pub fn first(pairs: &Pairs) -> Result<Block> {
    let table = Table::open(&build(pairs.iter())?, Path::new(PATH), OpenOptions::default())?;
    table.read_block(table.index_entries()?[0].handle)
}

/// What is wrong with a block, as an error. It is the first one of its file.
pub fn error(broken: Broken) -> Error {
    broken.at(Path::new(PATH), 0)
}

/// Checks the restarts of a block's bytes, and walks over its entries. Returns how many bytes of keys and values it saw.
///
/// # Errors
///
/// When the block is damaged.
pub fn walk(block: &Block) -> Result<usize> {
    let block = Block::parse(block.raw().clone()).map_err(error)?;
    let mut bytes = 0;
    each(block, |key, value| bytes += key.len() + value.len())?;
    Ok(bytes)
}

/// The keys of a block, in order.
///
/// # Errors
///
/// When the block is damaged.
pub fn keys(block: &Block) -> Result<Vec<Vec<u8>>> {
    let mut keys = Vec::new();
    each(block.clone(), |key, _| keys.push(key.to_vec()))?;
    Ok(keys)
}

fn each(block: Block, mut see: impl FnMut(&[u8], &[u8])) -> Result<()> {
    let mut cursor = BlockCursor::new(block, EntryKind::Data);
    cursor.first().map_err(error)?;
    while cursor.valid() {
        see(cursor.key().user_key, cursor.value());
        cursor.next().map_err(error)?;
    }
    Ok(())
}
