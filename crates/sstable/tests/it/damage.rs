//! Every flipped bit, every cut, and blocks in the wrong place.

use std::{ops::Range, sync::Arc};

use siltstone_sstable::{
    CursorOptions, Expected, FOOTER_BYTES, Handle, OpenOptions, TRAILER_BYTES, Table, TableOptions,
};
use siltstone_testkit::{entries, entries::Owned};
use siltstone_types::{Cursor, Error, KeyHash, Kind, SequenceNumber, Tag};

use crate::fixture::{
    ID, bytes, expected, fs_with, open, options, path, scan, sequence, some_compression, verified,
    with_filter,
};

/// The bytes of a block, with its trailer.
fn extent(handle: Handle) -> Range<usize> {
    let start = usize::try_from(handle.offset).unwrap();
    start..start + handle.stored_bytes as usize + TRAILER_BYTES
}

/// The parts of a table file: data blocks, then the others.
fn parts(table: &Table) -> (Vec<Range<usize>>, Vec<Range<usize>>) {
    let data = table.index_entries().unwrap().iter().map(|entry| extent(entry.handle)).collect();
    let footer = table.footer();
    let file_bytes = usize::try_from(footer.file_bytes).unwrap();
    let mut others: Vec<_> = [footer.filter, Some(footer.index), Some(footer.properties)]
        .into_iter()
        .flatten()
        .map(extent)
        .collect();
    others.push(file_bytes - FOOTER_BYTES..file_bytes);
    (data, others)
}

#[track_caller]
fn assert_corrupt<T>(outcome: Result<T, Error>, part: &Range<usize>, what_was_done: &str) {
    match outcome {
        Err(Error::Corruption { offset, .. }) => {
            assert_eq!(
                offset, part.start as u64,
                "{what_was_done}: the offset reported is not the damaged part's"
            );
        }
        Err(other) => panic!("{what_was_done}: {other:?}"),
        Ok(_) => panic!("{what_was_done} was not noticed"),
    }
}

/// Reads a table of which one data block is damaged: every read of that block fails, and all others answer as
/// before.
fn check_damaged_block(
    bytes: &[u8],
    entries: &[Owned],
    block: &Range<usize>,
    own: &[Owned],
    what_was_done: &str,
) {
    let table = open(bytes).unwrap_or_else(|error| panic!("{what_was_done}: {error}"));
    for (user_key, tag, _) in entries {
        let found = table.get(user_key, KeyHash::of(user_key), tag.sequence());
        if own.iter().any(|other| (&other.0, other.1) == (user_key, *tag)) {
            assert_corrupt(found, block, what_was_done);
        } else {
            assert_eq!(found.unwrap(), expected(entries, user_key, tag.sequence()), "{what_was_done}");
        }
    }
    let before = entries.iter().position(|entry| entry.1 == own[0].1).unwrap();
    for readahead_bytes in [0, 1000] {
        let (read, outcome) = scan(&table, CursorOptions { readahead_bytes, ..CursorOptions::default() });
        assert_corrupt(outcome, block, what_was_done);
        assert_eq!(read, entries[..before], "{what_was_done}");
    }
    let mut cursor = table.cursor(CursorOptions::default());
    let mut moved = cursor.last();
    for entry in entries[before + own.len()..].iter().rev() {
        moved.unwrap();
        assert_eq!(cursor.key(), entries::key_of(entry), "{what_was_done}");
        moved = cursor.prev();
    }
    assert_corrupt(moved, block, what_was_done);
    assert_corrupt(verified(bytes), block, what_was_done);
}

/// A small table of several blocks, and which entries each block holds. Sequence numbers are unique in it.
fn fixture(options: TableOptions) -> (Vec<u8>, Vec<Owned>, Vec<Vec<Owned>>) {
    let entries: Vec<Owned> = (0..24_u64)
        .map(|n| {
            let kind = if n % 5 == 0 { Kind::Delete } else { Kind::Put };
            let value = if kind == Kind::Put { vec![b'v'; 20] } else { Vec::new() };
            (format!("key{:02}", n / 2).into_bytes(), Tag::new(sequence(100 - n), kind), value)
        })
        .collect();
    let bytes = bytes(options, &entries);
    let table = open(&bytes).unwrap();
    let mut rest = entries.as_slice();
    let blocks: Vec<Vec<Owned>> = table
        .index_entries()
        .unwrap()
        .iter()
        .map(|entry| {
            let (own, others) =
                rest.split_at(rest.partition_point(|other| entries::key_of(other) <= entry.separator()));
            rest = others;
            own.to_vec()
        })
        .collect();
    (bytes, entries, blocks)
}

