//! Damaged bytes: an error or an answer, never a panic, never a large allocation.

use std::sync::Arc;

use proptest::prelude::*;
use siltstone_bloom::{Bloom, DamagedFilter, Filter, FilterPolicy};

use crate::{allocation::largest_while, build, hash_of};

// Error messages are allocated too.
const MESSAGE_BYTES_MAX: usize = 256;

/// Opens and asks; the allocations stay within the length.
fn try_open(bytes: &[u8]) -> Result<Arc<dyn Filter>, DamagedFilter> {
    let (opened, largest) = largest_while(|| Bloom::default().open(bytes));
    assert!(largest <= bytes.len() + MESSAGE_BYTES_MAX, "{largest} bytes for {} bytes", bytes.len());
    if let Ok(filter) = &opened {
        for number in 0..20 {
            filter.may_contain(hash_of(number));
        }
        assert!(filter.bytes() <= bytes.len() + MESSAGE_BYTES_MAX);
    }
    opened
}

#[test]
fn every_change_of_a_header_byte_is_refused_or_harmless() {
    let bytes = build(&Bloom::bits_per_key(10.0), (0..100).map(hash_of));
    let mut damaged = bytes.clone();
    for at in 0..bytes.len() {
        for change in 1..=255 {
            damaged[at] = bytes[at] ^ change;
            let opened = try_open(&damaged);
            match at {
                // Another number of probes is a filter too; that is what the crc around it is for.
                1 => assert_eq!(opened.is_ok(), (1..=30).contains(&damaged[at]), "probes {}", damaged[at]),
                0..8 => assert!(opened.is_err(), "byte {at} changed to {}", damaged[at]),
                _ => assert!(opened.is_ok(), "any bits are a filter"),
            }
        }
        damaged[at] = bytes[at];
    }
}

#[test]
fn every_other_length_is_refused() {
    let mut bytes = build(&Bloom::bits_per_key(10.0), (0..100).map(hash_of));
    for len in 0..bytes.len() {
        assert!(try_open(&bytes[..len]).is_err(), "cut to {len}");
    }
    for _ in 0..17 {
        bytes.push(0);
        assert!(try_open(&bytes).is_err(), "lengthened to {}", bytes.len());
    }
}

proptest! {
    #[test]
    fn any_bytes_are_an_error_or_a_filter(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = try_open(&bytes);
    }

    #[test]
    fn any_bytes_behind_a_right_start_are_an_error_or_a_filter(
        probe_count in 0_u8..33,
        word_count in 0_u8..4,
        rest in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let bytes = [&[1, probe_count, 0, 0, word_count, 0, 0, 0], rest.as_slice()].concat();
        let has_its_words = word_count > 0 && rest.len() == usize::from(word_count) * 8;
        let is_right = (1..=30).contains(&probe_count) && has_its_words;
        prop_assert_eq!(try_open(&bytes).is_ok(), is_right);
    }
}
