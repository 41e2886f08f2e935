//! Tables of pairs.

use std::path::Path;

use siltstone_sstable::{TableOptions, TableSummary, TableWriter};
use siltstone_types::{InternalKey, Kind, Result, SequenceNumber};
use siltstone_vfs::Fs;

/// Writes pairs, which ascend, as puts into a new table.
///
/// # Errors
///
/// Those of the writer.
pub fn write_table<'a>(
    fs: &dyn Fs,
    path: &Path,
    options: TableOptions,
    pairs: impl Iterator<Item = (&'a [u8], &'a [u8])>,
) -> Result<TableSummary> {
    let mut writer = TableWriter::create(fs, path, options)?;
    for (key, value) in pairs {
        writer.add(InternalKey::new(key, SequenceNumber::ZERO, Kind::Put), value)?;
    }
    writer.finish()
}
