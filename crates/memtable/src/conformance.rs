//! The suite that every memtable has to pass.
//!
//! ```
//! use siltstone_memtable::{SkipListFactory, conformance};
//!
//! conformance::check(&SkipListFactory);
//! ```
//!
//! Cursors are checked more closely by `siltstone_testkit::cursor`, which knows nothing of memtables.
#![expect(clippy::expect_used, reason = "a suite panics about what is wrong")]

use siltstone_types::{
    Entry, Expiring, InternalKey, KeyHash, Kind, Lookup, SequenceNumber, Slice, Tag, limits,
};

use crate::{Memtable, MemtableFactory};

mod cursors;
mod threads;

/// Runs the whole suite.
///
/// # Panics
///
/// When a rule of [`Memtable`] is broken.
pub fn check(factory: &dyn MemtableFactory) {
    tables_are_empty_and_independent(factory);
    the_newest_version_at_or_below_is_found(factory);
    a_tombstone_ends_the_search(factory);
    an_expiring_value_comes_with_its_time(factory);
    neighbours_are_not_mistaken_for_the_key(factory);
    lengths_at_their_limits_are_served(factory);
    values_do_not_pin_the_table(factory);
    a_version_is_never_replaced(factory);
    bytes_and_entries_are_counted(factory);
    cursors::entries_are_in_order_both_ways(factory);
    cursors::positions_between_entries_are_found(factory);
    cursors::a_cursor_outlives_the_handle_it_came_from(factory);
    threads::entries_are_seen_whole_and_for_good(factory);
}

fn at(sequence: u64) -> SequenceNumber {
    SequenceNumber::new(sequence).expect("the suite's numbers are small")
}

fn put<'a>(user_key: &'a [u8], sequence: u64, value: &'a [u8]) -> Entry<'a> {
    Entry { key: InternalKey::new(user_key, at(sequence), Kind::Put), value }
}

fn delete(user_key: &[u8], sequence: u64) -> Entry<'_> {
    Entry { key: InternalKey::new(user_key, at(sequence), Kind::Delete), value: b"" }
}

fn insert<'a>(table: &dyn Memtable, entries: impl IntoIterator<Item = Entry<'a>>) {
    table.insert_batch(&mut entries.into_iter());
}

fn get(table: &dyn Memtable, user_key: &[u8], sequence: u64) -> Option<Lookup> {
    table.get(user_key, KeyHash::of(user_key), at(sequence))
}

#[expect(clippy::unnecessary_wraps, reason = "it is compared with answers, which may be none")]
fn value(bytes: &[u8]) -> Option<Lookup> {
    Some(Lookup::Value(Slice::from(bytes)))
}

fn tables_are_empty_and_independent(factory: &dyn MemtableFactory) {
    assert!(!factory.name().is_empty(), "a factory has a name");
    let (one, other) = (factory.create(), factory.create());
    insert(&*one, []);
    assert_eq!((one.entry_count(), get(&*one, b"", 9)), (0, None), "a new table is empty");
    insert(&*one, [put(b"k", 1, b"v")]);
    assert_eq!(get(&*other, b"k", 9), None, "tables share nothing");
    assert_eq!((one.entry_count(), other.entry_count()), (1, 0));
}

fn the_newest_version_at_or_below_is_found(factory: &dyn MemtableFactory) {
    let table = factory.create();
    // Not in order, and with gaps: one batch may spread over several tables.
    insert(&*table, [put(b"k", 7, b"seven"), put(b"k", 3, b"three"), put(b"j", 4, b"other")]);
    insert(&*table, [put(b"k", 0, b"zero"), put(b"k", 5, b"")]);
    let expected: [&[u8]; 10] =
        [b"zero", b"zero", b"zero", b"three", b"three", b"", b"", b"seven", b"seven", b"seven"];
    for (sequence, expected) in (0..).zip(expected) {
        assert_eq!(get(&*table, b"k", sequence), value(expected), "at {sequence}");
    }
    assert_eq!(get(&*table, b"k", SequenceNumber::MAX.get()), value(b"seven"));
    assert_eq!(get(&*table, b"j", 3), None, "older than the only version");
    let last = SequenceNumber::MAX.get();
    insert(&*table, [put(b"k", last, b"last")]);
    assert_eq!(get(&*table, b"k", last - 1), value(b"seven"));
    assert_eq!(get(&*table, b"k", last), value(b"last"), "the greatest number is one like the others");
}

fn a_tombstone_ends_the_search(factory: &dyn MemtableFactory) {
    let table = factory.create();
    insert(&*table, [put(b"k", 1, b"v"), delete(b"k", 2), put(b"k", 4, b"again"), delete(b"only", 3)]);
    assert_eq!(get(&*table, b"k", 1), value(b"v"));
    assert_eq!(get(&*table, b"k", 2), Some(Lookup::Tombstone));
    assert_eq!(get(&*table, b"k", 3), Some(Lookup::Tombstone));
    assert_eq!(get(&*table, b"k", 4), value(b"again"));
    assert_eq!(get(&*table, b"only", 9), Some(Lookup::Tombstone), "even where nothing was before");
    assert_eq!(get(&*table, b"only", 2), None);
}

