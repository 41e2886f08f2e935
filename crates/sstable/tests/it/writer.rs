//! What the writer refuses, and what it says about what it wrote.

use siltstone_sstable::{OpenOptions, Table, TableOptions, TableWriter, VerifyOptions, verify};
use siltstone_testkit::entries;
use siltstone_types::{Error, InternalKey, Kind, SequenceNumber, Tag, limits};
use siltstone_vfs::{Fs, MemFs};

use crate::fixture::{ID, bytes, options, path, sequence, verified, with_filter, write};

fn put(user_key: &[u8], at: u64) -> InternalKey<'_> {
    InternalKey::new(user_key, sequence(at), Kind::Put)
}

#[test]
fn keys_that_do_not_ascend_are_refused_and_change_nothing() {
    let fs = MemFs::new();
    let mut writer = TableWriter::create(&fs, path(), options()).unwrap();
    writer.add(put(b"b", 5), b"1").unwrap();
    for key in [
        put(b"a", 9),
        put(b"b", 5),
        put(b"b", 6),
        put(b"", 1),
        InternalKey::new(b"b", sequence(5), Kind::Delete),
    ] {
        assert!(matches!(writer.add(key, b""), Err(Error::InvalidArgument { .. })), "{key:?}");
    }
    writer.add(put(b"b", 4), b"2").unwrap();
    writer.add(put(b"b\0", 9), b"3").unwrap();
    assert_eq!(writer.finish().unwrap().properties.entries, 3);
    Table::open(&fs, path(), OpenOptions::default()).unwrap();
}

#[test]
fn entries_that_no_table_holds_are_refused() {
    let fs = MemFs::new();
    let mut writer = TableWriter::create(&fs, path(), options()).unwrap();
    let long = vec![b'k'; limits::KEY_BYTES_MAX + 1];
    let refused = [
        (put(&long, 1), b"".as_slice()),
        (InternalKey::new(b"k", sequence(1), Kind::Delete), b"value"),
        (InternalKey::new(b"k", sequence(1), Kind::ExpiringPut), b""),
        (InternalKey::new(b"k", sequence(1), Kind::ExpiringPut), b"\xff\xff"),
        (InternalKey::lookup(b"k", SequenceNumber::MAX), b""),
        (InternalKey { user_key: b"k", tag: Tag::from_raw(3) }, b""),
        (InternalKey { user_key: b"k", tag: Tag::AFTER_ALL }, b""),
    ];
    for (key, value) in refused {
        assert!(matches!(writer.add(key, value), Err(Error::InvalidArgument { .. })), "{:?}", key.tag);
    }
    let Err(Error::InvalidArgument { what }) = writer.finish() else { panic!("a table without entries") };
    assert!(what.contains("at least one entry"), "{what}");
}

#[test]
fn options_out_of_range_are_refused_before_a_file_is_made() {
    let fs = MemFs::new();
    for options in [
        TableOptions { block_bytes: 0, ..options() },
        TableOptions { block_bytes: siltstone_sstable::BLOCK_BYTES_TARGET_MAX + 1, ..options() },
        TableOptions { restart_interval: 0, ..options() },
    ] {
        assert!(matches!(TableWriter::create(&fs, path(), options), Err(Error::InvalidArgument { .. })));
    }
    assert!(fs.metadata(path()).is_err());
}

#[test]
fn a_file_that_exists_is_not_overwritten() {
    let fs = MemFs::new();
    write(&fs, options(), &entries::random(1, 3)).unwrap();
    assert!(matches!(TableWriter::create(&fs, path(), options()), Err(Error::Io { .. })));
    Table::open(&fs, path(), OpenOptions::default()).unwrap();
}

#[test]
fn an_abandoned_table_is_gone() {
    let fs = MemFs::new();
    let mut writer = TableWriter::create(&fs, path(), options()).unwrap();
    writer.add(put(b"k", 1), b"v").unwrap();
    writer.abandon(&fs).unwrap();
    assert!(fs.metadata(path()).is_err());
}

#[test]
fn a_finished_table_survives_a_power_cut_once_its_directory_is_synced() {
    let fs = MemFs::new();
    write(&fs, with_filter(options()), &entries::random(1, 300)).unwrap();
    fs.sync_dir("/".as_ref()).unwrap();
    Table::open(&fs.power_cut_worst(), path(), OpenOptions::default()).unwrap();
}

