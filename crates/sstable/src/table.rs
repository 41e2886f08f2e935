//! An open table: finds keys, hands out cursors.
#![deny(clippy::indexing_slicing)]

use std::{fmt, path::Path, sync::Arc};

use siltstone_bloom::Filter;
use siltstone_types::{
    Error, Expiring, InternalKey, IoResultExt, KeyHash, Kind, Lookup, Result, SequenceNumber, Slice,
};
use siltstone_vfs::Fs;

use crate::{
    Block, BlockCache, BlockKey, BlockSource, Broken, Codecs, CursorOptions, EntryKind, FilterAnswer,
    FilterPolicies, Handle, IndexEntry, Properties, ReadTrace, TableCursor, UniqueId,
    blocks::BlockFile,
    filter::{self, OpenFilter},
    format::{FOOTER_BYTES, Footer, Place, Role, Trailer},
    index,
};

/// How a table is opened.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// What the caller knows about the file (rule 6).
    pub expect: Option<Expected>,
    /// Keeps data blocks; `None` reads them anew each time.
    pub cache: Option<Arc<dyn BlockCache>>,
    /// Names the table in the cache: never to be used for another table of the same cache.
    pub cache_number: u64,
    /// Which filters are understood.
    pub policies: FilterPolicies,
    /// Which compressed blocks are understood.
    pub codecs: Codecs,
}

/// Which table a file must be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Expected {
    /// Chosen by its writer.
    pub unique_id: UniqueId,
    /// Length of the file.
    pub file_bytes: u64,
}

/// An open table. Index and filter stay in memory with it.
pub struct Table {
    blocks: BlockFile,
    footer: Footer,
    index: Block,
    filter: Option<OpenFilter>,
    properties: Properties,
    cache: Option<Arc<dyn BlockCache>>,
    cache_number: u64,
}

impl Table {
    /// Opens a file; reads and checks footer, filter, index and properties (rules 1 to 20 and 22 where they
    /// concern these).
    ///
    /// # Errors
    ///
    /// [`Error::Corruption`] with the offset of the part and the rule that is broken,
    /// [`Error::FormatTooNew`], [`Error::Io`].
    pub fn open(fs: &dyn Fs, path: &Path, options: OpenOptions) -> Result<Arc<Table>> {
        let file = fs.open(path).on("open table", path)?;
        let file_bytes = file.len().on("open table", path)?;
        let footer_at = file_bytes
            .checked_sub(FOOTER_BYTES as u64)
            .ok_or_else(|| Error::corruption(path, 0, "table rule 1: the file is shorter than a footer"))?;
        let mut bytes = [0; FOOTER_BYTES];
        file.read_exact_at(&mut bytes, footer_at).on("read table", path)?;
        let footer = Footer::decode(&bytes, file_bytes).map_err(|broken| broken.at(path, footer_at))?;
        if let Some(expected) = options.expect {
            check_expected(expected, &footer).map_err(|what| Error::corruption(path, footer_at, what))?;
        }
        let blocks = BlockFile {
            file,
            path: path.to_owned(),
            file_bytes,
            id_crc: Place::id_crc(&footer.unique_id),
            codecs: options.codecs,
        };
        let filter = match footer.filter {
            None => None,
            Some(handle) => Some(
                filter::open(&blocks.read(handle, Role::Filter)?, &options.policies)
                    .map_err(|broken| broken.at(path, handle.offset))?,
            ),
        };
        let raw_index = blocks.read(footer.index, Role::Index)?;
        let index = index::open(raw_index, footer.data_end())
            .map_err(|broken| broken.at(path, footer.index.offset))?;
        let properties = Properties::decode(&blocks.read(footer.properties, Role::Properties)?)
            .map_err(|broken| broken.at(path, footer.properties.offset))?;
        let (cache, cache_number) = (options.cache, options.cache_number);
        Ok(Arc::new(Table { blocks, footer, index, filter, properties, cache, cache_number }))
    }

    /// The newest version of `user_key` at or below `at`. `hash` is the key's.
    ///
    /// A value shares the memory of the block that it was found in; [`Slice::detach`] copies it out.
    ///
    /// # Errors
    ///
    /// [`Error::Corruption`] when the block that has to be read is damaged, [`Error::Io`] when it cannot be
    /// read.
    pub fn get(&self, user_key: &[u8], hash: KeyHash, at: SequenceNumber) -> Result<Option<Lookup>> {
        self.get_traced(user_key, hash, at, &mut ())
    }

    /// [`Table::get`], telling what it does.
    ///
    /// # Errors
    ///
    /// As [`Table::get`].
    pub fn get_traced<T: ReadTrace + ?Sized>(
        &self,
        user_key: &[u8],
        hash: KeyHash,
        at: SequenceNumber,
        trace: &mut T,
    ) -> Result<Option<Lookup>> {
        let answer = self.filter_answer(hash);
        trace.filter(answer);
        if answer == FilterAnswer::No {
            return Ok(None);
        }
        let target = InternalKey::lookup(user_key, at);
        // The first separator at or after the target is that of the only block that can hold the version.
        // What lies behind that block is behind the separator: another user key, or an older version than the
        // one sought.
        let Some(handle) = index::find(&self.index, target).map_err(|broken| self.index_error(broken))?
        else {
            return Ok(None);
        };
        let (block, source) = self.data_block(handle, FillCache::Yes)?;
        trace.block(source, block.raw().len());
        let found =
            block.find(target, EntryKind::Data).map_err(|broken| broken.at(self.path(), handle.offset))?;
        let Some(found) = found.filter(|found| found.same_user_key) else { return Ok(None) };
        let value = block.raw().slice(found.value);
        Ok(Some(match found.tag.kind() {
            Some(Kind::Put) => Lookup::Value(value),
            Some(Kind::ExpiringPut) => {
                // Rule 18 was checked on the way here.
                let broken = Broken::Rule(18, "an expiring put does not begin with its time");
                let expiring = Expiring::decode(&value).map_err(|_| broken.at(self.path(), handle.offset))?;
                Lookup::Expiring {
                    expires_at_unix_ms: expiring.expires_at_unix_ms,
                    value: value.slice(expiring.time_bytes()..),
                }
            }
            _ => Lookup::Tombstone,
        }))
    }

