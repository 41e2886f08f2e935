//! Layout of one entry of a block. Prose and rules: `docs/format/sstable.md`.
#![deny(clippy::indexing_slicing)]

use siltstone_types::{Expiring, Kind, Tag, limits::KEY_BYTES_MAX, varint};

use crate::Broken;

/// Appends an entry. Part of the file format, as is what [`Stored::decode`] reads.
pub(super) fn put_entry(out: &mut Vec<u8>, shared: usize, unshared: &[u8], tag: Tag, value: &[u8]) {
    varint::put_u64(out, shared as u64);
    varint::put_u64(out, unshared.len() as u64);
    varint::put_u64(out, value.len() as u64);
    varint::put_u64(out, tag.raw());
    out.extend_from_slice(unshared);
    out.extend_from_slice(value);
}

/// What the entries of a block are, which decides which tags they may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EntryKind {
    /// Entries of a data block: the kind is known, a delete has no value, and an expiring put has its time.
    Data,
    /// Entries of an index block: the tag may also be 0.
    Index,
}

/// An entry that lies within its block; its key may lack a part that the entry before it has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stored<'a> {
    /// Bytes of the user key that are those of the previous entry.
    pub(super) shared: usize,
    /// The bytes that follow them.
    pub(super) unshared: &'a [u8],
    pub(super) tag: Tag,
    pub(super) value: &'a [u8],
    /// Where the value starts and ends in the block. The next entry starts there.
    pub(super) value_at: usize,
    pub(super) end: usize,
}

impl<'a> Stored<'a> {
    /// Reads the entry at `at`. `entries` is the block up to the restart array.
    ///
    /// # Errors
    ///
    /// Rules 15, 17, and of rule 16 the limit.
    #[inline]
    pub(super) fn decode(entries: &'a [u8], at: usize) -> Result<Stored<'a>, Broken> {
        const OUTSIDE: Broken = Broken::Rule(17, "a key or value does not lie before the restart array");
        let bytes = entries.get(at..).ok_or(OUTSIDE)?;
        // Nearly all lengths and bottom-level tags take one byte.
        let ([shared, unshared, value_bytes], rest) = match bytes.split_first_chunk::<3>() {
            Some((&[a, b, c], rest)) if (a | b | c) < 0x80 => {
                ([usize::from(a), usize::from(b), usize::from(c)], rest)
            }
            _ => lengths(bytes)?,
        };
        let (tag, rest) = match rest.split_first() {
            Some((&low, rest)) if low < 0x80 => (u64::from(low), rest),
            _ => varint::take_u64(rest)?,
        };
        if shared.saturating_add(unshared) > KEY_BYTES_MAX {
            return Err(Broken::Rule(16, "a key is longer than the limit"));
        }
        let (unshared, rest) = rest.split_at_checked(unshared).ok_or(OUTSIDE)?;
        let value_at = entries.len() - rest.len();
        let (value, _) = rest.split_at_checked(value_bytes).ok_or(OUTSIDE)?;
        let tag = Tag::from_raw(tag);
        Ok(Stored { shared, unshared, tag, value, value_at, end: value_at + value_bytes })
    }

    /// Rule 18.
    #[inline]
    pub(super) fn check_tag(&self, kind: EntryKind) -> Result<(), Broken> {
        match (self.tag.kind(), kind) {
            (Some(_), EntryKind::Index) | (Some(Kind::Put), EntryKind::Data) => Ok(()),
            (Some(Kind::ExpiringPut), EntryKind::Data) => match Expiring::decode(self.value) {
                Ok(_) => Ok(()),
                Err(_) => Err(Broken::Rule(18, "an expiring put does not begin with its time")),
            },
            (Some(kind), EntryKind::Data) if kind.has_value() || self.value.is_empty() => Ok(()),
            (Some(_), EntryKind::Data) => Err(Broken::Rule(18, "a delete has a value")),
            (None, EntryKind::Index) if self.tag == Tag::AFTER_ALL => Ok(()),
            (None, _) => {
                let [low, ..] = self.tag.raw().to_le_bytes();
                if Kind::is_reserved(low) {
                    return Err(Broken::TooNew("an entry has an unknown kind"));
                }
                Err(Broken::Rule(18, "an entry has an invalid kind"))
            }
        }
    }
}

#[cold]
fn lengths(bytes: &[u8]) -> Result<([usize; 3], &[u8]), Broken> {
    let (shared, rest) = varint::take_u32(bytes)?;
    let (unshared, rest) = varint::take_u32(rest)?;
    let (value_bytes, rest) = varint::take_u32(rest)?;
    Ok(([shared as usize, unshared as usize, value_bytes as usize], rest))
}