#[test]
fn every_flipped_bit_is_noticed_where_it_is() {
    for options in [
        with_filter(TableOptions { block_bytes: 200, compression: some_compression(), ..options() }),
        TableOptions { block_bytes: 200, ..options() },
    ] {
        let (bytes, entries, blocks) = fixture(options);
        let (data, others) = parts(&open(&bytes).unwrap());
        assert!(data.len() >= 3 && data.len() == blocks.len());
        let mut flipped = bytes.clone();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                flipped[at] ^= 1 << bit;
                let what_was_done = format!("bit {bit} of byte {at} flipped");
                if let Some(part) = others.iter().find(|part| part.contains(&at)) {
                    assert_corrupt(open(&flipped), part, &what_was_done);
                } else {
                    let block_idx = data.iter().position(|block| block.contains(&at)).unwrap();
                    check_damaged_block(
                        &flipped,
                        &entries,
                        &data[block_idx],
                        &blocks[block_idx],
                        &what_was_done,
                    );
                }
                flipped[at] ^= 1 << bit;
            }
        }
    }
}

#[test]
fn every_cut_and_every_addition_is_noticed_at_open() {
    let (bytes, ..) = fixture(with_filter(TableOptions { block_bytes: 200, ..options() }));
    for len in 0..bytes.len() {
        assert!(open(&bytes[..len]).unwrap_err().is_corruption(), "cut to {len}");
    }
    for more in [&[0; 1][..], &[0; 200], &bytes] {
        let longer = [bytes.as_slice(), more].concat();
        let error = open(&longer).unwrap_err();
        assert!(error.is_corruption(), "{error}");
    }
    // Bytes inserted in front leave a footer that is whole, and a file of another length.
    let shifted = [b"x".as_slice(), &bytes].concat();
    let error = open(&shifted).unwrap_err();
    assert!(error.to_string().contains("table rule 4"), "{error}");
}

/// Blocks of the same stored length, each whole in itself.
fn blocks_alike(unique_id: [u8; 16], letter: u8) -> Vec<u8> {
    let entry =
        |n: u64| (format!("key{n:02}").into_bytes(), Tag::new(sequence(n + 1), Kind::Put), vec![letter; 100]);
    bytes(TableOptions { unique_id, block_bytes: 1, ..options() }, &(0..10).map(entry).collect::<Vec<_>>())
}

#[test]
fn a_block_in_another_place_of_its_table_is_noticed() {
    let bytes = blocks_alike(ID, b'a');
    let (data, _) = parts(&open(&bytes).unwrap());
    for from in &data {
        for to in &data {
            assert_eq!(from.len(), to.len());
            if from == to {
                continue;
            }
            let mut swapped = bytes.clone();
            swapped.copy_within(from.clone(), to.start);
            assert_corrupt(verified(&swapped), to, "a block copied over another");
            let (read, outcome) = scan(&open(&swapped).unwrap(), CursorOptions::default());
            assert_corrupt(outcome, to, "a block copied over another");
            assert_eq!(read.len(), to.start / to.len());
        }
    }
}

#[test]
fn a_block_of_another_table_is_noticed_at_the_same_place() {
    let (bytes, other) = (blocks_alike(ID, b'a'), blocks_alike([7; 16], b'b'));
    let (data, others) = parts(&open(&bytes).unwrap());
    for part in data.iter().chain(&others[..2]) {
        let mut mixed = bytes.clone();
        mixed[part.clone()].copy_from_slice(&other[part.clone()]);
        assert_corrupt(verified(&mixed), part, "a block of another table");
    }
}

#[test]
fn another_table_than_expected_is_refused() {
    let bytes = blocks_alike(ID, b'a');
    let file_bytes = bytes.len() as u64;
    let open_expecting = |unique_id, file_bytes| {
        let expect = Some(Expected { unique_id, file_bytes });
        Table::open(&fs_with(&bytes), path(), OpenOptions { expect, ..OpenOptions::default() })
    };
    open_expecting(ID, file_bytes).unwrap();
    for error in
        [open_expecting([7; 16], file_bytes).unwrap_err(), open_expecting(ID, file_bytes + 1).unwrap_err()]
    {
        assert!(error.is_corruption() && error.to_string().contains("table rule 6"), "{error}");
    }
}

#[test]
fn a_handle_out_of_the_file_is_refused_before_memory_is_allocated() {
    let bytes = blocks_alike(ID, b'a');
    let (table, last) = (open(&bytes).unwrap(), bytes.len() as u64 - FOOTER_BYTES as u64);
    for (offset, stored_bytes) in
        [(0, u32::MAX), (u64::MAX, 1), (last, 0), (last - 12, 1), (u64::MAX - 12, 0)]
    {
        let error = table.read_block(Handle { offset, stored_bytes }).unwrap_err();
        assert!(error.to_string().contains("table rule 8"), "{error}");
    }
}

#[test]
fn a_file_that_becomes_shorter_while_it_is_open_is_an_error() {
    let bytes = blocks_alike(ID, b'a');
    let fs = fs_with(&bytes);
    let table: Arc<Table> = Table::open(&fs, path(), OpenOptions::default()).unwrap();
    siltstone_vfs::Fs::open_for_overwrite(&fs, path()).unwrap().set_len(300).unwrap();
    let (read, outcome) = scan(&table, CursorOptions::default());
    assert!(outcome.unwrap_err().is_corruption());
    assert!(read.len() < 10);
    assert!(table.get(b"key09", KeyHash::of(b"key09"), SequenceNumber::MAX).unwrap_err().is_corruption());
}
