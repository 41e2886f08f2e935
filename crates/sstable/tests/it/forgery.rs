//! Tables whose checksums are right and whose content is not: a witness for each rule that the crc would
//! otherwise hide.

use siltstone_sstable::{CodecId, FOOTER_BYTES, Handle, Role, TRAILER_BYTES, Table, TableOptions};
use siltstone_testkit::entries::Owned;
use siltstone_types::{Error, Kind, Tag};

use crate::fixture::{ID, bytes, open, options, sequence, verified, with_filter};

// Places in the footer and in a trailer, written down once more on purpose.
const FILTER_HANDLE: usize = 16;
const INDEX_HANDLE: usize = 28;
const ENTRIES: usize = 60;
const INDEX_KIND: usize = 68;
const FILTER_KIND: usize = 69;
const FLAGS: usize = 70;
const VERSION: usize = 72;
const FOOTER_CRC: usize = 76;
const BLOCK_FORMAT: usize = 0;
const BLOCK_FLAGS: usize = 1;
const CODEC: usize = 2;
const ROLE: usize = 3;
const RAW_BYTES: usize = 4;
const BLOCK_CRC: usize = 8;

/// A table to be changed, with its checksums made right again.
struct Forged {
    bytes: Vec<u8>,
    footer_at: usize,
    data: Vec<Handle>,
    parts: Vec<Handle>,
}

impl Forged {
    fn new(options: TableOptions) -> Forged {
        let entry = |n: u64| {
            (format!("key{n:02}").into_bytes(), Tag::new(sequence(n + 1), Kind::Put), vec![b'v'; 100])
        };
        let bytes = bytes(options, &(0..10).map(entry).collect::<Vec<Owned>>());
        let table: &Table = &open(&bytes).unwrap();
        let data = table.index_entries().unwrap().iter().map(|entry| entry.handle).collect();
        let footer = table.footer();
        let parts =
            [footer.filter, Some(footer.index), Some(footer.properties)].into_iter().flatten().collect();
        Forged { footer_at: bytes.len() - FOOTER_BYTES, bytes, data, parts }
    }

    /// The first byte of the footer's field, with the crc recomputed.
    fn footer(mut self, at: usize, new: &[u8]) -> Forged {
        let footer = &mut self.bytes[self.footer_at..];
        footer[at..at + new.len()].copy_from_slice(new);
        let covered = [&footer[..FOOTER_CRC], &footer[FOOTER_CRC + 4..]].concat();
        footer[FOOTER_CRC..FOOTER_CRC + 4].copy_from_slice(&crc32c::crc32c(&covered).to_le_bytes());
        self
    }

    fn stored(&mut self, handle: Handle) -> &mut [u8] {
        let start = usize::try_from(handle.offset).unwrap();
        &mut self.bytes[start..start + handle.stored_bytes as usize]
    }

    fn reseal(mut self, handle: Handle) -> Forged {
        let start = usize::try_from(handle.offset).unwrap();
        let block = &mut self.bytes[start..start + handle.stored_bytes as usize + TRAILER_BYTES];
        let crc_at = handle.stored_bytes as usize + BLOCK_CRC;
        let covered = [&ID, &handle.offset.to_le_bytes()[..], &block[..crc_at]].concat();
        block[crc_at..].copy_from_slice(&crc32c::crc32c(&covered).to_le_bytes());
        self
    }

    /// A field of a block's trailer, with the crc recomputed.
    fn trailer(mut self, handle: Handle, at: usize, new: &[u8]) -> Forged {
        let start = usize::try_from(handle.offset).unwrap() + handle.stored_bytes as usize + at;
        self.bytes[start..start + new.len()].copy_from_slice(new);
        self.reseal(handle)
    }

    /// Bytes of a block that occur in it once, exchanged for as many others.
    fn content(mut self, handle: Handle, old: &[u8], new: &[u8]) -> Forged {
        let stored = self.stored(handle);
        let found: Vec<usize> = (0..stored.len()).filter(|&at| stored[at..].starts_with(old)).collect();
        assert_eq!((found.len(), old.len()), (1, new.len()), "{}", old.escape_ascii());
        stored[found[0]..found[0] + new.len()].copy_from_slice(new);
        self.reseal(handle)
    }
}

#[track_caller]
fn assert_rule<T: std::fmt::Debug>(outcome: Result<T, Error>, rule: u8, at: u64) {
    let Err(Error::Corruption { offset, what, .. }) = &outcome else { panic!("{outcome:?}") };
    assert!(what.starts_with(&format!("table rule {rule}:")), "{what}");
    assert_eq!(*offset, at, "{what}");
}

