//! A file system that fails.

use std::{io::ErrorKind, sync::Arc};

use siltstone_sstable::{
    BlockCache, CursorOptions, OpenOptions, QuickBlockCache, Table, TableCursor, TableOptions, TableWriter,
    VerifyOptions, verify,
};
use siltstone_testkit::{entries, entries::Owned};
use siltstone_types::{Cursor, Error, InternalKey, KeyHash, Result, SequenceNumber};
use siltstone_vfs::{Fault, FaultFs, MemFs, OpKind};

use crate::fixture::{expected, options, path, scan, some_compression, with_filter, write};

fn small_blocks() -> TableOptions {
    with_filter(TableOptions { block_bytes: 200, compression: some_compression(), ..options() })
}

fn with_fault(fs: &MemFs, fault: Fault) -> (FaultFs, Arc<Fault>) {
    let fault = Arc::new(fault);
    (FaultFs::new(Arc::new(fs.clone()), fault.clone()), fault)
}

fn fixture() -> (MemFs, Vec<Owned>) {
    let (fs, entries) = (MemFs::new(), entries::random(5, 100));
    write(&fs, small_blocks(), &entries).unwrap();
    (fs, entries)
}

#[test]
fn each_failing_read_is_an_error_of_the_call_that_needs_it() {
    let (fs, entries) = fixture();
    let (_, counter) = {
        let (counting, counter) =
            with_fault(&fs, Fault::fail(ErrorKind::Other).on(&[OpKind::ReadAt]).from_nth(u64::MAX));
        verify(&counting, path(), &VerifyOptions::default()).unwrap();
        (counting, counter)
    };
    assert!(counter.matched() > 20, "{}", counter.matched());
    for nth in 0..counter.matched() {
        let fail_nth = || with_fault(&fs, Fault::fail(ErrorKind::Other).on(&[OpKind::ReadAt]).at_nth(nth)).0;
        let verified = verify(&fail_nth(), path(), &VerifyOptions::default());
        assert!(matches!(verified, Err(Error::Io { .. })), "{verified:?}");
        let Ok(table) = Table::open(&fail_nth(), path(), OpenOptions::default()) else { continue };
        let (read, outcome) = scan(&table, CursorOptions { readahead_bytes: 0, ..CursorOptions::default() });
        assert!(matches!(outcome, Err(Error::Io { .. })), "read {nth}: {outcome:?}");
        assert!(read.len() < entries.len() && entries.starts_with(&read), "read {nth}");
        // The fault hit once: starting afresh works.
        assert_eq!(scan(&table, CursorOptions::default()).0, entries);
    }
}

type Move = for<'a> fn(&mut TableCursor, InternalKey<'a>, InternalKey<'a>) -> Result<()>;

#[test]
fn a_cursor_recovers_by_positioning_it_anew() {
    let (fs, entries) = fixture();
    let (first, last) = (entries::key_of(&entries[0]), entries::key_of(&entries[99]));
    let moves: [Move; 4] = [
        |cursor, _, _| cursor.first(),
        |cursor, _, _| cursor.last(),
        |cursor, first, _| cursor.seek(first),
        |cursor, _, last| cursor.seek_for_prev(last),
    ];
    for (move_idx, reposition) in moves.into_iter().enumerate() {
        // Footer, filter, index and properties are read, then the blocks at the two ends.
        let failing = Fault::fail(ErrorKind::Other).on(&[OpKind::ReadAt]).from_nth(5);
        let (faulty, fault) = with_fault(&fs, failing);
        let table = Table::open(&faulty, path(), OpenOptions::default()).unwrap();
        let mut cursor = table.cursor(CursorOptions { readahead_bytes: 0, ..CursorOptions::default() });
        let expected = if move_idx % 2 == 0 { first } else { last };
        // It stands on an entry when a move into another block fails.
        if move_idx % 2 == 0 {
            cursor.last().unwrap();
        } else {
            cursor.first().unwrap();
        }
        assert!(cursor.valid());
        let failed = reposition(&mut cursor, first, last).unwrap_err();
        assert!(!cursor.valid(), "move {move_idx}");
        fault.lift();
        assert_eq!(cursor.next().unwrap_err().to_string(), failed.to_string(), "fused");
        assert_eq!(cursor.prev().unwrap_err().to_string(), failed.to_string(), "fused");
        reposition(&mut cursor, first, last).unwrap();
        assert_eq!(cursor.key(), expected, "move {move_idx}");
        if move_idx % 2 == 0 {
            cursor.next().unwrap();
        } else {
            cursor.prev().unwrap();
        }
        assert!(cursor.valid(), "move {move_idx}");
    }
}

