//! Repairs the crcs and handles of a table, and makes tables out of blocks.

use crc32c::crc32c;
use siltstone_bloom::{Bloom, FilterContext, FilterPolicy};
use siltstone_sstable::Compression;
use siltstone_types::KeyHash;

use super::put;
use crate::plain::{block, field, offset, u32_at, u64_at, varint};

pub(crate) const FOOTER: usize = 92;
pub(crate) const TRAILER: usize = 12;
const MAGIC: &[u8; 8] = b"SILTSST\n";
/// Longer raw lengths that their codec could reach are cut to this, so that one input does not take seconds.
const RAW_BYTES_KEPT: u32 = 4 << 20;

const DATA: u8 = 1;
const INDEX: u8 = 2;
const FILTER: u8 = 3;
const PROPERTIES: u8 = 4;

/// Moves the last parts to where they tile the end of the file, by their stored lengths; states the file's length; makes all crcs right.
pub(crate) fn repaired(file: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    let Some(footer_at) = file.len().checked_sub(FOOTER) else { return file };
    let mut end = footer_at;
    let has_filter = file.get(footer_at + 69) == Some(&1);
    let parts = [(40, true), (28, true), (16, has_filter)];
    let mut handles = Vec::new();
    for (handle_at, _) in parts.into_iter().filter(|(_, is_there)| *is_there) {
        let stored = u32_at(&file, footer_at + handle_at + 8).unwrap_or(0) as usize;
        let Some(at) = end.checked_sub(TRAILER).and_then(|end| end.checked_sub(stored)) else { break };
        put(&mut file, footer_at + handle_at, &offset(at).to_le_bytes());
        handles.push((at, stored));
        end = at;
    }
    let file_bytes = offset(file.len());
    put(&mut file, footer_at + 52, &file_bytes.to_le_bytes());
    seal_footer(&mut file);
    for (at, stored) in data_blocks(&file).into_iter().chain(handles) {
        seal_block(&mut file, at, stored);
    }
    file
}

/// The handles in an index that is stored raw.
fn data_blocks(file: &[u8]) -> Vec<(usize, usize)> {
    let index = || {
        let footer = file.get(file.len().checked_sub(FOOTER)?..)?;
        let (at, stored) = (usize::try_from(u64_at(footer, 28)?).ok()?, u32_at(footer, 36)? as usize);
        let raw = file.get(at..)?.get(..stored)?;
        block::read(raw, true).map(|block| {
            block.entries.into_iter().filter_map(|entry| handle(raw.get(entry.value)?)).collect::<Vec<_>>()
        })
    };
    index().unwrap_or_default()
}

fn handle(value: &[u8]) -> Option<(usize, usize)> {
    let (at, rest) = varint::take(value, 64)?;
    let (stored, _) = varint::take_len(rest)?;
    Some((usize::try_from(at).ok()?, stored))
}

/// Makes the raw length of a block that is not compressed, and the block's crc, right.
fn seal_block(file: &mut [u8], at: usize, stored: usize) {
    let Some(trailer_at) = at.checked_add(stored) else { return };
    let Some([_, _, codec, _, raw @ ..]) = field::<8>(file, trailer_at) else { return };
    let raw = u32::from_le_bytes(raw);
    let reach = match codec {
        1 => stored.saturating_mul(255).saturating_add(64),
        _ => stored.saturating_mul(32_768).saturating_add(131_072),
    };
    let kept = match u32::try_from(stored) {
        Ok(stored) if codec == 0 => stored,
        _ if raw as usize <= reach => raw.min(RAW_BYTES_KEPT),
        _ => raw,
    };
    put(file, trailer_at + 4, &kept.to_le_bytes());
    let footer_at = file.len().saturating_sub(FOOTER);
    let unique_id = field::<16>(file, footer_at).unwrap_or_default();
    let covered = file.get(at..trailer_at + 8).unwrap_or_default();
    let crc = crc32c(&[&unique_id, &offset(at).to_le_bytes()[..], covered].concat());
    put(file, trailer_at + 8, &crc.to_le_bytes());
}

fn seal_footer(file: &mut [u8]) {
    let Some(footer_at) = file.len().checked_sub(FOOTER) else { return };
    let footer = file.get(footer_at..).unwrap_or_default();
    let covered = [footer.get(..76).unwrap_or_default(), footer.get(80..).unwrap_or_default()].concat();
    put(file, footer_at + 76, &crc32c(&covered).to_le_bytes());
}

