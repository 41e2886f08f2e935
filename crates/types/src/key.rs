//! Internal keys: a user key, and which version of it.

use std::cmp::Ordering;

use crate::{Kind, SequenceNumber, Tag};

/// A user key at a position among its versions.
///
/// Ordered by user key (bytewise, ascending), then by tag *descending*, so that the newest version comes first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InternalKey<'a> {
    /// The bytes the user wrote.
    pub user_key: &'a [u8],
    /// Sequence number and kind.
    pub tag: Tag,
}

impl<'a> InternalKey<'a> {
    /// The key of an entry.
    pub const fn new(user_key: &'a [u8], sequence: SequenceNumber, kind: Kind) -> InternalKey<'a> {
        InternalKey { user_key, tag: Tag::new(sequence, kind) }
    }

    /// Before every version of `user_key` at or below `at`: seek here to find what a read at `at` sees.
    pub const fn lookup(user_key: &'a [u8], at: SequenceNumber) -> InternalKey<'a> {
        InternalKey { user_key, tag: Tag::lookup(at) }
    }

    /// Before every version of `user_key`.
    pub const fn before(user_key: &'a [u8]) -> InternalKey<'a> {
        InternalKey { user_key, tag: Tag::NEWEST }
    }

    /// Behind every version of `user_key`, and before those of any greater key.
    pub const fn after(user_key: &'a [u8]) -> InternalKey<'a> {
        InternalKey { user_key, tag: Tag::AFTER_ALL }
    }

    /// The sequence number.
    pub const fn sequence(&self) -> SequenceNumber {
        self.tag.sequence()
    }

    /// The kind; `None` for a position that is no entry's.
    pub const fn kind(&self) -> Option<Kind> {
        self.tag.kind()
    }
}

impl Ord for InternalKey<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.user_key.cmp(other.user_key).then_with(|| other.tag.cmp(&self.tag))
    }
}

impl PartialOrd for InternalKey<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_versions_come_first_and_positions_frame_them() {
        let at = |raw| SequenceNumber::new(raw).unwrap();
        let order = [
            InternalKey::before(b""),
            InternalKey::new(b"", at(1), Kind::Put),
            InternalKey::before(b"a"),
            InternalKey::new(b"a", at(9), Kind::Delete),
            InternalKey::lookup(b"a", at(8)),
            InternalKey::new(b"a", at(8), Kind::Put),
            InternalKey::new(b"a", at(0), Kind::Put),
            InternalKey::after(b"a"),
            InternalKey::before(b"a\0"),
        ];
        assert!(order.is_sorted_by(|a, b| a < b), "{order:?}");
    }
}