#[test]
fn short_reads_change_nothing() {
    let (fs, entries) = fixture();
    for bytes in [1, 7, 100] {
        let (faulty, _) = with_fault(&fs, Fault::shorten(bytes));
        let table = Table::open(&faulty, path(), OpenOptions::default()).unwrap();
        assert_eq!(scan(&table, CursorOptions::default()).0, entries);
    }
}

#[test]
fn a_failed_read_puts_nothing_into_the_cache() {
    let (fs, entries) = fixture();
    let cache = Arc::new(QuickBlockCache::new(1 << 20, 200));
    let (faulty, fault) = with_fault(&fs, Fault::fail(ErrorKind::Other).on(&[OpKind::ReadAt]).from_nth(4));
    let options = OpenOptions { cache: Some(cache.clone()), ..OpenOptions::default() };
    let table = Table::open(&faulty, path(), options).unwrap();
    let user_key = &entries[50].0;
    let get = || table.get(user_key, KeyHash::of(user_key), SequenceNumber::MAX);
    assert!(matches!(get(), Err(Error::Io { .. })));
    assert_eq!(cache.stats().block_count, 0);
    fault.lift();
    assert_eq!(get().unwrap(), expected(&entries, user_key, SequenceNumber::MAX));
    assert_eq!(cache.stats().block_count, 1);
}

#[test]
fn a_write_that_failed_is_never_finished() {
    let entries = entries::random(5, 8000);
    let kinds = [OpKind::Create, OpKind::WriteAt, OpKind::SyncData];
    let (counting, counter) =
        with_fault(&MemFs::new(), Fault::fail(ErrorKind::Other).on(&kinds).from_nth(u64::MAX));
    write(&counting, options(), &entries).unwrap();
    assert!(counter.matched() >= 4, "create, some writes, and a sync: {}", counter.matched());
    for nth in 0..counter.matched() {
        for (kind, full) in [(ErrorKind::Other, false), (ErrorKind::StorageFull, true)] {
            // The fault is gone right after: the writer must remember.
            let (faulty, _) = with_fault(&MemFs::new(), Fault::fail(kind).on(&kinds).at_nth(nth));
            let Ok(mut writer) = TableWriter::create(&faulty, path(), options()) else {
                assert_eq!(nth, 0);
                continue;
            };
            let added: Vec<_> =
                entries.iter().map(|entry| writer.add(entries::key_of(entry), &entry.2)).collect();
            let first_error = added.iter().position(Result::is_err).unwrap_or(added.len());
            assert!(added[first_error..].iter().all(Result::is_err), "adding went on after an error");
            let finished = writer.finish().unwrap_err();
            assert_eq!(matches!(finished, Error::NoSpace { .. }), full, "{finished:?}");
        }
    }
}

#[test]
fn reading_ahead_spares_reads_of_a_walk_and_costs_a_seek_nothing() {
    let (fs, entries) = (MemFs::new(), entries::random(5, 2000));
    write(&fs, TableOptions { block_bytes: 1000, ..options() }, &entries).unwrap();
    let (counting, counter) =
        with_fault(&fs, Fault::fail(ErrorKind::Other).on(&[OpKind::ReadAt]).from_nth(u64::MAX));
    let table = Table::open(&counting, path(), OpenOptions::default()).unwrap();
    let reads = |work: &dyn Fn()| {
        let before = counter.matched();
        work();
        counter.matched() - before
    };
    let with = |readahead_bytes| CursorOptions { readahead_bytes, ..CursorOptions::default() };
    let blocks = table.properties().data_blocks;
    assert_eq!(reads(&|| scan(&table, with(0)).1.unwrap()), blocks);
    let ahead = reads(&|| scan(&table, with(100_000)).1.unwrap());
    assert!(ahead < blocks / 8, "{ahead} reads of {blocks} blocks");
    assert!(reads(&|| scan(&table, with(5_000)).1.unwrap()) < blocks / 2);
    let seek = || {
        let mut cursor = table.cursor(with(100_000));
        for entry in [&entries[1000], &entries[10], &entries[1900]] {
            cursor.seek(entries::key_of(entry)).unwrap();
        }
    };
    assert_eq!(reads(&seek), 3);
}