/// A data block as it will be stored.
struct Part {
    raw: Vec<u8>,
    stored: Vec<u8>,
    codec: u8,
    raw_bytes: u32,
}

/// Most blocks of an assembled table.
const PARTS_MAX: usize = 12;

/// A table around blocks that the input gives: its first byte says whether there is a filter; then, for each block, how it is stored, a length (16
/// bits), and so many bytes. Index, properties and filter are what the data asks for, as far as it can be read.
pub(crate) fn assembled(data: &[u8]) -> Vec<u8> {
    let (&flags, mut data) = data.split_first().unwrap_or((&0, &[]));
    let mut parts = Vec::new();
    while let (Some((&[how, l0, l1], rest)), true) = (data.split_first_chunk::<3>(), parts.len() < PARTS_MAX)
    {
        let (bytes, rest) = rest.split_at(usize::from(u16::from_le_bytes([l0, l1])).min(rest.len()));
        parts.push(part(how, bytes));
        data = rest;
    }
    let mut blocks: Vec<_> = parts.into_iter().map(|part| (entries_of(&part), part)).collect();
    blocks.sort_by_key(|(entries, _)| entries.first().map(order));
    Assembly::default().of(&blocks, flags & 1 == 1)
}

/// `how`: bits 0 and 1 are the codec, 3 for compressing with LZ4; bit 2 asks for a restart array behind the bytes.
fn part(how: u8, bytes: &[u8]) -> Part {
    let bytes = if how & 4 == 0 { bytes.to_vec() } else { with_restarts(bytes) };
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    match how & 3 {
        0 => Part { raw_bytes: length(&bytes), stored: bytes.clone(), raw: bytes, codec: 0 },
        3 => {
            let mut stored = Vec::new();
            let packed = Compression::Lz4.compressor().ok().flatten();
            if let Some(packed) = packed {
                packed.compress(&bytes, &mut stored);
            }
            Part { raw_bytes: length(&bytes), raw: bytes, stored, codec: 1 }
        }
        codec => {
            let (&raw_bytes, stored) = bytes.split_first_chunk::<2>().unwrap_or((&[0; 2], &[]));
            let raw_bytes = u32::from(u16::from_le_bytes(raw_bytes));
            Part { raw: Vec::new(), stored: stored.to_vec(), codec, raw_bytes }
        }
    }
}

/// Entries with the restart array that goes with them: every entry in full, as far as they can be read, is one.
pub(crate) fn with_restarts(bytes: &[u8]) -> Vec<u8> {
    let walked = block::walk(bytes, true, |_| false);
    let starts = walked.entries.iter().map(|entry| entry.at).filter(|at| bytes.get(*at) == Some(&0));
    let restarts: Vec<u32> = starts.filter_map(|at| u32::try_from(at).ok()).collect();
    let mut raw = bytes.to_vec();
    for number in restarts.iter().copied().chain([u32::try_from(restarts.len()).unwrap_or(0)]) {
        raw.extend_from_slice(&number.to_le_bytes());
    }
    raw
}

fn entries_of(part: &Part) -> Vec<block::Entry> {
    block::read(&part.raw, false).map(|block| block.entries).unwrap_or_default()
}

fn order(entry: &block::Entry) -> (Vec<u8>, std::cmp::Reverse<u64>) {
    (entry.user_key.clone(), std::cmp::Reverse(entry.tag))
}

#[derive(Default)]
struct Assembly {
    file: Vec<u8>,
    index: Vec<u8>,
    index_starts: Vec<u32>,
}

