//! Writes a table, reads it, verifies it. The same as in the README.

use std::{path::Path, sync::Arc};

use siltstone_sstable::{
    CursorOptions, OpenOptions, QuickBlockCache, Table, TableOptions, TableWriter, VerifyOptions,
    bloom::Bloom,
    types::{Cursor, InternalKey, IoResultExt, KeyHash, Kind, Lookup, Result, SequenceNumber},
    verify,
    vfs::{Fs, MemFs},
};

fn main() -> Result<()> {
    let (fs, path) = (MemFs::new(), Path::new("/fruit.sst"));
    let at = |n| SequenceNumber::new(n).unwrap_or_default();

    // Entries come in order: by user key, newer versions first.
    let options = TableOptions {
        unique_id: *b"best sixteen rnd", // binds the blocks to this table
        filter: Some(Arc::new(Bloom::bits_per_key(10.0))),
        ..TableOptions::default()
    };
    let mut writer = TableWriter::create(&fs, path, options)?;
    writer.add(InternalKey::new(b"apple", at(7), Kind::Put), b"green")?;
    writer.add(InternalKey::new(b"apple", at(3), Kind::Put), b"red")?;
    writer.add(InternalKey::new(b"pear", at(5), Kind::Delete), b"")?;
    let summary = writer.finish()?; // syncs the file
    fs.sync_dir(Path::new("/")).on("sync directory", path)?; // and this its name
    assert_eq!((summary.properties.entries, summary.properties.tombstones), (3, 1));

    // Lookups see the newest version at or below a sequence number.
    let cache = Some(Arc::new(QuickBlockCache::new(64 << 20, 4096)) as Arc<_>);
    let table = Table::open(&fs, path, OpenOptions { cache, ..OpenOptions::default() })?;
    let get = |key: &[u8], n| table.get(key, KeyHash::of(key), at(n));
    assert_eq!(get(b"apple", 9)?, Some(Lookup::Value("green".into())));
    assert_eq!(get(b"apple", 6)?, Some(Lookup::Value("red".into())));
    assert_eq!(get(b"apple", 2)?, None);
    assert_eq!(get(b"pear", 9)?, Some(Lookup::Tombstone));

    // A cursor sees all versions, in both directions.
    let mut cursor = table.cursor(CursorOptions::default());
    cursor.seek(InternalKey::after(b"apple"))?;
    assert_eq!(cursor.key(), InternalKey::new(b"pear", at(5), Kind::Delete));
    cursor.prev()?;
    assert_eq!(cursor.value(), b"red");

    // Every rule of the format, every key in the filter, and the crc of the file.
    verify(&fs, path, &VerifyOptions { file_crc: Some(summary.file_crc), ..VerifyOptions::default() })?;
    Ok(())
}
