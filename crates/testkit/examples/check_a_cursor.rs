//! Checks a cursor over random entries, and shows what a failure looks like.
#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use siltstone_testkit::{cursor, entries, seed};
use siltstone_types::{Entry, InternalKey, VecCursor};

fn main() {
    // 17, or what the environment variable SEED says; printed, so that a failed run can be repeated.
    let seed = seed();
    let expected = entries::random(seed, 100);

    // Whatever holds these entries can be checked; here it is the cursor over a plain list.
    let over = |entries: &[entries::Owned]| {
        VecCursor::new(
            entries
                .iter()
                .map(|(user_key, tag, value)| Entry { key: InternalKey { user_key, tag: *tag }, value }),
        )
    };
    // At the end an invalid cursor is asked for what it cannot have: three panics are printed.
    cursor::check(|| Box::new(over(&expected)), &expected, seed, 10_000);
    println!("no difference in 10000 moves");

    // A cursor that has lost an entry: the panic shows the seed and the last moves.
    let lost = std::panic::catch_unwind(|| {
        cursor::check(|| Box::new(over(&expected[..99])), &expected, seed, 10_000);
    });
    println!("a lost entry is found: {}", lost.is_err());
}
