//! Sequence numbers, and the tag that packs one with a kind.

use std::fmt;

use crate::Kind;

/// Position of a write in the order of all writes of a database. 56 bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SequenceNumber(u64);

impl SequenceNumber {
    /// Before every write. Entries at the bottom of the tree carry it.
    pub const ZERO: SequenceNumber = SequenceNumber(0);
    /// After every write: a read at `MAX` sees everything.
    pub const MAX: SequenceNumber = SequenceNumber((1 << 56) - 1);

    /// Wraps a raw number; `None` above [`SequenceNumber::MAX`].
    pub const fn new(raw: u64) -> Option<SequenceNumber> {
        if raw <= Self::MAX.0 { Some(SequenceNumber(raw)) } else { None }
    }

    /// The raw number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The number `count` writes later; `None` past [`SequenceNumber::MAX`].
    pub const fn checked_add(self, count: u64) -> Option<SequenceNumber> {
        match self.0.checked_add(count) {
            Some(raw) => SequenceNumber::new(raw),
            None => None,
        }
    }
}

impl fmt::Debug for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}", self.0)
    }
}

impl fmt::Display for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A sequence number and a kind in one integer: `sequence << 8 | kind`.
///
/// For one user key, versions are ordered by *descending* tag: newest first. Part of the table format.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Tag(u64);

impl Tag {
    /// Sorts before every version of its user key.
    pub const NEWEST: Tag = Tag(u64::MAX);
    /// Sorts behind every version of its user key.
    pub const AFTER_ALL: Tag = Tag(0);

    /// Packs the two.
    pub const fn new(sequence: SequenceNumber, kind: Kind) -> Tag {
        Tag(sequence.0 << 8 | kind as u64)
    }

    /// Sorts before every version at or below `sequence`, and behind every newer one.
    pub const fn lookup(sequence: SequenceNumber) -> Tag {
        Tag(sequence.0 << 8 | 0xff)
    }

    /// From the integer that is stored. Any value is a position; [`Tag::kind`] says whether it is an entry's.
    pub const fn from_raw(raw: u64) -> Tag {
        Tag(raw)
    }

    /// The integer that is stored.
    pub const fn raw(self) -> u64 {
        self.0
    }

    /// The sequence number.
    pub const fn sequence(self) -> SequenceNumber {
        SequenceNumber(self.0 >> 8)
    }

    /// The kind; `None` when the low byte names none (a lookup position, or damage).
    pub const fn kind(self) -> Option<Kind> {
        let [low, ..] = self.0.to_le_bytes();
        Kind::from_byte(low)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            Some(kind) => write!(f, "{:?}:{kind:?}", self.sequence()),
            None => write!(f, "{:?}:{:#04x}", self.sequence(), self.0 & 0xff),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_gives_back_what_it_packs() {
        for raw in [0, 1, 255, 256, SequenceNumber::MAX.get()] {
            let sequence = SequenceNumber::new(raw).unwrap();
            for kind in [Kind::Put, Kind::Delete, Kind::ExpiringPut] {
                let tag = Tag::new(sequence, kind);
                assert_eq!((tag.sequence(), tag.kind()), (sequence, Some(kind)));
                assert!(tag <= Tag::lookup(sequence), "a lookup stands before the version it looks for");
                assert!(tag > Tag::AFTER_ALL);
            }
        }
        assert_eq!(SequenceNumber::new(1 << 56), None);
        assert_eq!(SequenceNumber::MAX.checked_add(1), None);
    }
}
