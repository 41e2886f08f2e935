//! Every cursor passes the suite of random moves.

use std::sync::Arc;

use siltstone_testkit::{Rng, cursor, entries, seed};
use siltstone_types::{Entry, InternalKey};

use crate::FACTORIES;

#[test]
fn cursors_follow_the_rules_over_random_moves() {
    let seed = seed();
    for factory in FACTORIES {
        for count in [0, 1, 2, 3, 10, 500] {
            let expected = entries::random(seed, count);
            let table = factory.create();
            let mut order: Vec<usize> = (0..count).collect();
            Rng::new(seed).shuffle(&mut order);
            table.insert_batch(&mut order.iter().map(|idx| {
                let (user_key, tag, value) = &expected[*idx];
                Entry { key: InternalKey { user_key, tag: *tag }, value }
            }));
            cursor::check(|| Arc::clone(&table).cursor(), &expected, seed, 20_000);
        }
    }
}
