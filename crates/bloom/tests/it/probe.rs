//! The probe as `docs/format/sstable.md` describes it, written from that page alone, gives fastbloom's
//! answers.

use proptest::prelude::*;
use siltstone_bloom::Bloom;

use crate::{build, hash_of, open};

/// Whether the bytes of a filter may contain a hash.
fn may_contain(filter: &[u8], hash: u64) -> bool {
    let k = filter[1];
    let words: Vec<u64> =
        filter[8..].chunks(8).map(|word| u64::from_le_bytes(word.try_into().unwrap())).collect();
    let bits = 64 * words.len() as u128;
    let mut probe = hash;
    for _ in 0..k {
        let bit = usize::try_from((u128::from(probe) * bits) >> 64).unwrap();
        if words[bit / 64] >> (bit % 64) & 1 == 0 {
            return false;
        }
        probe = probe.rotate_left(5).wrapping_add(hash.wrapping_mul(0x517c_c1b7_2722_0a95));
    }
    true
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_documented_probe_answers_as_fastbloom_does(
        count in 0_u64..400,
        bits_per_key in 0.5_f64..40.0,
        from in any::<u64>(),
    ) {
        let added: Vec<u64> = (0..count).map(|n| hash_of(from.wrapping_add(n))).collect();
        let bytes = build(&Bloom::bits_per_key(bits_per_key), added.iter().copied());
        let filter = open(&bytes);
        for hash in added {
            prop_assert!(filter.may_contain(hash) && may_contain(&bytes, hash));
        }
        for n in count..count + 2_000 {
            let hash = hash_of(from.wrapping_add(n));
            prop_assert_eq!(filter.may_contain(hash), may_contain(&bytes, hash), "hash {:#x}", hash);
        }
    }

    #[test]
    fn the_order_of_adding_and_repeats_change_nothing(
        mut hashes in proptest::collection::hash_set(any::<u64>(), 0..200),
        bits_per_key in 1.0_f64..20.0,
    ) {
        // Hashes that are not well mixed have to be served too.
        hashes.extend([0, 1, u64::MAX]);
        let hashes: Vec<u64> = hashes.into_iter().collect();
        let policy = Bloom::bits_per_key(bits_per_key);
        let bytes = build(&policy, hashes.iter().copied());
        prop_assert_eq!(&build(&policy, hashes.iter().rev().copied()), &bytes);
        prop_assert_eq!(&build(&policy, hashes.iter().flat_map(|hash| [*hash; 3])), &bytes);
    }
}
