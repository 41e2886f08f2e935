//! Tables to test with.

use std::{path::Path, sync::Arc};

use siltstone_bloom::Bloom;
use siltstone_sstable::{
    Compression, CursorOptions, OpenOptions, Table, TableOptions, TableSummary, TableWriter, VerifyOptions,
    VerifyReport, verify,
};
use siltstone_testkit::entries::{self, Owned};
use siltstone_types::{Cursor, Expiring, Kind, Lookup, Result, SequenceNumber, Slice};
use siltstone_vfs::{Fs, MemFs};

pub(crate) const ID: [u8; 16] = *b"0123456789abcdef";
pub(crate) const PATH: &str = "/table.sst";

pub(crate) fn path() -> &'static Path {
    Path::new(PATH)
}

pub(crate) fn sequence(raw: u64) -> SequenceNumber {
    SequenceNumber::new(raw).unwrap()
}

/// The compressions of this build.
pub(crate) fn compressions() -> Vec<Compression> {
    let all = [
        Compression::None,
        Compression::Lz4,
        Compression::Zstd { level: 1 },
        Compression::Zstd { level: -3 },
    ];
    all.into_iter().filter(|compression| compression.compressor().is_ok()).collect()
}

/// The strongest compression of this build.
pub(crate) fn some_compression() -> Compression {
    *compressions().get(1).unwrap_or(&Compression::None)
}

pub(crate) fn options() -> TableOptions {
    TableOptions { unique_id: ID, ..TableOptions::default() }
}

pub(crate) fn with_filter(options: TableOptions) -> TableOptions {
    TableOptions { filter: Some(Arc::new(Bloom::bits_per_key(10.0))), ..options }
}

pub(crate) fn write(fs: &dyn Fs, options: TableOptions, entries: &[Owned]) -> Result<TableSummary> {
    let mut writer = TableWriter::create(fs, path(), options)?;
    for entry in entries {
        writer.add(entries::key_of(entry), &entry.2)?;
    }
    writer.finish()
}

/// The bytes of a table.
pub(crate) fn bytes(options: TableOptions, entries: &[Owned]) -> Vec<u8> {
    let fs = MemFs::new();
    let summary = write(&fs, options, entries).unwrap();
    let mut bytes = vec![0; usize::try_from(summary.file_bytes).unwrap()];
    fs.open(path()).unwrap().read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

/// A file system with a file of these bytes.
pub(crate) fn fs_with(bytes: &[u8]) -> MemFs {
    let fs = MemFs::new();
    fs.create(path()).unwrap().write_at(&[std::io::IoSlice::new(bytes)], 0).unwrap();
    fs
}

pub(crate) fn open(bytes: &[u8]) -> Result<Arc<Table>> {
    Table::open(&fs_with(bytes), path(), OpenOptions::default())
}

pub(crate) fn verified(bytes: &[u8]) -> Result<VerifyReport> {
    verify(&fs_with(bytes), path(), &VerifyOptions::default())
}

/// What a read at `at` must find.
pub(crate) fn expected(entries: &[Owned], user_key: &[u8], at: SequenceNumber) -> Option<Lookup> {
    let (_, tag, value) = entries.iter().find(|(key, tag, _)| key == user_key && tag.sequence() <= at)?;
    Some(match tag.kind() {
        Some(Kind::Put) => Lookup::Value(Slice::from(value.as_slice())),
        Some(Kind::ExpiringPut) => {
            let Expiring { expires_at_unix_ms, value } = Expiring::decode(value).unwrap();
            Lookup::Expiring { expires_at_unix_ms, value: Slice::from(value) }
        }
        _ => Lookup::Tombstone,
    })
}

/// All entries, from first to last, as far as they can be read.
pub(crate) fn scan(table: &Arc<Table>, options: CursorOptions) -> (Vec<Owned>, Result<()>) {
    let mut cursor = table.cursor(options);
    let mut entries = Vec::new();
    let mut moved = cursor.first();
    while moved.is_ok() && cursor.valid() {
        let key = cursor.key();
        entries.push((key.user_key.to_vec(), key.tag, cursor.value().to_vec()));
        moved = cursor.next();
    }
    if let Err(error) = &moved {
        // Rule 3 of Cursor: an error is not taken for the end of the data by trying again.
        assert!(!cursor.valid());
        assert_eq!(cursor.next().unwrap_err().to_string(), error.to_string());
        assert_eq!(cursor.prev().unwrap_err().to_string(), error.to_string());
    }
    (entries, moved)
}
