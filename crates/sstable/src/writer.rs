//! Writes a table, entry by entry.

use std::{path::Path, sync::Arc};

use siltstone_bloom::{FilterBuilder, FilterContext, FilterPolicy};
use siltstone_types::{Error, Expiring, InternalKey, KeyHash, Kind, Result, Slice, Tag, limits};
use siltstone_vfs::Fs;

use crate::{
    CodecId, Compression, Compressor, Handle, Properties, UniqueId,
    block::{self, BlockBuilder},
    filter,
    format::{Footer, Place, Role, Trailer},
    sink::Sink,
};

/// Largest target for a block, in bytes.
pub const BLOCK_BYTES_TARGET_MAX: usize = 64 << 20;

/// How a table is written.
#[derive(Clone, Debug)]
pub struct TableOptions {
    /// Tells the table from every other; best random. Blocks are bound to it.
    pub unique_id: UniqueId,
    /// Raw bytes at which a data block is closed, 1 to [`BLOCK_BYTES_TARGET_MAX`]. An entry that is larger
    /// gets a block of its own.
    pub block_bytes: usize,
    /// Every how many entries of a data block a key is stored in full, at least 1.
    pub restart_interval: usize,
    /// Bytes that are collected before they are written to the file with one call.
    pub write_buffer_bytes: usize,
    /// How data and index blocks are compressed.
    pub compression: Compression,
    /// Used instead of `compression` when it is there.
    pub compressor: Option<Arc<dyn Compressor>>,
    /// Builds the filter; `None` for no filter.
    pub filter: Option<Arc<dyn FilterPolicy>>,
    /// What the filter policy is told.
    pub filter_context: FilterContext,
    /// Property: now, in Unix milliseconds.
    pub created_unix_ms: u64,
    /// Property: when the oldest tombstone that will be added was written, in Unix milliseconds. Not stored
    /// without tombstones.
    pub oldest_tombstone_unix_ms: u64,
    /// Property: the keyspace the table is for.
    pub keyspace: u32,
    /// Property: the level the table is for.
    pub level: u32,
    /// Property: program and version.
    pub writer: String,
    /// Property: the identity of the database the table is for.
    pub database: [u8; 16],
}

impl Default for TableOptions {
    /// Blocks of 4 KiB, restarts every 16 entries, 256 KiB to a write, no compression, no filter, an identity of zeros.
    fn default() -> TableOptions {
        TableOptions {
            unique_id: [0; 16],
            block_bytes: 4096,
            restart_interval: 16,
            write_buffer_bytes: 256 << 10,
            compression: Compression::None,
            compressor: None,
            filter: None,
            filter_context: FilterContext { level: 0, level_count: 1, key_count_max: u64::MAX },
            created_unix_ms: 0,
            oldest_tombstone_unix_ms: 0,
            keyspace: 0,
            level: 0,
            writer: concat!("siltstone-sstable ", env!("CARGO_PKG_VERSION")).to_owned(),
            database: [0; 16],
        }
    }
}

/// A finished table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TableSummary {
    /// Whom its blocks are bound to.
    pub unique_id: UniqueId,
    /// Length of the file.
    pub file_bytes: u64,
    /// crc32c of the whole file.
    pub file_crc: u32,
    /// What the table says about itself.
    pub properties: Properties,
}

/// Writes entries, which must come in strictly ascending internal-key order, into a new file.
///
/// A writer that is dropped, abandoned, or that returned an I/O error leaves a file that is no table; the
/// caller removes it.
#[derive(Debug)]
pub struct TableWriter {
    sink: Sink,
    id_crc: u32,
    options: TableOptions,
    compressor: Option<Arc<dyn Compressor>>,
    filter: Option<Box<dyn FilterBuilder>>,
    data: BlockBuilder,
    index: BlockBuilder,
    // A block that is written, but whose separator waits for the key that follows.
    unindexed: Option<Handle>,
    last_user_key: Vec<u8>,
    last_tag: Tag,
    properties: Properties,
    // Reused from block to block.
    packed: Vec<u8>,
    separator: Vec<u8>,
}

