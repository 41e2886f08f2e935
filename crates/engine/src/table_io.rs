//! Starts, describes and opens the tables of a database.

use siltstone_bloom::FilterContext;
use siltstone_sstable::{TableOptions, TableSummary, TableWriter};

use crate::{
    Compression, Error, Result,
    components::Profile,
    db::Shared,
    keyspace::KeyspaceId,
    manifest::format::TableRecord,
    memory::Grant,
    obsolete::TableFile,
    sync::{Arc, unique_in_process},
    tree::OpenTable,
};

/// The place of a new table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    pub(crate) keyspace: KeyspaceId,
    pub(crate) number: u64,
    pub(crate) level: u32,
    pub(crate) epoch: u64,
    pub(crate) unique_id: [u8; 16],
}

/// What is known about the content of a table before it is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// It will not hold more entries.
    pub(crate) entries_max: u64,
    /// No tombstone in it will be older, in Unix milliseconds.
    pub(crate) oldest_tombstone_unix_ms: u64,
}

impl Shared {
    pub(crate) fn start_table(
        &self,
        profile: &Profile,
        grant: &Grant,
        output: &Output,
        bounds: Bounds,
    ) -> Result<TableWriter> {
        let compression = match profile.settings.compression_at(output.level) {
            Compression::None => siltstone_sstable::Compression::None,
            Compression::Lz4 => siltstone_sstable::Compression::Lz4,
            Compression::Zstd { level } => siltstone_sstable::Compression::Zstd { level },
        };
        let block_bytes = usize::try_from(profile.settings.block_bytes)
            .map_err(|_| Error::invalid_argument("settings: block-bytes exceeds the address space"))?;
        let options = TableOptions {
            unique_id: output.unique_id,
            block_bytes,
            compression,
            write_buffer_bytes: usize::try_from(grant.write_buffer_bytes).unwrap_or(usize::MAX),
            filter: profile.filter.clone(),
            filter_context: FilterContext {
                level: output.level,
                level_count: 1,
                key_count_max: bounds.entries_max,
            },
            created_unix_ms: self.clock.now_unix_ms(),
            oldest_tombstone_unix_ms: bounds.oldest_tombstone_unix_ms,
            keyspace: output.keyspace.0,
            level: output.level,
            database: self.identity,
            ..TableOptions::default()
        };
        Ok(TableWriter::create(&*self.fs, &self.layout.table(output.number), options)?)
    }

    /// A table that the manifest names, or will name.
    pub(crate) fn table(&self, keyspace: KeyspaceId, record: TableRecord) -> Arc<OpenTable> {
        let on_disk = TableFile::new(record.number, &self.obsolete_files);
        OpenTable::new(keyspace, record, unique_in_process(), &self.tables, on_disk)
    }
}

/// What the manifest will say about a finished table.
pub(crate) fn table_record(output: &Output, summary: &TableSummary) -> TableRecord {
    let properties = &summary.properties;
    TableRecord {
        level: output.level,
        epoch: output.epoch,
        number: output.number,
        unique_id: summary.unique_id,
        file_bytes: summary.file_bytes,
        file_crc: summary.file_crc,
        raw_bytes: properties.raw_key_bytes + properties.raw_value_bytes,
        entries: properties.entries,
        tombstones: properties.tombstones,
        smallest: properties.smallest.clone(),
        largest: properties.largest.clone(),
        first_sequence: properties.first_sequence.get(),
        last_sequence: properties.last_sequence.get(),
        created_unix_ms: properties.created_unix_ms,
        oldest_tombstone_unix_ms: properties.oldest_tombstone_unix_ms,
    }
}