fn an_expiring_value_comes_with_its_time(factory: &dyn MemtableFactory) {
    let table = factory.create();
    let large = vec![7; 5000];
    for (sequence, expires_at_unix_ms, bytes) in
        [(2, 0, &b""[..]), (3, 1_700_000_000_000, b"v"), (5, u64::MAX, &large)]
    {
        let mut stored = Vec::new();
        Expiring { expires_at_unix_ms, value: bytes }.encode(&mut stored);
        let key = InternalKey::new(b"k", at(sequence), Kind::ExpiringPut);
        insert(&*table, [Entry { key, value: &stored }]);
        let expected = Lookup::Expiring { expires_at_unix_ms, value: Slice::from(bytes) };
        assert_eq!(
            get(&*table, b"k", sequence),
            Some(expected),
            "whether it has expired is not the table's business"
        );
        let mut cursor = table.clone().cursor();
        cursor.seek(key).expect("it is in memory");
        assert_eq!((cursor.key(), cursor.value()), (key, &*stored), "a cursor shows what was stored");
    }
    insert(&*table, [put(b"k", 1, b"older"), delete(b"k", 4)]);
    assert_eq!(get(&*table, b"k", 1), value(b"older"));
    assert_eq!(get(&*table, b"k", 4), Some(Lookup::Tombstone));
    assert!(matches!(get(&*table, b"k", 9), Some(Lookup::Expiring { .. })), "it ends the search");
}

/// Keys that are prefixes of each other, and differ in zeros only, about the lengths at which keys may be
/// stored in another way.
fn neighbours() -> Vec<Vec<u8>> {
    let mut keys = vec![Vec::new()];
    for len in [1, 7, 8, 9, 16, 20, 21, 22, 23, 24, 32, 255, 256, 300] {
        for last in [0, 1, 0xfe, 0xff] {
            let mut key = vec![0; len];
            key[len - 1] = last;
            keys.push(key.clone());
            key[0] = 0xff;
            keys.push(key);
        }
    }
    keys.sort();
    keys.dedup();
    keys
}

fn neighbours_are_not_mistaken_for_the_key(factory: &dyn MemtableFactory) {
    let keys = neighbours();
    for absent in &keys {
        let table = factory.create();
        insert(&*table, keys.iter().filter(|key| *key != absent).map(|key| put(key, 5, key)));
        assert_eq!(get(&*table, absent, 9), None, "{absent:?} is not there");
        for key in keys.iter().filter(|key| *key != absent) {
            assert_eq!(get(&*table, key, 9), value(key), "{key:?} is there");
            assert_eq!(get(&*table, key, 4), None, "{key:?} was not there yet");
        }
    }
}

fn lengths_at_their_limits_are_served(factory: &dyn MemtableFactory) {
    let table = factory.create();
    let longest_key = vec![b'k'; limits::KEY_BYTES_MAX];
    let large = vec![7; 64 << 20];
    insert(&*table, [put(b"", 1, b""), put(&longest_key, 2, b"v"), put(b"large", 3, &large)]);
    assert_eq!(get(&*table, b"", 9), value(b""));
    assert_eq!(get(&*table, &longest_key, 9), value(b"v"));
    assert_eq!(get(&*table, &longest_key[1..], 9), None);
    let found = get(&*table, b"large", 9).and_then(|found| found.into_value_at(|| 0));
    assert!(found.is_some_and(|found| *found == *large), "a value of 64 MiB comes back whole");
    for len in [19, 20, 21, 22, 23, 4095, 4096, 4097] {
        let bytes = vec![b'x'; len];
        insert(&*table, [put(&bytes, 4, &bytes)]);
        assert_eq!(get(&*table, &bytes, 9), value(&bytes), "{len} bytes");
    }
}

fn values_do_not_pin_the_table(factory: &dyn MemtableFactory) {
    let table = factory.create();
    let (small, large) = (vec![1; 4096], vec![2; 4097]);
    insert(&*table, [put(b"small", 1, &small), put(b"large", 2, &large)]);
    let find = |user_key: &[u8]| {
        get(&*table, user_key, 9).and_then(|found| found.into_value_at(|| 0)).expect("it is there")
    };
    let (one_small, other_small) = (find(b"small"), find(b"small"));
    let (one_large, other_large) = (find(b"large"), find(b"large"));
    assert_ne!(one_small.as_ptr(), other_small.as_ptr(), "4 KiB are copied");
    assert_eq!(one_large.as_ptr(), other_large.as_ptr(), "more than 4 KiB are shared");
    drop(table);
    assert!(one_small == *small && one_large == *large, "values outlive the table");
}

fn a_version_is_never_replaced(factory: &dyn MemtableFactory) {
    let table = factory.create();
    insert(&*table, [put(b"k", 1, b"first")]);
    let bytes = table.bytes();
    insert(&*table, [put(b"k", 1, b"second, and longer than the first")]);
    assert_eq!(get(&*table, b"k", 1), value(b"first"));
    assert_eq!(table.entry_count(), 1, "what is not added is no entry");
    assert!(table.bytes() >= bytes, "what it took may be gone, but never comes back");
}

fn bytes_and_entries_are_counted(factory: &dyn MemtableFactory) {
    let table = factory.create();
    let mut before = table.bytes();
    assert!(before < 4096, "an empty table of {before} bytes");
    for (count, (first, len)) in (1..).zip((b'a'..).zip([0, 1, 20, 21, 100, 5_000, 1 << 20])) {
        // Keys that differ: a table need not keep a key as often as it was written.
        let (user_key, bytes) = (vec![first; len.min(1000)], vec![b'v'; len]);
        insert(&*table, [put(&user_key, count, &bytes)]);
        let least = (user_key.len() + len) as u64;
        let grown = table.bytes() - before;
        assert!(grown > least && grown < least + 1024, "{least} bytes of entry count as {grown}");
        assert_eq!(table.entry_count(), count);
        before = table.bytes();
    }
    insert(&*table, [delete(b"k", 99)]);
    assert!(table.bytes() > before, "a tombstone costs something too");
    insert(&*table, (100..110).map(|sequence| put(b"batch", sequence, b"")));
    assert_eq!(table.entry_count(), 18);
}

/// For messages: who and which version.
fn show(key: InternalKey<'_>) -> (Slice, Tag) {
    (Slice::from(key.user_key), key.tag)
}
