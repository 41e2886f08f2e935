//! How many bits and probes a filter needs, and how often it answers wrongly.
//!
//! With `b` bits for each key and `k` probes, the share of set bits in a full filter is `1 - e^(-k/b)`, and
//! an absent key is taken for a present one when all its probes hit such bits: `(1 - e^(-k/b))^k`. This is
//! least for `k = b ln 2`. Bloom, "Space/time trade-offs in hash coding with allowable errors", CACM 13
//! (1970); in this form in Broder and Mitzenmacher, "Network applications of Bloom filters: a survey",
//! Internet Mathematics 1 (2004).

use std::f64::consts::LN_2;

/// Most probes a filter makes. Part of the file format.
pub const PROBE_COUNT_MAX: u32 = 30;

/// Most bits for a key that a policy can be told to spend: more than [`PROBE_COUNT_MAX`] probes can use.
pub const BITS_PER_KEY_MAX: f64 = 64.0;

/// The share of absent keys that a full filter says "maybe" to: 0 to 1.
///
/// 1 when there are no bits (or fewer than none), or no probes.
pub fn false_positive_rate(bits_per_key: f64, probe_count: u32) -> f64 {
    if bits_per_key <= 0.0 || bits_per_key.is_nan() || probe_count == 0 {
        return 1.0;
    }
    let probes = f64::from(probe_count);
    (-(-probes / bits_per_key).exp_m1()).powf(probes)
}

/// The number of probes for a number of bits for each key: the nearest to the best, from 1 to
/// [`PROBE_COUNT_MAX`].
pub fn probe_count(bits_per_key: f64) -> u32 {
    // One product, rounded: the same on every platform, as a comparison of two powers would not be.
    let best = bits_per_key * LN_2;
    // Comparisons in place of a cast, which would be silent about numbers that do not fit.
    (1..=PROBE_COUNT_MAX)
        .take_while(|count| *count == 1 || f64::from(*count) - 0.5 <= best)
        .last()
        .unwrap_or(1)
}

/// The fewest bits for each key with which a filter is wrong at most this often, in steps of 1/64 bit.
///
/// 0 for a rate of 1 or more, which takes no filter at all; [`BITS_PER_KEY_MAX`] for rates that are too small
/// for it (and for those that are none: 0 and below, and not a number).
pub fn bits_per_key(false_positive_rate: f64) -> f64 {
    if false_positive_rate >= 1.0 {
        return 0.0;
    }
    if false_positive_rate <= 0.0 || false_positive_rate.is_nan() {
        return BITS_PER_KEY_MAX;
    }
    // The formula above, solved for the bits. With a whole number of probes this is a little more than the
    // well-known -log2(rate) / ln 2, which holds for k = b ln 2 only.
    let with = |probes: f64| -probes / (-false_positive_rate.powf(probes.recip())).ln_1p();
    let fewest = (1..=PROBE_COUNT_MAX).map(|count| with(f64::from(count))).fold(BITS_PER_KEY_MAX, f64::min);
    // The last digit of a logarithm differs between platforms. Whole steps hide that from the sizes of
    // filters.
    (fewest * 64.0).ceil() / 64.0
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the bounds are exact")]
mod tests {
    use super::*;

    #[test]
    fn rates_equal_the_published_table() {
        // Fan, Cao, Almeida and Broder, "Summary cache", IEEE/ACM ToN 8 (2000), table of m/n against k.
        for (bits_per_key, probe_count, published) in
            [(2.0, 1, 0.393), (6.0, 4, 0.0561), (8.0, 6, 0.0216), (10.0, 7, 0.00819), (16.0, 11, 0.000_459)]
        {
            let rate = false_positive_rate(bits_per_key, probe_count);
            assert!((rate / published - 1.0).abs() < 0.005, "{bits_per_key} bits: {rate} is not {published}");
        }
    }

    #[test]
    fn the_number_of_probes_is_the_best_one_or_next_to_it() {
        for quarter_bits in 1..=256_u32 {
            let bits_per_key = f64::from(quarter_bits) / 4.0;
            let chosen = false_positive_rate(bits_per_key, probe_count(bits_per_key));
            let best =
                (1..=PROBE_COUNT_MAX).map(|k| false_positive_rate(bits_per_key, k)).fold(1.0, f64::min);
            assert!(chosen <= best * 1.12, "{bits_per_key} bits: {chosen} against {best}");
        }
        assert_eq!([1.0, 6.0, 10.0, 16.0, 64.0].map(probe_count), [1, 4, 7, 11, 30]);
        assert_eq!([0.0, -1.0, f64::NAN, f64::INFINITY].map(probe_count), [1, 1, 1, 30]);
    }

    #[test]
    fn bits_for_a_rate_reach_that_rate_and_are_not_wasted() {
        for rate in [0.5, 0.1, 0.03, 0.01, 1e-3, 1e-4, 1e-6] {
            let bits_per_key = bits_per_key(rate);
            let reached = false_positive_rate(bits_per_key, probe_count(bits_per_key));
            assert!(reached <= rate * 1.001, "{rate}: {bits_per_key} bits give {reached}");
            assert!(reached >= rate * 0.97, "{rate}: {bits_per_key} bits give {reached}, fewer would do");
        }
    }

    #[test]
    fn numbers_that_make_no_sense_are_bounded() {
        assert_eq!([1.0, 2.0].map(bits_per_key), [0.0, 0.0]);
        assert_eq!([0.0, -1.0, f64::NAN, 1e-300].map(bits_per_key), [BITS_PER_KEY_MAX; 4]);
        assert_eq!([0.0, -3.0, f64::NAN].map(|bits| false_positive_rate(bits, 4)), [1.0; 3]);
        assert_eq!(false_positive_rate(10.0, 0), 1.0);
    }
}
