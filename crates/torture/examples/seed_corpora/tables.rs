//! Tables of a few blocks each, their blocks, and filters.

use std::{error::Error, path::Path, sync::Arc};

use siltstone_bloom::{Bloom, FilterContext, FilterPolicy};
use siltstone_sstable::{Compression, TableOptions, TableWriter};
use siltstone_types::{InternalKey, KeyHash, Kind, SequenceNumber, Tag, varint};
use siltstone_vfs::{Fs, MemFs};

use crate::Seed;

type Entry = (&'static [u8], u64, Kind, &'static [u8]);

const FRUIT: &[Entry] = &[
    (b"", 9, Kind::Put, b"the empty key"),
    (b"apple", 7, Kind::Put, b"green"),
    (b"apple", 3, Kind::Delete, b""),
    (b"apple", 0, Kind::Put, b"red"),
    (b"apricot", 0, Kind::Put, b""),
    (b"banana", 300, Kind::Put, &[b'y'; 150]),
    (b"banana split", 70_000, Kind::Put, b"ice"),
    (b"pear", 5, Kind::Delete, b""),
    (b"pear\0", (1 << 56) - 1, Kind::Put, b"zero"),
    (b"\xff\xff", 1, Kind::Put, b"last"),
];

/// Some that expire: at once, in a while, and never.
const EXPIRING: &[Entry] = &[
    (b"apple", 7, Kind::ExpiringPut, b"\x80\xd0\x95\xff\xbc\x31green"),
    (b"apple", 3, Kind::Put, b"red"),
    (b"banana", 0, Kind::ExpiringPut, b"\x00"),
    (b"pear", 5, Kind::ExpiringPut, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01yellow"),
];

fn tag(sequence: u64, kind: Kind) -> Tag {
    Tag::new(SequenceNumber::new(sequence).unwrap_or_default(), kind)
}

/// Entries as they are stored, with or without prefix compression.
fn entries(of: &[Entry], prefixes: bool) -> Vec<u8> {
    let (mut out, mut previous) = (Vec::new(), &b""[..]);
    for (key, sequence, kind, value) in of {
        let shared = previous.iter().zip(*key).take_while(|(a, b)| prefixes && a == b).count();
        for number in [shared, key.len() - shared, value.len()] {
            varint::put_u64(&mut out, number as u64);
        }
        varint::put_u64(&mut out, tag(*sequence, *kind).raw());
        out.extend_from_slice(&key[shared..]);
        out.extend_from_slice(value);
        previous = key;
    }
    out
}

fn block(of: &[Entry], prefixes: bool, restarts: &[u32]) -> Vec<u8> {
    let count = u32::try_from(restarts.len()).unwrap_or_default();
    let array = restarts.iter().copied().chain([count]).flat_map(u32::to_le_bytes);
    entries(of, prefixes).into_iter().chain(array).collect()
}

pub(crate) fn blocks() -> Vec<Seed> {
    // Where each of the entries starts when nothing is shared.
    let starts: Vec<u32> = (0..FRUIT.len())
        .filter_map(|count| u32::try_from(entries(&FRUIT[..count], false).len()).ok())
        .collect();
    let thirds: Vec<u32> = starts.iter().copied().step_by(3).collect();
    let mut index = Vec::new();
    for (key, value) in [(&b"b"[..], &[0, 40][..]), (b"pear", &[52, 17])] {
        index.extend_from_slice(&[0, u8::try_from(key.len()).unwrap_or_default(), 2, 0]);
        index.extend(key.iter().chain(value));
    }
    let index_block = [&index[..], &[0, 0, 0, 0, 7, 0, 0, 0, 2, 0, 0, 0]].concat();
    let mut not_a_start = starts.clone();
    not_a_start[4] += 1;
    vec![
        ("one-restart", block(FRUIT, true, &[0])),
        ("all-restarts", block(FRUIT, false, &starts)),
        ("every-third", block(FRUIT, false, &thirds)),
        ("one-entry", block(&FRUIT[..1], false, &[0])),
        ("entries", entries(FRUIT, true)),
        ("entries-in-full", entries(FRUIT, false)),
        ("index", index_block),
        ("index-entries", index),
        ("expiring", block(EXPIRING, true, &[0])),
        ("expiring-entries", entries(EXPIRING, true)),
        ("expiring-without-a-time", block(&[(b"k", 1, Kind::ExpiringPut, b"\x80\x00")], false, &[0])),
        ("out-of-order", block(&[FRUIT[5], FRUIT[1]], false, &[0])),
        ("twice-the-same", block(&[FRUIT[1], FRUIT[1]], true, &[0])),
        ("restart-inside-an-entry", block(FRUIT, false, &not_a_start)),
        ("restart-of-a-key-in-part", block(&FRUIT[1..3], true, &[0, starts[2] - starts[1]])),
        ("shares-more-than-there-is", vec![0, 1, 0, 1, b'a', 9, 1, 0, 1, b'b', 0, 0, 0, 0, 1, 0, 0, 0]),
        ("count-of-4-billion", [&entries(FRUIT, true)[..], &[0xff; 4]].concat()),
        ("length-of-4-gib", vec![0, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 1, b'a', 0, 0, 0, 0, 1, 0, 0, 0]),
    ]
}

fn filter(bits_per_key: f64, keys: &[&[u8]]) -> Vec<u8> {
    let context = FilterContext { level: 0, level_count: 1, key_count_max: keys.len() as u64 };
    let Some(mut builder) = Bloom::bits_per_key(bits_per_key).builder(context) else { return Vec::new() };
    for key in keys {
        builder.add(KeyHash::of(key).get());
    }
    builder.finish()
}

pub(crate) fn filters() -> Vec<Seed> {
    let keys: Vec<&[u8]> = FRUIT.iter().map(|(key, ..)| *key).collect();
    let with = |at: usize, new: u8| {
        let mut bytes = filter(10.0, &keys);
        bytes[at] = new;
        bytes
    };
    vec![
        ("ten-bits", filter(10.0, &keys)),
        ("one-bit", filter(1.0, &keys)),
        ("many-probes", filter(64.0, &keys)),
        ("no-keys", filter(10.0, &[])),
        ("no-probes", with(1, 0)),
        ("too-many-probes", with(1, 31)),
        ("reserved", with(2, 1)),
        ("words-that-are-not-there", with(7, 0xff)),
        ("hashes", (0..40_u64).flat_map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()).collect()),
    ]
}