impl TableWriter {
    /// Creates the file.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] for options out of range, [`Error::Io`] when the file cannot be created (it
    /// may exist).
    pub fn create(fs: &dyn Fs, path: &Path, options: TableOptions) -> Result<TableWriter> {
        if options.block_bytes == 0 || options.block_bytes > BLOCK_BYTES_TARGET_MAX {
            return Err(invalid(format!(
                "block_bytes is {}, must be 1 to {BLOCK_BYTES_TARGET_MAX}",
                options.block_bytes
            )));
        }
        if options.restart_interval == 0 {
            return Err(invalid("restart_interval is 0, must be at least 1"));
        }
        let compressor = match &options.compressor {
            Some(custom) if custom.codec().0 < CodecId::USER_MIN.0 => {
                return Err(invalid(format!(
                    "a compressor has the codec id {}, those below {} are reserved",
                    custom.codec().0,
                    CodecId::USER_MIN.0
                )));
            }
            Some(custom) => Some(Arc::clone(custom)),
            None => options.compression.compressor()?,
        };
        let filter = match &options.filter {
            Some(policy) if filter::encode(policy.name(), &[]).is_none() => {
                return Err(invalid(format!(
                    "the filter policy's name {:?} is not 1 to 255 ASCII bytes",
                    policy.name()
                )));
            }
            Some(policy) => policy.builder(options.filter_context),
            None => None,
        };
        Ok(TableWriter {
            sink: Sink::create(fs, path, options.write_buffer_bytes)?,
            id_crc: Place::id_crc(&options.unique_id),
            compressor,
            filter,
            data: BlockBuilder::new(options.restart_interval),
            index: BlockBuilder::new(1),
            unindexed: None,
            last_user_key: Vec::new(),
            last_tag: Tag::AFTER_ALL,
            properties: Properties {
                created_unix_ms: options.created_unix_ms,
                keyspace: options.keyspace,
                level: options.level,
                writer: options.writer.clone(),
                database: options.database,
                ..Properties::uncounted()
            },
            packed: Vec::new(),
            separator: Vec::new(),
            options,
        })
    }

    /// Adds an entry behind those that are there.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`], with nothing changed, when the key is not above the last one, when key or
    /// value are too long, or when the kind is unknown or has no value and there is one. After [`Error::Io`]
    /// or [`Error::NoSpace`] every call returns that error.
    pub fn add(&mut self, key: InternalKey<'_>, value: &[u8]) -> Result<()> {
        self.sink.check()?;
        self.check_entry(key, value)?;
        let new_user_key = self.properties.entries == 0 || self.last_user_key != key.user_key;

        // A large value stands alone, so that reading its neighbours does not read it.
        if !self.data.is_empty() && value.len() >= self.options.block_bytes {
            self.finish_data_block()?;
        }
        self.index_last_block(Some(key));
        self.data.add(key, value);
        if let (Some(filter), true) = (&mut self.filter, new_user_key) {
            filter.add(KeyHash::of(key.user_key).get());
        }

        self.properties.count(key, value);
        if new_user_key {
            self.last_user_key.clear();
            self.last_user_key.extend_from_slice(key.user_key);
        }
        self.last_tag = key.tag;
        if self.data.raw_bytes() >= self.options.block_bytes {
            self.finish_data_block()?;
        }
        Ok(())
    }

    /// Length the file would have if it were finished now, without the filter, and before the last blocks are
    /// compressed.
    pub fn estimated_file_bytes(&self) -> u64 {
        self.sink.position() + (self.data.raw_bytes() + self.index.raw_bytes()) as u64
    }

    /// What the writer holds in memory, in bytes: the blocks under way, what waits to be written, the filter's hashes. Not what the codec holds.
    pub fn memory_bytes(&self) -> usize {
        let blocks = self.data.raw_bytes() + self.index.raw_bytes() + self.packed.capacity();
        self.sink.buffer_bytes() + blocks + self.filter.as_ref().map_or(0, |filter| filter.bytes())
    }

    /// Entries added so far.
    pub fn entry_count(&self) -> u64 {
        self.properties.entries
    }

    /// Writes what follows the data blocks and syncs the file. The file's name survives a power cut only once
    /// the caller has synced the directory.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] for a table without entries, which the format does not have; otherwise as
    /// [`TableWriter::add`].
    pub fn finish(mut self) -> Result<TableSummary> {
        self.sink.check()?;
        if self.properties.entries == 0 {
            return Err(invalid("a table needs at least one entry"));
        }
        // 1. The last data block, and its separator.
        if !self.data.is_empty() {
            self.finish_data_block()?;
        }
        self.index_last_block(None);
        // 2. The filter.
        let filter = match (self.filter.take(), &self.options.filter) {
            (Some(builder), Some(policy)) => {
                let raw = filter::encode(policy.name(), &builder.finish());
                let raw = raw.ok_or_else(|| invalid("the filter policy changed its name"))?;
                Some(self.write_block(&raw, Role::Filter)?)
            }
            _ => None,
        };
        // 3. The index.
        let mut index = std::mem::replace(&mut self.index, BlockBuilder::new(1));
        let index = self.write_block(index.finish(), Role::Index)?;
        // 4. Properties.
        let mut properties = std::mem::take(&mut self.properties);
        properties.largest = Slice::from(self.last_user_key.as_slice());
        if properties.tombstones > 0 {
            properties.oldest_tombstone_unix_ms = self.options.oldest_tombstone_unix_ms;
        }
        let mut raw = Vec::new();
        properties.encode(&mut raw);
        let properties_at = self.write_block(&raw, Role::Properties)?;
        // 5. The footer.
        let footer = Footer {
            unique_id: self.options.unique_id,
            filter,
            index,
            properties: properties_at,
            file_bytes: self.sink.position() + crate::format::FOOTER_BYTES as u64,
            entries: properties.entries,
        };
        let mut bytes = Vec::new();
        footer.encode(&mut bytes);
        self.sink.append(&bytes)?;
        self.sink.finish()?;
        Ok(TableSummary {
            unique_id: footer.unique_id,
            file_bytes: footer.file_bytes,
            file_crc: self.sink.crc(),
            properties,
        })
    }

