//! The hash of a user key, computed once per lookup.

use xxhash_rust::xxh3::xxh3_64;

/// `xxh3_64` with seed 0 of a user key. Part of the table format: filters on disk hold it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct KeyHash(u64);

impl KeyHash {
    /// Hashes a user key.
    pub fn of(user_key: &[u8]) -> KeyHash {
        KeyHash(xxh3_64(user_key))
    }

    /// The 64 bits.
    pub const fn get(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_never_change() {
        // The first is published by the xxHash project's test suite, the second is a vector of ours.
        assert_eq!(KeyHash::of(b"").get(), 0x2d06_8005_38d3_94c2);
        assert_eq!(KeyHash::of(b"lsm").get(), 0x9a03_b873_3147_dce5);
    }
}