fn table(options: TableOptions, of: &[Entry]) -> Result<Vec<u8>, Box<dyn Error>> {
    let (fs, path) = (MemFs::new(), Path::new("/000003.sst"));
    let fixed = TableOptions {
        unique_id: *b"0123456789abcdef",
        writer: "seed".to_owned(),
        created_unix_ms: 1_700_000_000_000,
        ..options
    };
    let mut writer = TableWriter::create(&fs, path, fixed)?;
    for (user_key, sequence, kind, value) in of {
        writer.add(InternalKey { user_key, tag: tag(*sequence, *kind) }, value)?;
    }
    let summary = writer.finish()?;
    let mut bytes = vec![0; usize::try_from(summary.file_bytes)?];
    fs.open(path)?.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

/// The input of a table around blocks: flags, then for each block how it is stored, its length and its bytes.
fn assembly(flags: u8, parts: &[(u8, Vec<u8>)]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut out = vec![flags];
    for (how, bytes) in parts {
        out.push(*how);
        out.extend(u16::try_from(bytes.len())?.to_le_bytes());
        out.extend(bytes);
    }
    Ok(out)
}

/// Changes bytes that are counted from the end of the file.
fn with(file: &[u8], from_end: usize, new: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    let at = file.len() - from_end;
    file[at..at + new.len()].copy_from_slice(new);
    file
}

/// Changes codec and raw length of the first data block, which is not compressed.
fn with_first_trailer(file: &[u8], codec: u8, raw_bytes: u32) -> Vec<u8> {
    let is_trailer = |at: usize| {
        let stored_bytes = u32::try_from(at).unwrap_or_default().to_le_bytes();
        file[at..].starts_with(&[&[1, 0, 0, 1][..], &stored_bytes].concat())
    };
    let at = (0..file.len()).find(|at| is_trailer(*at)).unwrap_or_default();
    let mut file = file.to_vec();
    file[at + 2] = codec;
    file[at + 4..at + 8].copy_from_slice(&raw_bytes.to_le_bytes());
    file
}

pub(crate) fn tables() -> Result<Vec<Seed>, Box<dyn Error>> {
    let small = || TableOptions { block_bytes: 60, restart_interval: 2, ..TableOptions::default() };
    let plain = table(small(), FRUIT)?;
    let filtered = TableOptions { filter: Some(Arc::new(Bloom::bits_per_key(10.0))), ..small() };
    let zstd = TableOptions { compression: Compression::Zstd { level: 3 }, ..small() };
    let lz4 = TableOptions { compression: Compression::Lz4, ..small() };
    let zstd_packed = Compression::Zstd { level: 3 }.compressor()?.map(|packer| {
        let raw = block(FRUIT, true, &[0]);
        let (mut out, length) = (Vec::new(), u16::try_from(raw.len()).unwrap_or_default().to_le_bytes());
        packer.compress(&raw, &mut out);
        [&length[..], &out].concat()
    });
    let halves = [(4, entries(&FRUIT[..4], true)), (4, entries(&FRUIT[4..], true))];
    let shuffled = [(3, block(&FRUIT[5..], true, &[0])), (0, block(&FRUIT[..5], true, &[0]))];
    let overlapping = [(4, entries(&FRUIT[..6], true)), (4, entries(&FRUIT[3..], true))];
    Ok(vec![
        ("plain", plain.clone()),
        ("filter", table(filtered, FRUIT)?),
        ("lz4", table(lz4, FRUIT)?),
        ("zstd", table(zstd, FRUIT)?),
        ("one-entry", table(TableOptions::default(), &FRUIT[1..2])?),
        ("one-key-in-many-blocks", table(TableOptions { block_bytes: 1, ..small() }, &FRUIT[1..4])?),
        ("index-of-4-gib", with(&plain, 92 - 36, &[0xff; 4])),
        ("filter-that-is-not-there", with(&plain, 92 - 69, &[1])),
        ("version-2", with(&plain, 92 - 72, &[2])),
        ("raw-length-of-1-gib", with_first_trailer(&plain, 1, 1 << 30)),
        ("raw-length-of-1-gib-zstd", with_first_trailer(&plain, 2, 1 << 30)),
        ("footer-only", plain[plain.len() - 92..].to_vec()),
        ("blocks", assembly(1, &halves)?),
        ("blocks-packed", assembly(0, &shuffled)?),
        ("blocks-zstd", assembly(1, &[(2, zstd_packed.unwrap_or_default())])?),
        ("blocks-that-overlap", assembly(0, &overlapping)?),
        ("blocks-of-no-bytes", assembly(1, &[(0, Vec::new()), (1, vec![9, 0]), (2, Vec::new())])?),
    ])
}