impl Assembly {
    fn of(mut self, blocks: &[(Vec<block::Entry>, Part)], filtered: bool) -> Vec<u8> {
        for (number, (entries, part)) in (0_u8..).zip(blocks) {
            let at = self.push(&part.stored, DATA, part.codec, part.raw_bytes);
            let unread = (vec![number], 0);
            let (key, tag) = entries.last().map_or(unread, |last| (last.user_key.clone(), last.tag));
            let mut value = Vec::new();
            varint::put(&mut value, offset(at));
            varint::put(&mut value, part.stored.len() as u64);
            self.index_starts.push(u32::try_from(self.index.len()).unwrap_or(u32::MAX));
            for number in [0, key.len() as u64, value.len() as u64, tag] {
                varint::put(&mut self.index, number);
            }
            self.index.extend(key.into_iter().chain(value));
        }
        let starts = std::mem::take(&mut self.index_starts);
        let count = u32::try_from(starts.len()).unwrap_or(u32::MAX);
        let array = starts.into_iter().chain([count]).flat_map(u32::to_le_bytes);
        let index: Vec<u8> = std::mem::take(&mut self.index).into_iter().chain(array).collect();
        let entries: Vec<&block::Entry> = blocks.iter().flat_map(|(entries, _)| entries).collect();
        let mut footer = b"0123456789abcdef".to_vec();
        let mut handles = Vec::new();
        if filtered {
            let raw = filter(&entries);
            handles.push((self.push_raw(&raw, FILTER), raw.len()));
        } else {
            handles.push((0, 0));
        }
        handles.push((self.push_raw(&index, INDEX), index.len()));
        let raw = properties(&entries, blocks.len());
        handles.push((self.push_raw(&raw, PROPERTIES), raw.len()));
        for (at, stored) in handles {
            footer.extend_from_slice(&offset(at).to_le_bytes());
            footer.extend_from_slice(&u32::try_from(stored).unwrap_or(u32::MAX).to_le_bytes());
        }
        footer.extend_from_slice(&[0; 8]);
        footer.extend_from_slice(&(entries.len() as u64).to_le_bytes());
        footer.extend_from_slice(&[1, u8::from(filtered), 0, 0]);
        footer.extend_from_slice(&1_u32.to_le_bytes());
        footer.extend_from_slice(&[0; 8]);
        footer.extend_from_slice(MAGIC);
        self.file.extend_from_slice(&footer);
        repaired(&self.file)
    }

    fn push_raw(&mut self, raw: &[u8], role: u8) -> usize {
        self.push(raw, role, 0, u32::try_from(raw.len()).unwrap_or(u32::MAX))
    }

    /// Appends a block without its crc; returns where it starts.
    fn push(&mut self, stored: &[u8], role: u8, codec: u8, raw_bytes: u32) -> usize {
        let at = self.file.len();
        self.file.extend_from_slice(stored);
        self.file.extend_from_slice(&[1, 0, codec, role]);
        self.file.extend_from_slice(&raw_bytes.to_le_bytes());
        self.file.extend_from_slice(&[0; 4]);
        at
    }
}

fn filter(entries: &[&block::Entry]) -> Vec<u8> {
    let context = FilterContext { level: 0, level_count: 1, key_count_max: entries.len() as u64 };
    let mut raw = b"\x0bfastbloom.1".to_vec();
    if let Some(mut builder) = Bloom::bits_per_key(10.0).builder(context) {
        for entry in entries {
            builder.add(KeyHash::of(&entry.user_key).get());
        }
        raw.extend(builder.finish());
    }
    raw
}

/// The properties block that these entries ask for.
fn properties(entries: &[&block::Entry], block_count: usize) -> Vec<u8> {
    let sum = |of: &dyn Fn(&block::Entry) -> usize| entries.iter().map(|entry| of(entry) as u64).sum::<u64>();
    let sequences = || entries.iter().map(|entry| entry.tag >> 8);
    let key = |entry: Option<&&block::Entry>| entry.map(|entry| entry.user_key.clone()).unwrap_or_default();
    let number = |number: u64| {
        let mut field = Vec::new();
        varint::put(&mut field, number);
        field
    };
    let expiries = || entries.iter().filter_map(|entry| entry.expiry);
    let fields = [
        number(entries.len() as u64),
        number(sum(&|entry| usize::from(entry.tag & 0xff == 2))),
        number(sum(&|entry| entry.user_key.len())),
        number(sum(&|entry| entry.value.len())),
        number(block_count as u64),
        key(entries.first()),
        key(entries.last()),
        number(sequences().min().unwrap_or(0)),
        number(sequences().max().unwrap_or(0)),
    ];
    let of_expiry = [Some(expiries().count() as u64), expiries().min(), expiries().max()];
    let of_expiry = of_expiry.map(|field| number(field.unwrap_or(0)));
    let of_expiry = (0x90..).zip(of_expiry).filter(|_| expiries().count() > 0);
    let mut raw = Vec::new();
    for (id, field) in (1..).zip(fields).chain(of_expiry) {
        raw.push(id);
        varint::put(&mut raw, field.len() as u64);
        raw.extend(field);
    }
    raw
}
