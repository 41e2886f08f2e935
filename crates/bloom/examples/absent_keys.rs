//! Builds a filter, opens its bytes, and asks it about keys that are there and keys that are not.
#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use std::error::Error;

use siltstone_bloom::{Bloom, FilterContext, FilterPolicy};

/// 64 well-mixed bits of a number: the finalizer of splitmix64. For byte strings take xxh3 or the like.
fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

fn main() -> Result<(), Box<dyn Error>> {
    let policy = Bloom::false_positive_rate(0.01);
    let context = FilterContext { level: 0, level_count: 7, key_count_max: 10_000 };
    let mut builder = policy.builder(context).ok_or("a rate below 1 makes filters")?;
    for number in 0..10_000 {
        builder.add(mixed(number));
    }
    let bytes = builder.finish();

    // Later, elsewhere, by a policy that may be tuned otherwise:
    let filter = Bloom::bits_per_key(16.0).open(&bytes)?;
    let count = |from: u64, to: u64| (from..to).filter(|number| filter.may_contain(mixed(*number))).count();
    println!("{filter:?}: {} bytes stored", bytes.len());
    println!("present keys it says maybe to: {} of 10000", count(0, 10_000));
    println!("absent keys it says maybe to: {} of 10000", count(10_000, 20_000));
    Ok(())
}
