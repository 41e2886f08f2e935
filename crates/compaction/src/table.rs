//! What is known of a table without opening it.

use std::fmt;

use siltstone_types::{SequenceNumber, Slice};

/// Names a table; the number of its file. Never used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TableId(pub u64);

impl fmt::Display for TableId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// All user keys from `first` to `last`, both included.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct KeyRange {
    /// The smallest key.
    pub first: Slice,
    /// The largest key; not less than `first`.
    pub last: Slice,
}

impl KeyRange {
    /// From one key to another, both included.
    pub fn new(first: impl Into<Slice>, last: impl Into<Slice>) -> KeyRange {
        KeyRange { first: first.into(), last: last.into() }
    }

    /// True when some key is in both.
    pub fn overlaps(&self, other: &KeyRange) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    /// True when the key is in the range.
    pub fn contains(&self, user_key: &[u8]) -> bool {
        *self.first <= *user_key && *user_key <= *self.last
    }

    /// True when every key of `other` is in the range.
    pub fn covers(&self, other: &KeyRange) -> bool {
        self.first <= other.first && other.last <= self.last
    }

    /// The smallest range that covers all the ranges; `None` when there are none.
    pub fn hull<'a>(ranges: impl IntoIterator<Item = &'a KeyRange>) -> Option<KeyRange> {
        let mut ranges = ranges.into_iter();
        let mut hull = ranges.next()?.clone();
        for range in ranges {
            if range.first < hull.first {
                hull.first = range.first.clone();
            }
            if range.last > hull.last {
                hull.last = range.last.clone();
            }
        }
        Some(hull)
    }
}

/// A table as a strategy sees it. Its place in the tree, level and epoch, is that of the run that holds it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TableMeta {
    /// Its name.
    pub id: TableId,
    /// Size of the file, in bytes.
    pub file_bytes: u64,
    /// Keys and values before compression, in bytes.
    pub raw_bytes: u64,
    /// Number of entries, tombstones included.
    pub entries: u64,
    /// Number of entries that are tombstones.
    pub tombstones: u64,
    /// The user keys inside. Both ends are keys of the table.
    pub range: KeyRange,
    /// Lowest sequence number inside.
    pub first_sequence: SequenceNumber,
    /// Highest sequence number inside.
    pub last_sequence: SequenceNumber,
    /// When the table was written, in milliseconds since 1970.
    pub created_unix_ms: u64,
    /// When the oldest tombstone inside was written, or could have been; `None` when it holds none.
    pub oldest_tombstone_unix_ms: Option<u64>,
}
