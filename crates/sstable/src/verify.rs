//! Reads a whole table, and checks everything that can be checked.
#![deny(clippy::indexing_slicing)]

use std::{path::Path, sync::Arc};

use siltstone_types::{Error, IoResultExt, KeyHash, Result, Slice};
use siltstone_vfs::Fs;

use crate::{
    BlockCursor, Broken, Codecs, EntryKind, Expected, FillCache, FilterAnswer, FilterPolicies, IndexEntry,
    OpenOptions, Properties, Table,
};

/// What a table is checked against.
#[derive(Clone, Debug, Default)]
pub struct VerifyOptions {
    /// What the caller knows about the file (rule 6).
    pub expect: Option<Expected>,
    /// crc32c of the whole file, if it is known: [`TableSummary::file_crc`](crate::TableSummary::file_crc).
    pub file_crc: Option<u32>,
    /// Which filters are understood. One that is not is not checked.
    pub policies: FilterPolicies,
    /// Which compressed blocks are understood.
    pub codecs: Codecs,
}

/// A table that passed every check.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifyReport {
    /// Length of the file.
    pub file_bytes: u64,
    /// Figures counted from the data; they are those that the table states.
    pub properties: Properties,
    /// Bytes of all data blocks after decompression.
    pub raw_bytes: u64,
    /// Whether every key was looked up in the filter. False when there is none, or none that is understood.
    pub filter_checked: bool,
}

/// Checks every rule of the format, that the filter holds every key, and the crc of the whole file if it is
/// known.
///
/// # Errors
///
/// The first fault that is met: [`Error::Corruption`] with the offset of the damaged part and the rule it
/// breaks, [`Error::FormatTooNew`], [`Error::Io`].
pub fn verify(fs: &dyn Fs, path: &Path, options: &VerifyOptions) -> Result<VerifyReport> {
    let table = Table::open(
        fs,
        path,
        OpenOptions {
            expect: options.expect,
            policies: options.policies.clone(),
            codecs: options.codecs.clone(),
            ..OpenOptions::default()
        },
    )?;
    let mut check =
        Check { table: &table, counted: Properties::uncounted(), raw_bytes: 0, last_user_key: Vec::new() };
    let mut below: Option<IndexEntry> = None;
    for entry in table.index_entries()? {
        check.data_block(below.as_ref(), &entry)?;
        below = Some(entry);
    }
    check.properties()?;
    if let Some(expected) = options.file_crc {
        file_crc(&table, expected)?;
    }
    Ok(VerifyReport {
        file_bytes: table.file_bytes(),
        properties: table.properties().clone(),
        raw_bytes: check.raw_bytes,
        filter_checked: table.filter_answer(KeyHash::of(&check.last_user_key)) != FilterAnswer::Absent,
    })
}

struct Check<'a> {
    table: &'a Arc<Table>,
    counted: Properties,
    raw_bytes: u64,
    last_user_key: Vec<u8>,
}

impl Check<'_> {
    /// Walks over a block (rules 8 to 19), which must lie between two separators (rule 21).
    fn data_block(&mut self, below: Option<&IndexEntry>, own: &IndexEntry) -> Result<()> {
        let broken_at = |broken: Broken| broken.at(self.table.path(), own.handle.offset);
        let (block, _) = self.table.data_block(own.handle, FillCache::No)?;
        self.raw_bytes += block.raw().len() as u64;
        self.counted.data_blocks += 1;
        let mut cursor = BlockCursor::new(block, EntryKind::Data);
        cursor.first().map_err(broken_at)?;
        while cursor.valid() {
            let key = cursor.key();
            if below.is_some_and(|below| key <= below.separator()) || key > own.separator() {
                return Err(broken_at(Broken::Rule(
                    21,
                    "an entry does not lie between the block's separators",
                )));
            }
            self.counted.count(key, cursor.value());
            if self.counted.entries == 1 || key.user_key != self.last_user_key {
                self.last_user_key.clear();
                self.last_user_key.extend_from_slice(key.user_key);
                if self.table.filter_answer(KeyHash::of(key.user_key)) == FilterAnswer::No {
                    let filter_at = self.table.footer().filter.map_or(0, |handle| handle.offset);
                    let broken = Broken::Rule(25, "the filter does not hold a key of the table");
                    return Err(broken.at(self.table.path(), filter_at));
                }
            }
            cursor.next().map_err(broken_at)?;
        }
        Ok(())
    }

    /// Rule 23.
    fn properties(&mut self) -> Result<()> {
        self.counted.largest = Slice::from(self.last_user_key.as_slice());
        let (stated, footer) = (self.table.properties(), self.table.footer());
        let broken = Broken::Rule(23, "the properties are not those of the data");
        if stated.of_data() != self.counted {
            return Err(broken.at(self.table.path(), footer.properties.offset));
        }
        if footer.entries != self.counted.entries {
            return Err(broken.at(self.table.path(), footer.file_bytes - crate::FOOTER_BYTES as u64));
        }
        Ok(())
    }
}

/// The whole file, in pieces.
fn file_crc(table: &Table, expected: u32) -> Result<()> {
    let (file, mut buffer) = (&table.blocks().file, vec![0; 256 << 10]);
    let (mut offset, mut crc) = (0, 0);
    while offset < table.file_bytes() {
        let left = usize::try_from(table.file_bytes() - offset).unwrap_or(usize::MAX).min(buffer.len());
        let piece = buffer.get_mut(..left).unwrap_or_default();
        file.read_exact_at(piece, offset).on("read table", table.path())?;
        crc = crc32c::crc32c_append(crc, piece);
        offset += left as u64;
    }
    if crc == expected {
        return Ok(());
    }
    Err(Error::corruption(table.path(), 0, "the crc of the whole file is not the expected one"))
}
