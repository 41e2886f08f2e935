//! A version of a key in eight bytes, so that a table of a million entries is a short list.

use siltstone_types::Kind;

const FLUSH_BITS: u32 = 31;
const FLUSH_MASK: u64 = (1 << FLUSH_BITS) - 1;

/// What one entry of a table is: the key's number, the flush that wrote it, and whether it is a tombstone. Versions
/// compare by key, and those of one key newest first, as internal keys do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Version(u64);

impl Version {
    /// A flush writes one version of a key at most, so its number tells versions apart. The highest number is 2^31 - 1.
    pub(super) fn new(key: u32, flush: u32, kind: Kind) -> Version {
        let newest_first = !u64::from(flush) & FLUSH_MASK;
        let tombstone = u64::from(kind == Kind::Delete);
        Version(u64::from(key) << (FLUSH_BITS + 1) | newest_first << 1 | tombstone)
    }

    pub(super) fn key(self) -> u32 {
        // The upper half of 64 bits always fits.
        u32::try_from(self.0 >> (FLUSH_BITS + 1)).unwrap_or(u32::MAX)
    }

    pub(super) fn flush(self) -> u32 {
        u32::try_from(!(self.0 >> 1) & FLUSH_MASK).unwrap_or(u32::MAX)
    }

    pub(super) fn is_tombstone(self) -> bool {
        self.0 & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_sort_by_key_and_then_newest_first() {
        let newest = (1 << 31) - 1;
        let sorted = [
            Version::new(0, newest, Kind::Put),
            Version::new(0, 8, Kind::Put),
            Version::new(0, 7, Kind::Delete),
            Version::new(0, 0, Kind::Put),
            Version::new(1, 9, Kind::Delete),
            Version::new(u32::MAX, 0, Kind::Put),
        ];
        assert!(sorted.is_sorted());
        let parts: Vec<_> = sorted.iter().map(|v| (v.key(), v.flush(), v.is_tombstone())).collect();
        assert_eq!(
            parts,
            [
                (0, newest, false),
                (0, 8, false),
                (0, 7, true),
                (0, 0, false),
                (1, 9, true),
                (u32::MAX, 0, false)
            ]
        );
    }
}