#[test]
fn the_summary_is_that_of_the_file() {
    let entries = entries::random(2, 500);
    let fs = MemFs::new();
    let given = TableOptions {
        created_unix_ms: 1_700_000_000_000,
        oldest_tombstone_unix_ms: 1_600_000_000_000,
        keyspace: 3,
        level: 2,
        writer: "a test".to_owned(),
        database: [9; 16],
        ..with_filter(options())
    };
    let summary = write(&fs, given.clone(), &entries).unwrap();
    let bytes = bytes(given, &entries);
    assert_eq!(summary.file_bytes, bytes.len() as u64);
    assert_eq!(summary.file_crc, crc32c::crc32c(&bytes));
    assert_eq!(summary.unique_id, ID);
    let stated = &summary.properties;
    let sequences = entries.iter().map(|(_, tag, _)| tag.sequence());
    assert_eq!(stated.entries, 500);
    assert_eq!(
        stated.tombstones,
        entries.iter().filter(|entry| entry.1.kind() == Some(Kind::Delete)).count() as u64
    );
    assert_eq!(stated.raw_key_bytes, entries.iter().map(|entry| entry.0.len() as u64).sum::<u64>());
    assert_eq!(stated.raw_value_bytes, entries.iter().map(|entry| entry.2.len() as u64).sum::<u64>());
    assert_eq!(stated.smallest, *entries[0].0.as_slice());
    assert_eq!(stated.largest, *entries[499].0.as_slice());
    assert_eq!(Some(stated.first_sequence), sequences.clone().min());
    assert_eq!(Some(stated.last_sequence), sequences.max());
    assert_eq!(
        (stated.created_unix_ms, stated.oldest_tombstone_unix_ms),
        (1_700_000_000_000, 1_600_000_000_000)
    );
    assert_eq!((stated.keyspace, stated.level, stated.writer.as_str()), (3, 2, "a test"));
    assert_eq!(stated.database, [9; 16]);
    let table = Table::open(&fs, path(), OpenOptions::default()).unwrap();
    assert_eq!(table.properties(), stated);
    assert_eq!(stated.data_blocks, table.index_entries().unwrap().len() as u64);
    assert_eq!(verified(&bytes).unwrap().properties, *stated);
    assert!(table.memory_bytes() > 500);
}

#[test]
fn the_estimate_grows_to_the_length_of_the_file() {
    let fs = MemFs::new();
    let mut writer = TableWriter::create(&fs, path(), options()).unwrap();
    let mut last = writer.estimated_file_bytes();
    for entry in &entries::random(1, 2000) {
        writer.add(entries::key_of(entry), &entry.2).unwrap();
        let now = writer.estimated_file_bytes();
        assert!(now > last);
        last = now;
    }
    let file_bytes = writer.finish().unwrap().file_bytes;
    assert!(last <= file_bytes && file_bytes - last < 1000, "estimated {last}, written {file_bytes}");
}

#[test]
fn a_large_value_gets_a_block_of_its_own() {
    let fs = MemFs::new();
    let mut writer = TableWriter::create(&fs, path(), options()).unwrap();
    writer.add(put(b"a", 1), b"small").unwrap();
    writer.add(put(b"b", 1), &[0; 5000]).unwrap();
    writer.add(put(b"c", 1), b"small").unwrap();
    assert_eq!(writer.finish().unwrap().properties.data_blocks, 3);
}

#[test]
fn a_table_without_tombstones_has_no_oldest_one() {
    let mut entries = entries::random(2, 50);
    entries.retain(|entry| entry.1.kind() == Some(Kind::Put));
    let summary =
        write(&MemFs::new(), TableOptions { oldest_tombstone_unix_ms: 5, ..options() }, &entries).unwrap();
    assert_eq!((summary.properties.tombstones, summary.properties.oldest_tombstone_unix_ms), (0, 0));
}

#[test]
fn verify_compares_the_crc_of_the_file() {
    let fs = MemFs::new();
    let file_crc = write(&fs, options(), &entries::random(2, 50)).unwrap().file_crc;
    let verify_with = |file_crc| verify(&fs, path(), &VerifyOptions { file_crc, ..VerifyOptions::default() });
    verify_with(Some(file_crc)).unwrap();
    assert!(verify_with(Some(!file_crc)).unwrap_err().is_corruption());
}