#[track_caller]
fn assert_too_new<T: std::fmt::Debug>(outcome: Result<T, Error>) {
    assert!(matches!(outcome, Err(Error::FormatTooNew { .. })), "{outcome:?}");
}

fn forged() -> Forged {
    Forged::new(with_filter(TableOptions { block_bytes: 300, ..options() }))
}

#[test]
fn a_forged_table_is_valid_until_it_is_changed() {
    let forged = forged();
    let (bytes, block, index) = (forged.bytes.clone(), forged.data[1], forged.parts[1]);
    assert_eq!((forged.data.len(), forged.parts.len()), (4, 3));
    assert_eq!(forged.footer(VERSION, &[1]).reseal(block).reseal(index).bytes, bytes);
    verified(&bytes).unwrap();
}

#[test]
fn versions_flags_and_kinds_of_the_future_are_told_from_damage() {
    for (at, new) in
        [(VERSION, 2), (VERSION + 3, 1), (FLAGS, 1), (FLAGS, 0x80), (INDEX_KIND, 2), (FILTER_KIND, 2)]
    {
        assert_too_new(open(&forged().footer(at, &[new]).bytes));
    }
    verified(&forged().footer(FLAGS + 1, &[0xff]).bytes).unwrap();
    for (at, new) in [(BLOCK_FORMAT, 2), (BLOCK_FLAGS, 1), (BLOCK_FLAGS, 8), (CODEC, 3), (CODEC, 0x80)] {
        let forged = forged();
        let block = forged.data[1];
        assert_too_new(verified(&forged.trailer(block, at, &[new]).bytes));
    }
    let forged = forged();
    let block = forged.data[1];
    verified(&forged.trailer(block, BLOCK_FLAGS, &[0xf0]).bytes).unwrap();
}

#[test]
fn rules_3_to_7_have_witnesses_in_the_footer() {
    let footer_at = forged().footer_at as u64;
    assert_rule(open(&forged().footer(VERSION, &[0]).bytes), 3, footer_at);
    let short = forged();
    let cut = short.bytes[1..].to_vec();
    assert_rule(open(&cut), 4, footer_at - 1);
    assert_rule(open(&forged().footer(FILTER_KIND, &[0]).bytes), 5, footer_at);
    let index_at = forged().parts[1].offset;
    assert_rule(open(&forged().footer(INDEX_HANDLE, &(index_at + 1).to_le_bytes()).bytes), 7, footer_at);
    assert_rule(open(&forged().footer(INDEX_HANDLE, &u64::MAX.to_le_bytes()).bytes), 7, footer_at);
    assert_rule(open(&forged().footer(FILTER_HANDLE + 8, &u32::MAX.to_le_bytes()).bytes), 7, footer_at);
}

#[test]
fn a_block_in_another_role_breaks_rule_10() {
    let forged = forged();
    let block = forged.data[2];
    assert_rule(verified(&forged.trailer(block, ROLE, &[Role::Index as u8]).bytes), 10, block.offset);
}

#[test]
fn raw_lengths_that_no_block_can_have_are_refused_before_memory_is_allocated() {
    let mut lengths =
        vec![(CodecId::NONE, 1), (CodecId::NONE, u32::MAX), (CodecId(0x91), (1 << 30) + (1 << 20) + 1)];
    if cfg!(feature = "lz4") {
        lengths.extend([(CodecId::LZ4, u32::MAX), (CodecId::LZ4, 1 << 30)]);
    }
    if cfg!(feature = "zstd") {
        lengths.extend([(CodecId::ZSTD, u32::MAX), (CodecId::ZSTD, 1 << 30)]);
    }
    for (codec, raw_bytes) in lengths {
        let forged = forged();
        let block = forged.data[0];
        let forged =
            forged.trailer(block, CODEC, &[codec.0]).trailer(block, RAW_BYTES, &raw_bytes.to_le_bytes());
        assert_rule(verified(&forged.bytes), 11, block.offset);
    }
}

#[test]
fn stored_bytes_that_do_not_decompress_break_rule_12() {
    for (codec, is_there) in [(CodecId::LZ4, cfg!(feature = "lz4")), (CodecId::ZSTD, cfg!(feature = "zstd"))]
    {
        let forged = forged();
        let block = forged.data[0];
        let verified = verified(&forged.trailer(block, CODEC, &[codec.0]).bytes);
        if is_there { assert_rule(verified, 12, block.offset) } else { assert_too_new(verified) }
    }
}

