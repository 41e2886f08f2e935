//! The filters as their users see them: bytes in, answers out.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "what is missing here is a failed test")]

mod allocation;
mod damage;
mod golden;
mod probe;
mod rates;

use std::sync::Arc;

use siltstone_bloom::{Bloom, Filter, FilterContext, FilterPolicy};

const LEVEL_0: FilterContext = FilterContext { level: 0, level_count: 7, key_count_max: 1 << 40 };

/// Numbers that stand for hashes: `SplitMix64`, which is a bijection, so that different inputs never collide.
fn hash_of(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn build(policy: &Bloom, hashes: impl IntoIterator<Item = u64>) -> Vec<u8> {
    let mut builder = policy.builder(LEVEL_0).expect("the policy makes filters");
    for hash in hashes {
        builder.add(hash);
    }
    builder.finish()
}

fn open(bytes: &[u8]) -> Arc<dyn Filter> {
    Bloom::default().open(bytes).expect("built just now")
}

/// `FULL=1` asks for the sizes that take longer.
fn is_full() -> bool {
    std::env::var_os("FULL").is_some()
}
