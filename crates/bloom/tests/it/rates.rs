//! No wrong "no", and as few wrong "maybe"s as the formula promises.

use siltstone_bloom::{Bloom, sizing};

use crate::{build, hash_of, is_full, open};

/// So many false positives that chance alone moves them by a fifth of the tolerance (one standard deviation
/// is 2 %).
const SIGNIFICANT: u32 = 2_500;

#[test]
fn the_measured_rate_is_within_a_tenth_of_the_predicted_one() {
    let key_count = if is_full() { 1_000_000 } else { 100_000 };
    for bits_per_key in [6.0, 10.0, 16.0] {
        let probe_count = sizing::probe_count(bits_per_key);
        let predicted = sizing::false_positive_rate(bits_per_key, probe_count);
        let filter = open(&build(&Bloom::bits_per_key(bits_per_key), (0..key_count).map(hash_of)));
        let (mut asked, mut wrong) = (0_u32, 0);
        while wrong < SIGNIFICANT * if is_full() { 16 } else { 1 } {
            wrong += u32::from(filter.may_contain(hash_of(key_count + u64::from(asked))));
            asked += 1;
            assert!(asked < u32::MAX, "{wrong} wrong answers only");
        }
        let measured = f64::from(wrong) / f64::from(asked);
        assert!(
            (measured / predicted - 1.0).abs() < 0.1,
            "{measured} is not {predicted} at {bits_per_key} bits"
        );
    }
}

#[test]
fn a_policy_by_rate_reaches_its_rate() {
    for rate in [0.1, 0.01] {
        let filter = open(&build(&Bloom::false_positive_rate(rate), (0..100_000).map(hash_of)));
        let wrong =
            (100_000..600_000_u32).filter(|number| filter.may_contain(hash_of(u64::from(*number)))).count();
        let measured = f64::from(u32::try_from(wrong).unwrap()) / 500_000.0;
        assert!((0.9..1.1).contains(&(measured / rate)), "{measured} is not {rate}");
    }
}

#[test]
fn fractions_of_a_bit_are_honoured() {
    let len = |bits_per_key| build(&Bloom::bits_per_key(bits_per_key), (0..64_000).map(hash_of)).len();
    assert_eq!(len(9.5) - len(9.25), 64_000 / 4 / 8);
}

#[test]
fn ten_million_added_keys_are_all_found() {
    // Filters of many sizes, down to crowded ones, rather than one.
    let mut found = 0_u64;
    for (key_count, bits_per_key) in [
        (1, 1.0),
        (9, 0.1),
        (99_990, 2.0),
        (900_000, 6.0),
        (1_000_000, 16.0),
        (3_000_000, 10.0),
        (5_000_000, 4.5),
    ] {
        let hashes = found..found + key_count;
        let filter = open(&build(&Bloom::bits_per_key(bits_per_key), hashes.clone().map(hash_of)));
        for number in hashes {
            assert!(
                filter.may_contain(hash_of(number)),
                "lost {number} of {key_count} at {bits_per_key} bits"
            );
            found += 1;
        }
    }
    assert_eq!(found, 10_000_000);
}