/// A block that decompresses well, to one byte more or less than its trailer says.
#[test]
fn a_raw_length_that_is_off_by_one_breaks_rule_12() {
    for compression in crate::fixture::compressions() {
        for off_by in [-1, 1] {
            let forged = Forged::new(TableOptions { block_bytes: 300, compression, ..options() });
            let table = open(&forged.bytes).unwrap();
            let block = forged.data[0];
            let trailer = table.trailer(block, Role::Data).unwrap();
            let raw_bytes = trailer.raw_bytes.checked_add_signed(off_by).unwrap();
            let forged = forged.trailer(block, RAW_BYTES, &raw_bytes.to_le_bytes());
            let rule = if trailer.codec == CodecId::NONE { 11 } else { 12 };
            assert_rule(verified(&forged.bytes), rule, block.offset);
        }
    }
}

#[test]
fn entries_of_the_wrong_order_are_found_by_verify() {
    let forged = forged();
    let block = forged.data[1];
    // The second of three entries shares "key0" with the first.
    assert_rule(verified(&forged.content(block, b"4vvv", b"2vvv").bytes), 19, block.offset);
}

#[test]
fn handles_that_do_not_tile_the_file_break_rule_20() {
    let forged = forged();
    let (index, second) = (forged.parts[1], forged.data[1]);
    let mut handle = Vec::new();
    siltstone_types::varint::put_u64(&mut handle, second.offset);
    let mut wrong = handle.clone();
    wrong[0] ^= 1;
    assert_rule(open(&forged.content(index, &handle, &wrong).bytes), 20, index.offset);
}

#[test]
fn an_entry_outside_of_its_separators_breaks_rule_21() {
    // Separators are the last keys of the blocks here, as neighbours differ in the last byte only.
    let above = forged();
    let (index, second, third) = (above.parts[1], above.data[1], above.data[2]);
    assert_rule(verified(&above.content(index, b"key05", b"key04").bytes), 21, second.offset);
    assert_rule(verified(&forged().content(index, b"key05", b"key06").bytes), 21, third.offset);
}

#[test]
fn figures_that_are_not_those_of_the_data_break_rule_23() {
    let forged = forged();
    let properties = forged.parts[2];
    assert_rule(
        verified(&forged.content(properties, &[1, 1, 10, 2, 1, 0], &[1, 1, 9, 2, 1, 0]).bytes),
        23,
        properties.offset,
    );
    let largest = self::forged().content(properties, b"key09", b"key08");
    assert_rule(verified(&largest.bytes), 23, properties.offset);
    let footer_at = self::forged().footer_at as u64;
    assert_rule(verified(&self::forged().footer(ENTRIES, &[11]).bytes), 23, footer_at);
}

#[test]
fn filter_blocks_that_make_no_sense_break_rule_24() {
    let filter = forged().parts[0];
    for (old, new) in
        [(&b"\x0bfastbloom.1"[..], &b"\x00fastbloom.1"[..]), (b"\x0bfastbloom.1\x01", b"\x0bfastbloom.1\x00")]
    {
        assert_rule(open(&forged().content(filter, old, new).bytes), 24, filter.offset);
    }
    let mut unnamed = forged();
    unnamed.stored(filter)[1] = 0xff;
    assert_rule(open(&unnamed.reseal(filter).bytes), 24, filter.offset);
}

#[test]
fn a_filter_that_misses_a_key_is_found_by_verify() {
    let mut forged = forged();
    let filter = forged.parts[0];
    // Name, then version, k, reserved and words; the rest are the bits.
    forged.stored(filter)[1 + 11 + 8..].fill(0);
    assert_rule(verified(&forged.reseal(filter).bytes), 25, filter.offset);
}

#[test]
fn a_filter_of_an_unknown_policy_is_not_used() {
    let forged = forged();
    let filter = forged.parts[0];
    let bytes = forged.content(filter, b"fastbloom.1", b"somebloom.9").bytes;
    assert_eq!(open(&bytes).unwrap().filter_name(), Some("somebloom.9"));
    assert!(!verified(&bytes).unwrap().filter_checked);
}

#[test]
fn an_entry_of_a_later_kind_is_told_from_damage() {
    let mut forged = forged();
    let block = forged.data[0];
    let tag = Tag::new(sequence(1), Kind::Put).raw();
    let (mut old, mut new) = (vec![100], vec![100]);
    siltstone_types::varint::put_u64(&mut old, tag);
    siltstone_types::varint::put_u64(&mut new, tag + 2);
    old.extend_from_slice(b"key00");
    new.extend_from_slice(b"key00");
    forged = forged.content(block, &old, &new);
    assert_too_new(verified(&forged.bytes));
    let table = open(&forged.bytes).unwrap();
    assert_too_new(table.get(b"key00", siltstone_types::KeyHash::of(b"key00"), sequence(9)));
}
