//! Bytes that must never change.

use siltstone_bloom::{Bloom, FilterPolicy};

use crate::{build, hash_of, open};

const GOLDEN: &[u8] = include_bytes!("../../testdata/compat/fastbloom-1.filter");

/// What the golden file was built from.
fn rebuild() -> Vec<u8> {
    build(&Bloom::bits_per_key(10.0), (0..5_000).map(hash_of))
}

#[test]
fn two_known_hashes_set_the_same_bits_forever() {
    const WORDS: [u64; 2] = [0x2000_0000_0000_0001, 0x0100_8000_4000_2000];
    // The second one is xxh3 of "lsm".
    const HASHES: [u64; 2] = [0x0123_4567_89ab_cdef, 0x9a03_b873_3147_dce5];
    assert_eq!(xxhash_rust::xxh3::xxh3_64(b"lsm"), HASHES[1]);

    // No tuning gives 128 bits and 3 probes to 2 keys: fastbloom makes these words, and ours reads them.
    let mut bloom = fastbloom::BloomFilter::with_num_bits(128).seed(&0).hashes(3);
    for hash in HASHES {
        bloom.insert_hash(hash);
    }
    assert_eq!(bloom.as_slice(), WORDS);
    let bytes = [[1, 3, 0, 0, 2, 0, 0, 0], WORDS[0].to_le_bytes(), WORDS[1].to_le_bytes()].concat();
    assert!(HASHES.iter().all(|hash| open(&bytes).may_contain(*hash)));
}

#[test]
fn the_golden_file_is_read_and_built_again_to_the_same_bytes() {
    if std::env::var_os("BLESS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/compat/fastbloom-1.filter");
        std::fs::write(path, rebuild()).unwrap();
    }
    assert!(GOLDEN == rebuild(), "fastbloom.1 has changed: that takes a new name");
    assert_eq!(GOLDEN[..8], [1, 7, 0, 0, 0x0e, 3, 0, 0]);
    let filter = open(GOLDEN);
    assert!((0..5_000).all(|number| filter.may_contain(hash_of(number))));
    assert!((5_000..10_000).filter(|number| filter.may_contain(hash_of(*number))).count() < 100);
    assert!(filter.bytes() >= GOLDEN.len() - 8);
    assert_eq!(Bloom::default().name(), "fastbloom.1");
}

#[test]
fn a_filter_of_no_keys_contains_nothing() {
    let bytes = build(&Bloom::default(), []);
    assert_eq!(bytes, [1, 7, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert!((0..1_000).all(|number| !open(&bytes).may_contain(hash_of(number))));
}
