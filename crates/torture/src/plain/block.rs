//! The raw bytes of a block of format 1, by docs/format/sstable.md.

use std::{collections::BTreeSet, ops::Range};

use super::{u32_at, varint};

/// An entry with its whole key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    /// The user key.
    pub(crate) user_key: Vec<u8>,
    /// Sequence number and kind.
    pub(crate) tag: u64,
    /// Where the value is.
    pub(crate) value: Range<usize>,
    /// Where the entry starts.
    pub(crate) at: usize,
    /// The time of an expiring put of a data block.
    pub(crate) expiry: Option<u64>,
}

/// A block whose restart array is well formed.
#[derive(Debug)]
pub(crate) struct Block {
    /// The entries before the first that breaks a rule.
    pub(crate) entries: Vec<Entry>,
    /// Whether rules 14 to 19 hold for all.
    pub(crate) whole: bool,
}

/// Applies rule 13 and what rule 14 says of the array, then walks. `index` allows tag 0.
pub(crate) fn read(raw: &[u8], index: bool) -> Option<Block> {
    let count_at = raw.len().checked_sub(4)?;
    let count = u32_at(raw, count_at)? as usize;
    let entries_bytes = count_at.checked_sub(count.checked_mul(4)?)?;
    let restarts: Vec<usize> =
        (0..count).filter_map(|idx| u32_at(raw, entries_bytes + 4 * idx)).map(|at| at as usize).collect();
    let ascending = restarts.is_sorted_by(|a, b| a < b);
    if restarts.first() != Some(&0) || !ascending || restarts.last().is_none_or(|last| *last >= entries_bytes)
    {
        return None;
    }
    let bytes = raw.get(..entries_bytes)?;
    let mut block = walk(bytes, index, |at| restarts.binary_search(&at).is_ok());
    let starts: BTreeSet<usize> = block.entries.iter().map(|entry| entry.at).collect();
    if let Some(missed) = restarts.iter().find(|at| !starts.contains(at)) {
        // An entry behind it would stand across a restart.
        block.entries.retain(|entry| entry.at < *missed);
        block.whole = false;
    }
    Some(block)
}

/// Walks over entries.
pub(crate) fn walk(bytes: &[u8], index: bool, is_restart: impl Fn(usize) -> bool) -> Block {
    let mut block = Block { entries: Vec::new(), whole: true };
    let (mut at, mut key, mut tag) = (0, Vec::new(), 0);
    while at < bytes.len() {
        let previous = (!block.entries.is_empty()).then_some((key.as_slice(), tag));
        let Some((entry, end)) = entry(bytes, at, previous, index) else {
            block.whole = false;
            break;
        };
        // A key at a restart is stored in full: its first byte is the count of shared ones.
        if is_restart(at) && bytes.get(at) != Some(&0) {
            block.whole = false;
            break;
        }
        (key, tag, at) = (entry.user_key.clone(), entry.tag, end);
        block.entries.push(entry);
    }
    block
}

/// Rules 15 to 19 for one entry; returns it with its end.
fn entry(bytes: &[u8], at: usize, previous: Option<(&[u8], u64)>, index: bool) -> Option<(Entry, usize)> {
    let rest = bytes.get(at..)?;
    let (shared, rest) = varint::take_len(rest)?;
    let (unshared, rest) = varint::take_len(rest)?;
    let (value_bytes, rest) = varint::take_len(rest)?;
    let (tag, rest) = varint::take(rest, 64)?;
    let (unshared, rest) = rest.split_at_checked(unshared)?;
    let value_at = bytes.len() - rest.len();
    let end = value_at + rest.get(..value_bytes)?.len();
    let mut user_key = previous.map_or(&[][..], |(key, _)| key).get(..shared)?.to_vec();
    user_key.extend_from_slice(unshared);
    let kind = tag & 0xff;
    let time = varint::take(bytes.get(value_at..end)?, 64).map(|(time, _)| time);
    let kind_fits = match kind {
        1 => true,
        2 => index || value_bytes == 0,
        7 => index || time.is_some(),
        _ => index && tag == 0,
    };
    let ascends = previous
        .is_none_or(|(key, previous_tag)| *key < *user_key || (*key == *user_key && tag < previous_tag));
    let fits = user_key.len() <= 65_536 && kind_fits && ascends;
    let expiry = time.filter(|_| kind == 7 && !index);
    fits.then_some((Entry { user_key, tag, value: value_at..end, at, expiry }, end))
}
