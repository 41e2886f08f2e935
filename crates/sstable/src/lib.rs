#![doc = include_str!("../README.md")]

mod block;
mod blocks;
mod broken;
mod cache;
mod compress;
mod cursor;
mod filter;
mod format;
mod index;
mod properties;
mod readahead;
mod sink;
mod table;
mod trace;
mod verify;
mod writer;

pub use block::{Block, BlockCursor, EntryKind};
pub use broken::Broken;
pub use cache::{BlockCache, BlockKey, CacheStats, QuickBlockCache};
pub use compress::{Codecs, Compression, Compressor, Undecodable};
pub use cursor::{CursorOptions, TableCursor};
pub use filter::FilterPolicies;
pub use format::{
    BLOCK_BYTES_MAX, CodecId, FOOTER_BYTES, Footer, Handle, Role, TRAILER_BYTES, Trailer, UniqueId,
};
pub use index::IndexEntry;
pub use properties::Properties;
pub use table::{Expected, FillCache, OpenOptions, Table};
pub use trace::{BlockSource, FilterAnswer, ReadTrace};
pub use verify::{VerifyOptions, VerifyReport, verify};
pub use writer::{BLOCK_BYTES_TARGET_MAX, TableOptions, TableSummary, TableWriter};

// What the interface names, so that this crate is enough of a dependency.
pub use siltstone_bloom as bloom;
pub use siltstone_types as types;
pub use siltstone_vfs as vfs;
