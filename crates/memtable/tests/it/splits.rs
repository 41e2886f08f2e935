//! What was added is found at every moment, by every way there is, while other threads add so many keys that the table
//! has to make room for them.

use std::{
    sync::Arc,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use siltstone_memtable::{Memtable, MemtableFactory};
use siltstone_testkit::{Rng, seed};
use siltstone_types::{Cursor, Entry, InternalKey, KeyHash, Kind, Lookup, SequenceNumber};

use crate::FACTORIES;

const WRITERS: u64 = 3;
const KEYS: u64 = 2_000;
const ROUNDS: u64 = 12;

/// In which order keys come.
#[derive(Clone, Copy, Debug)]
enum Order {
    Ascending,
    Descending,
    Shuffled,
}

/// A table, and how many keys of each writer are in it.
struct Shared {
    table: Arc<dyn Memtable>,
    added: Vec<AtomicU64>,
}

impl Shared {
    fn added(&self) -> Vec<u64> {
        self.added.iter().map(|added| added.load(Ordering::Acquire)).collect()
    }
}

/// Keys of all writers interleave, and every tenth is written by all of them.
fn user_key(order: Order, writer: u64, number: u64) -> Vec<u8> {
    let place = match order {
        Order::Ascending => number,
        Order::Descending => KEYS - number,
        // Odd, so that each place comes once.
        Order::Shuffled => number.wrapping_mul(0x9e37_79b9_7f4a_7c15),
    };
    let writer = if number.is_multiple_of(10) { WRITERS } else { writer };
    format!("{place:020} {writer}").into_bytes()
}

fn sequence(writer: u64, number: u64) -> SequenceNumber {
    SequenceNumber::new(number * WRITERS + writer + 1).unwrap()
}

fn write(shared: &Shared, order: Order, writer: u64) {
    for number in 0..KEYS {
        let user_key = user_key(order, writer, number);
        let key = InternalKey::new(&user_key, sequence(writer, number), Kind::Put);
        shared.table.insert_batch(&mut [Entry { key, value: &user_key }].into_iter());
        shared.added[usize::try_from(writer).unwrap()].store(number + 1, Ordering::Release);
    }
}

/// All entries in one direction.
fn walk(
    cursor: &mut dyn Cursor,
    step: fn(&mut dyn Cursor) -> siltstone_types::Result<()>,
) -> Vec<(Vec<u8>, u64)> {
    let mut found = Vec::new();
    while cursor.valid() {
        assert_eq!(cursor.key().user_key, cursor.value());
        found.push((cursor.key().user_key.to_vec(), cursor.key().sequence().get()));
        step(cursor).unwrap();
    }
    found
}

fn read(shared: &Shared, order: Order, rng: &mut Rng) {
    while shared.added().iter().any(|added| *added < KEYS) {
        let added = shared.added();
        let mut cursor = Arc::clone(&shared.table).cursor();
        for _ in 0..50 {
            let writer = rng.below(WRITERS);
            let Some(last) = added[usize::try_from(writer).unwrap()].checked_sub(1) else { continue };
            // The newest most often: that is where room was made just now.
            let number = if rng.below(2) == 0 { last } else { rng.below(last + 1) };
            let user_key = user_key(order, writer, number);
            let found = shared.table.get(&user_key, KeyHash::of(&user_key), sequence(writer, number));
            assert_eq!(found, Some(Lookup::Value(user_key.as_slice().into())), "by get");
            let key = InternalKey::new(&user_key, sequence(writer, number), Kind::Put);
            cursor.seek(key).unwrap();
            assert!(cursor.valid() && cursor.key() == key, "by seek");
            cursor.seek_for_prev(key).unwrap();
            assert!(cursor.valid() && cursor.key() == key, "by seek from behind");
        }
        cursor.first().unwrap();
        check(&walk(&mut *cursor, |cursor| cursor.next()), &added, order);
        cursor.last().unwrap();
        let mut found = walk(&mut *cursor, |cursor| cursor.prev());
        found.reverse();
        check(&found, &added, order);
    }
}

/// Everything that was added is there, once, in order.
fn check(found: &[(Vec<u8>, u64)], added: &[u64], order: Order) {
    let comes_before =
        |one: &(Vec<u8>, u64), other: &(Vec<u8>, u64)| one.0.cmp(&other.0).then(other.1.cmp(&one.1)).is_lt();
    assert!(found.is_sorted_by(comes_before), "out of order, or twice");
    for (writer, added) in (0..).zip(added) {
        for number in 0..*added {
            let entry = (user_key(order, writer, number), sequence(writer, number).get());
            let is_there =
                found.binary_search_by(|one| one.0.cmp(&entry.0).then(entry.1.cmp(&one.1))).is_ok();
            assert!(is_there, "key {number} of {added} of writer {writer} is passed over, {order:?}");
        }
    }
}

fn run(factory: &dyn MemtableFactory, order: Order, seed: u64) {
    let shared = Shared { table: factory.create(), added: (0..WRITERS).map(|_| AtomicU64::new(0)).collect() };
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let shared = &shared;
            scope.spawn(move || write(shared, order, writer));
        }
        let shared = &shared;
        scope.spawn(move || read(shared, order, &mut Rng::new(seed)));
    });
    assert_eq!(shared.table.entry_count(), WRITERS * KEYS);
    let mut cursor = Arc::clone(&shared.table).cursor();
    cursor.first().unwrap();
    let found = walk(&mut *cursor, |cursor| cursor.next());
    assert_eq!(found.len() as u64, WRITERS * KEYS);
    check(&found, &[KEYS; 3], order);
}

#[test]
fn keys_are_found_while_room_is_made_for_others() {
    let seed = seed();
    for factory in FACTORIES {
        for round in 0..ROUNDS {
            for order in [Order::Ascending, Order::Descending, Order::Shuffled] {
                run(factory, order, seed + round);
            }
        }
    }
}
