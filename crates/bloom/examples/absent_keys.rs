//! Builds a filter, opens its bytes, and asks it about keys that are there and keys that are not.
#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use std::error::Error;

use siltstone_bloom::{Bloom, FilterContext, FilterPolicy};
use xxhash_rust::xxh3::xxh3_64;

fn main() -> Result<(), Box<dyn Error>> {
    let policy = Bloom::false_positive_rate(0.01);
    let context = FilterContext { level: 0, level_count: 7, key_count_max: 10_000 };
    let mut builder = policy.builder(context).ok_or("a rate below 1 makes filters")?;
    for number in 0..10_000_u32 {
        builder.add(xxh3_64(&number.to_le_bytes()));
    }
    let bytes = builder.finish();

    // Later, elsewhere, by a policy that may be tuned otherwise:
    let filter = Bloom::bits_per_key(16.0).open(&bytes)?;
    let count = |from: u32, to: u32| {
        (from..to).filter(|number| filter.may_contain(xxh3_64(&number.to_le_bytes()))).count()
    };
    println!("{filter:?}: {} bytes stored", bytes.len());
    println!("present keys it says maybe to: {} of 10000", count(0, 10_000));
    println!("absent keys it says maybe to: {} of 10000", count(10_000, 20_000));
    Ok(())
}
