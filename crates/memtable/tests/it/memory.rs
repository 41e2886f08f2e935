//! What a table says it costs is what it costs, and all of it comes back.

use std::{sync::Arc, thread};

use siltstone_memtable::{Memtable, MemtableFactory, SkipListFactory};
use siltstone_testkit::Rng;
use siltstone_types::{Entry, InternalKey, KeyHash, Kind, SequenceNumber};

use crate::{
    FACTORIES,
    allocator::{allocations_of, held_by},
};

#[derive(Clone, Copy, Debug)]
enum Order {
    Ascending,
    Random,
}

fn at(sequence: u64) -> SequenceNumber {
    SequenceNumber::new(sequence).unwrap()
}

/// Adds entries with keys and values of these lengths, one batch each, so that only the table's own memory
/// stays.
fn fill(table: &dyn Memtable, count: u64, key_bytes: usize, value_bytes: usize, order: Order) {
    let mut rng = Rng::new(17);
    for number in 1..=count {
        let head = match order {
            Order::Ascending => number,
            Order::Random => rng.next_u64(),
        };
        let mut user_key = head.swap_bytes().to_le_bytes().to_vec();
        user_key.resize(key_bytes, 0);
        let value = vec![7; value_bytes];
        let entry = Entry { key: InternalKey::new(&user_key, at(number), Kind::Put), value: &value };
        table.insert_batch(&mut [entry].into_iter());
    }
}

/// The first use of an epoch on a thread takes memory that stays with the thread.
fn warm_up() {
    for factory in FACTORIES {
        fill(&*factory.create(), 10, 8, 8, Order::Ascending);
    }
}

#[test]
fn bytes_are_within_15_percent_of_what_the_allocator_gave() {
    warm_up();
    for factory in FACTORIES {
        for order in [Order::Ascending, Order::Random] {
            for (key_bytes, value_bytes) in
                [(8, 0), (16, 20), (22, 100), (24, 8), (30, 30), (100, 1000), (2000, 0), (8, 10_000)]
            {
                let count = if value_bytes < 1000 { 20_000 } else { 2_000 };
                let (table, held) = held_by(|| {
                    let table = factory.create();
                    fill(&*table, count, key_bytes, value_bytes, order);
                    table
                });
                let said = f64::from(u32::try_from(table.bytes()).unwrap());
                let ratio = said / f64::from(u32::try_from(held).unwrap());
                assert!(
                    (0.85..1.15).contains(&ratio),
                    "{} says {said} for {held}: keys of {key_bytes}, values of {value_bytes}, {order:?}",
                    factory.name()
                );
            }
        }
    }
}

#[test]
fn a_dropped_table_gives_everything_back() {
    warm_up();
    for factory in FACTORIES {
        let use_it = || {
            let table = factory.create();
            for (key_bytes, value_bytes) in [(8, 8), (100, 100), (8, 5_000)] {
                fill(&*table, 500, key_bytes, value_bytes, Order::Random);
            }
            // The same versions again, which are not taken.
            fill(&*table, 500, 8, 5_000, Order::Ascending);
            fill(&*table, 500, 8, 5_000, Order::Ascending);
            let mut cursor = Arc::clone(&table).cursor();
            cursor.first().unwrap();
            while cursor.valid() {
                let key = cursor.key().user_key.to_vec();
                drop((cursor.pin_value(), table.get(&key, KeyHash::of(&key), SequenceNumber::MAX)));
                cursor.next().unwrap();
            }
            // One cursor stands on an entry when the table goes, and is the last owner.
            cursor.last().unwrap();
            drop(table);
            assert!(cursor.valid());
        };
        let ((), held) = held_by(use_it);
        assert_eq!(held, 0, "{} keeps {held} bytes", factory.name());
    }
}

#[test]
fn what_many_threads_added_comes_back_too() {
    warm_up();
    for factory in FACTORIES {
        let (mut total, mut added) = (0, 0);
        let (table, held) = held_by(|| factory.create());
        total += held;
        thread::scope(|scope| {
            let add = |thread: u64| {
                let table = &table;
                move || {
                    let add = || {
                        for number in 0..5_000 {
                            // All threads offer some versions, and one of them has its way.
                            let sequence =
                                if number % 10 == 0 { number } else { number * 4 + thread + 100_000 };
                            let user_key = format!("a key of more than 22 bytes {:05}", number * 7 % 5_000);
                            let key = InternalKey::new(user_key.as_bytes(), at(sequence), Kind::Put);
                            let value = [7; 100];
                            table.insert_batch(&mut [Entry { key, value: &value }].into_iter());
                        }
                    };
                    warm_up();
                    held_by(add).1
                }
            };
            let threads = [0, 1, 2, 3].map(|thread| scope.spawn(add(thread)));
            for thread in threads {
                added += thread.join().unwrap();
            }
        });
        let count = table.entry_count();
        assert_eq!(count, 4 * 4_500 + 500, "{}", factory.name());
        total += added + held_by(|| drop(table)).1;
        // Epochs and the runtime keep a few kilobytes for each thread.
        assert!(added > 3_000_000 && total.abs() < 64 << 10, "{}: {total} of {added}", factory.name());
    }
}

#[test]
fn a_lookup_in_the_skip_list_allocates_for_the_value_alone() {
    warm_up();
    let table = SkipListFactory.create();
    let long = [b'k'; 1000];
    for (sequence, value) in [(1, vec![1; 20]), (2, vec![2; 21]), (3, vec![3; 5_000])] {
        let key = InternalKey::new(&long, at(sequence), Kind::Put);
        table.insert_batch(&mut [Entry { key, value: &value }].into_iter());
    }
    let count = |user_key: &[u8], sequence| {
        let hash = KeyHash::of(user_key);
        allocations_of(|| table.get(user_key, hash, at(sequence))).1
    };
    assert_eq!(count(&long, 0), 0, "nothing is found");
    assert_eq!(count(&long[1..], 9), 0, "nothing is found");
    assert_eq!(count(&long, 1), 0, "the value fits into the slice");
    assert_eq!(count(&long, 2), 1, "the value is copied");
    assert_eq!(count(&long, 3), 0, "the value is shared");
}