    /// Gives up, and removes the file.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the file cannot be removed.
    pub fn abandon(self, fs: &dyn Fs) -> Result<()> {
        fs.remove(self.sink.path()).map_err(|error| Error::io("remove table", self.sink.path(), error))
    }

    fn check_entry(&self, key: InternalKey<'_>, value: &[u8]) -> Result<()> {
        limits::check_key(key.user_key)?;
        limits::check_value_bytes(value.len())?;
        let kind = key.kind().ok_or_else(|| invalid("the entry has no kind"))?;
        if !kind.has_value() && !value.is_empty() {
            return Err(invalid(format!("an entry of kind {kind:?} has a value of {} bytes", value.len())));
        }
        if kind == Kind::ExpiringPut && Expiring::decode(value).is_err() {
            return Err(invalid("the value of an expiring put does not begin with its time"));
        }
        let last = InternalKey { user_key: &self.last_user_key, tag: self.last_tag };
        if self.properties.entries > 0 && key <= last {
            return Err(invalid(format!("keys must ascend: {key:?} was added after {last:?}")));
        }
        Ok(())
    }

    fn finish_data_block(&mut self) -> Result<()> {
        let mut data = std::mem::replace(&mut self.data, BlockBuilder::new(1));
        let written = self.write_block(data.finish(), Role::Data);
        data.clear();
        self.data = data;
        self.unindexed = Some(written?);
        self.properties.data_blocks += 1;
        Ok(())
    }

    /// Adds the index entry of the block before `next`, or of the last block.
    fn index_last_block(&mut self, next: Option<InternalKey<'_>>) {
        let Some(handle) = self.unindexed.take() else { return };
        let last = InternalKey { user_key: &self.last_user_key, tag: self.last_tag };
        let tag = if let Some(next) = next {
            block::between(last, next, &mut self.separator)
        } else {
            self.separator.clear();
            self.separator.extend_from_slice(last.user_key);
            Tag::AFTER_ALL
        };
        let mut value = Vec::with_capacity(15);
        handle.encode(&mut value);
        self.index.add(InternalKey { user_key: &self.separator, tag }, &value);
    }

    /// Appends a block with its trailer.
    fn write_block(&mut self, raw: &[u8], role: Role) -> Result<Handle> {
        let offset = self.sink.position();
        let length = |bytes: usize| {
            u32::try_from(bytes).ok().filter(|_| bytes <= crate::format::BLOCK_BYTES_MAX).ok_or_else(|| {
                invalid(format!("a {role:?} block of {bytes} bytes is above the limit; write smaller tables"))
            })
        };
        let raw_bytes = length(raw.len())?;
        let place = Place::new(self.id_crc, offset);
        let mut packed = std::mem::take(&mut self.packed);
        let (codec, stored) = match (&self.compressor, role) {
            (Some(compressor), Role::Data | Role::Index)
                if compressor.compress(raw, &mut packed) && packed.len() <= raw.len() - raw.len() / 8 =>
            {
                (compressor.codec(), packed.as_slice())
            }
            _ => (CodecId::NONE, raw),
        };
        let stored_bytes = length(stored.len())?;
        let trailer = Trailer { codec, raw_bytes }.encode(role, place, stored);
        self.sink.append(stored)?;
        self.sink.append(&trailer)?;
        // One huge value must not hold its memory until the table is finished.
        packed.shrink_to(BLOCK_BYTES_TARGET_MAX);
        self.packed = packed;
        Ok(Handle { offset, stored_bytes })
    }
}

fn invalid(what: impl Into<String>) -> Error {
    Error::InvalidArgument { what: what.into() }
}
