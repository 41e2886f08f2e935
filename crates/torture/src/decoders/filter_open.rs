//! Filters: what opens answers as the documented probes do, and holds what was added.

use siltstone_bloom::{Bloom, FilterContext, FilterPolicy};
use siltstone_types::KeyHash;

use crate::plain::{filter, u64_at};

/// Opens a filter.
///
/// The input is tried as it is, with a header made right, and as hashes to build a filter from.
///
/// # Panics
///
/// When the policy and the page disagree, or a hash that was added is not found.
pub fn filter_open(data: &[u8]) {
    check(data);
    check(&repaired(data));
    build(data);
}

/// The number of words is that of the bytes; the number of probes is in range.
fn repaired(data: &[u8]) -> Vec<u8> {
    let bits = data.get(8..).unwrap_or_default();
    let words = bits.as_chunks::<8>().0;
    let probes = data.get(1).map_or(1, |probes| 1 + probes % 30);
    let count = u32::try_from(words.len()).unwrap_or(u32::MAX);
    [&[1, probes, 0, 0], &count.to_le_bytes()[..], words.as_flattened()].concat()
}

fn check(bytes: &[u8]) {
    let policy = Bloom::default();
    let (opened, expected) = (policy.open(bytes), filter::read(bytes));
    assert_eq!(opened.is_ok(), expected.is_some(), "{opened:?}");
    let (Ok(opened), Some(expected)) = (opened, expected) else { return };
    assert!(opened.bytes() <= bytes.len() + 256, "it holds what it was given");
    for hash in hashes(bytes) {
        assert_eq!(opened.may_contain(hash), expected.may_contain(hash), "hash {hash:#x}");
    }
}

/// Hashes at both ends, hashes of the bytes, and the bytes taken for hashes.
fn hashes(bytes: &[u8]) -> impl Iterator<Item = u64> {
    let ends = [0, 1, u64::MAX, u64::MAX - 1, 1 << 63];
    let prefixes =
        (0..bytes.len().min(64)).map(|len| KeyHash::of(bytes.get(..len).unwrap_or_default()).get());
    let direct = (0..bytes.len().min(64)).filter_map(|at| u64_at(bytes, at));
    ends.into_iter().chain(prefixes).chain(direct)
}

fn build(data: &[u8]) {
    let hashes: Vec<u64> = data.as_chunks::<8>().0.iter().map(|hash| u64::from_le_bytes(*hash)).collect();
    let bits = data.first().map_or(1.0, |bits| 0.1 + f64::from(bits % 64));
    let policy = Bloom::bits_per_key(bits);
    let context = FilterContext { level: 0, level_count: 1, key_count_max: hashes.len() as u64 };
    let Some(mut builder) = policy.builder(context) else { return };
    for hash in &hashes {
        builder.add(*hash);
    }
    let bytes = builder.finish();
    check(&bytes);
    let opened = policy.open(&bytes);
    assert!(opened.is_ok(), "{opened:?}");
    for hash in &hashes {
        assert!(opened.as_ref().is_ok_and(|filter| filter.may_contain(*hash)), "hash {hash:#x} was added");
    }
}