    /// A cursor over all entries.
    pub fn cursor(self: &Arc<Self>, options: CursorOptions) -> TableCursor {
        TableCursor::new(Arc::clone(self), options)
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        self.blocks.path()
    }

    /// Chosen by the writer.
    pub fn unique_id(&self) -> &UniqueId {
        &self.footer.unique_id
    }

    /// Length of the file.
    pub fn file_bytes(&self) -> u64 {
        self.footer.file_bytes
    }

    /// Where the parts are.
    pub fn footer(&self) -> &Footer {
        &self.footer
    }

    /// What the table says about itself.
    pub fn properties(&self) -> &Properties {
        &self.properties
    }

    /// Bytes that the open table holds: index and filter. Blocks in a cache are counted there.
    pub fn memory_bytes(&self) -> usize {
        let filter_bytes = self.opened_filter().map_or(0, Filter::bytes);
        size_of::<Table>() + self.index.raw().len() + filter_bytes
    }

    /// What the filter says about a key.
    pub fn filter_answer(&self, hash: KeyHash) -> FilterAnswer {
        match self.opened_filter() {
            None => FilterAnswer::Absent,
            Some(filter) if filter.may_contain(hash.get()) => FilterAnswer::Maybe,
            Some(_) => FilterAnswer::No,
        }
    }

    /// The filter policy's name, whether it is understood or not; `None` without a filter.
    pub fn filter_name(&self) -> Option<&str> {
        self.filter.as_ref().map(|filter| &*filter.name)
    }

    /// The separators and places of all data blocks, in order.
    ///
    /// # Errors
    ///
    /// None in practice: the index was checked when the table was opened.
    pub fn index_entries(&self) -> Result<Vec<IndexEntry>> {
        index::entries(&self.index).map_err(|broken| self.index_error(broken))
    }

    /// Reads the trailer of a block, and checks its crc, without decompressing it.
    ///
    /// # Errors
    ///
    /// As [`Table::get`].
    pub fn trailer(&self, handle: Handle, role: Role) -> Result<Trailer> {
        self.blocks.trailer(handle, role)
    }

    /// Reads a data block from the file, or takes it from the cache.
    ///
    /// # Errors
    ///
    /// As [`Table::get`].
    pub fn read_block(&self, handle: Handle) -> Result<Block> {
        self.data_block(handle, FillCache::No).map(|(block, _)| block)
    }

    fn opened_filter(&self) -> Option<&dyn Filter> {
        self.filter.as_ref()?.filter.as_deref()
    }

    pub(crate) fn blocks(&self) -> &BlockFile {
        &self.blocks
    }

    pub(crate) fn index(&self) -> &Block {
        &self.index
    }

    pub(crate) fn index_error(&self, broken: Broken) -> Error {
        broken.at(self.blocks.path(), self.footer.index.offset)
    }

    /// A data block from the cache, or from the file.
    pub(crate) fn data_block(&self, handle: Handle, fill_cache: FillCache) -> Result<(Block, BlockSource)> {
        if let Some(block) = self.cached_block(handle) {
            return Ok((block, BlockSource::Cache));
        }
        let raw = self.blocks.read(handle, Role::Data)?;
        Ok((self.parsed_block(raw, handle, fill_cache)?, BlockSource::File))
    }

    pub(crate) fn cached_block(&self, handle: Handle) -> Option<Block> {
        self.cache.as_ref()?.get(self.cache_key(handle))
    }

    /// Only a block that passed every check gets into the cache.
    pub(crate) fn parsed_block(&self, raw: Slice, handle: Handle, fill_cache: FillCache) -> Result<Block> {
        let block = Block::parse(raw).map_err(|broken| broken.at(self.blocks.path(), handle.offset))?;
        if let (Some(cache), FillCache::Yes) = (&self.cache, fill_cache) {
            cache.insert(self.cache_key(handle), block.clone());
        }
        Ok(block)
    }

    fn cache_key(&self, handle: Handle) -> BlockKey {
        BlockKey { table: self.cache_number, offset: handle.offset }
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("path", &self.blocks.path())
            .field("footer", &self.footer)
            .field("properties", &self.properties)
            .finish_non_exhaustive()
    }
}

/// Whether blocks that are read from the file are offered to the cache.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FillCache {
    /// Offer them.
    Yes,
    /// Leave the cache to others: for long scans and compactions.
    No,
}

/// Rule 6.
fn check_expected(expected: Expected, footer: &Footer) -> std::result::Result<(), &'static str> {
    if expected.file_bytes != footer.file_bytes {
        return Err("table rule 6: the file does not have the expected length");
    }
    if expected.unique_id != footer.unique_id {
        return Err("table rule 6: the file is another table than expected");
    }
    Ok(())
}
