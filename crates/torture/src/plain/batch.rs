//! A write batch, by docs/format/batch.md.

use super::{u32_at, varint};

/// An entry: kind, keyspace, key, value.
pub(crate) type Entry<'a> = (u8, u32, &'a [u8], &'a [u8]);

/// What a payload is.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Verdict<'a> {
    /// A batch.
    Valid(Vec<Entry<'a>>),
    /// Something of a later version.
    TooNew,
    /// Damage.
    Damaged,
}

/// Applies the rules to a payload whose first entry has the sequence number `first`.
pub(crate) fn read(payload: &[u8], first: u64) -> Verdict<'_> {
    let (Some(count), Some(version)) = (u32_at(payload, 1), payload.first()) else { return Verdict::Damaged };
    match version {
        0 => return Verdict::Damaged,
        1 => {}
        _ => return Verdict::TooNew,
    }
    let mut rest = payload.get(5..).unwrap_or_default();
    let mut entries = Vec::new();
    while !rest.is_empty() && entries.len() < count as usize {
        if matches!(rest.first(), Some(3..=6)) {
            return Verdict::TooNew;
        }
        let Some((entry, tail)) = take_entry(rest) else { return Verdict::Damaged };
        entries.push(entry);
        rest = tail;
    }
    let whole = rest.is_empty() && !entries.is_empty() && entries.len() == count as usize;
    let last = u128::from(first) + u128::from(count);
    if whole && last <= 1 << 56 { Verdict::Valid(entries) } else { Verdict::Damaged }
}

/// How many entries the bytes begin with.
pub(crate) fn count(mut entries: &[u8]) -> u32 {
    let mut count = 0;
    while let Some((_, rest)) = take_entry(entries) {
        entries = rest;
        count += 1;
    }
    count
}

fn take_entry(bytes: &[u8]) -> Option<(Entry<'_>, &[u8])> {
    let (&kind, rest) = bytes.split_first()?;
    let (keyspace, rest) = varint::take(rest, 32)?;
    let (key, rest) = take_bytes(rest, 65_536)?;
    let (value, rest) = match kind {
        1 => take_bytes(rest, 1 << 30)?,
        7 => take_bytes(rest, 1 << 30).filter(|(value, _)| varint::take(value, 64).is_some())?,
        2 => (&[][..], rest),
        _ => return None,
    };
    Some(((kind, u32::try_from(keyspace).ok()?, key, value), rest))
}

fn take_bytes(bytes: &[u8], len_max: usize) -> Option<(&[u8], &[u8])> {
    let (len, rest) = varint::take_len(bytes)?;
    rest.split_at_checked(len).filter(|_| len <= len_max)
}

/// The only encoding of these entries.
pub(crate) fn write<'a>(entries: impl IntoIterator<Item = Entry<'a>>) -> Vec<u8> {
    let mut out = vec![1, 0, 0, 0, 0];
    let mut count = 0_u32;
    for (kind, keyspace, key, value) in entries {
        count += 1;
        out.push(kind);
        varint::put(&mut out, u64::from(keyspace));
        let parts = if kind == 2 { vec![key] } else { vec![key, value] };
        for part in parts {
            varint::put(&mut out, part.len() as u64);
            out.extend_from_slice(part);
        }
    }
    out.splice(1..5, count.to_le_bytes());
    out
}
