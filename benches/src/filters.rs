//! Bloom filters over keys.

use siltstone_bloom::{Bloom, FilterContext, FilterPolicy};
use siltstone_types::KeyHash;

use crate::{Outcome, Pairs};

/// The bytes of a filter of 10 bits for each key.
///
/// # Errors
///
/// When the policy makes no filter of so many keys.
pub fn build(hashes: &[u64]) -> Outcome<Vec<u8>> {
    let context = FilterContext { level: 0, level_count: 1, key_count_max: hashes.len() as u64 };
    let mut builder = Bloom::default().builder(context).ok_or("the policy makes no filter")?;
    for &hash in hashes {
        builder.add(hash);
    }
    Ok(builder.finish())
}

/// The hashes of keys, in a random order that is the same each time.
pub fn hashes(keys: &[Vec<u8>]) -> Vec<u64> {
    Pairs::shuffled(keys).into_iter().map(|key| KeyHash::of(key).get()).collect()
}
