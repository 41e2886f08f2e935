//! What a memtable promises of its cursors.

use std::{sync::Arc, thread};

use siltstone_types::{Cursor, Entry, InternalKey, Kind, Tag};

use super::{at, delete, insert, neighbours, put, show};
use crate::{Memtable, MemtableFactory};

/// Moves that fail are not among what a memtable does.
fn step(cursor: &mut dyn Cursor, to: fn(&mut dyn Cursor) -> siltstone_types::Result<()>) -> bool {
    to(cursor).expect("a cursor over memory does not fail");
    cursor.valid()
}

pub(super) fn entries_are_in_order_both_ways(factory: &dyn MemtableFactory) {
    let table = factory.create();
    let keys = neighbours();
    // Three versions each, added in an order that is neither the keys' nor the versions'.
    let mut entries: Vec<Entry<'_>> = Vec::new();
    for (sequence, user_key) in (1..).zip(keys.iter().rev().cycle().take(keys.len() * 3)) {
        let is_deleted = sequence % 5 == 0;
        entries.push(if is_deleted { delete(user_key, sequence) } else { put(user_key, sequence, user_key) });
    }
    insert(&*table, entries.iter().copied());
    entries.sort_by(|a, b| a.key.cmp(&b.key));

    let mut cursor = Arc::clone(&table).cursor();
    assert!(!cursor.valid(), "a new cursor stands nowhere");
    assert!(!step(&mut *cursor, |cursor| cursor.next()), "and next leaves it so");
    let mut found = step(&mut *cursor, |cursor| cursor.first());
    for entry in &entries {
        assert!(found && cursor.key() == entry.key, "{:?} is missing on the way up", show(entry.key));
        assert_eq!((cursor.value(), &*cursor.pin_value()), (entry.value, entry.value));
        found = step(&mut *cursor, |cursor| cursor.next());
    }
    assert!(!found, "{:?} is one too many", show(cursor.key()));
    found = step(&mut *cursor, |cursor| cursor.last());
    for entry in entries.iter().rev() {
        assert!(found && cursor.key() == entry.key, "{:?} is missing on the way down", show(entry.key));
        found = step(&mut *cursor, |cursor| cursor.prev());
    }
    assert!(!found, "{:?} is one too many", show(cursor.key()));
}

pub(super) fn positions_between_entries_are_found(factory: &dyn MemtableFactory) {
    let table = factory.create();
    insert(&*table, [put(b"b", 3, b"b3"), put(b"b", 6, b"b6"), put(b"d", 5, b"d5")]);
    let mut cursor = table.cursor();
    let mut check = |target: InternalKey<'_>, at_or_after: &str, at_or_before: &str| {
        let here = |cursor: &dyn Cursor| {
            if cursor.valid() { cursor.value().escape_ascii().to_string() } else { "nothing".to_owned() }
        };
        cursor.seek(target).expect("a cursor over memory does not fail");
        assert_eq!(here(&*cursor), at_or_after, "at or after {:?}", show(target));
        cursor.seek_for_prev(target).expect("a cursor over memory does not fail");
        assert_eq!(here(&*cursor), at_or_before, "at or before {:?}", show(target));
    };
    check(InternalKey::before(b""), "b6", "nothing");
    check(InternalKey::after(b"a"), "b6", "nothing");
    check(InternalKey::before(b"b"), "b6", "nothing");
    check(InternalKey::new(b"b", at(6), Kind::Put), "b6", "b6");
    check(InternalKey::lookup(b"b", at(5)), "b3", "b6");
    check(InternalKey::lookup(b"b", at(2)), "d5", "b3");
    check(InternalKey::after(b"b"), "d5", "b3");
    check(InternalKey::before(b"c"), "d5", "b3");
    check(InternalKey::after(b"d"), "nothing", "d5");
    check(InternalKey { user_key: b"zz", tag: Tag::AFTER_ALL }, "nothing", "d5");
}

pub(super) fn a_cursor_outlives_the_handle_it_came_from(factory: &dyn MemtableFactory) {
    let table: Arc<dyn Memtable> = factory.create();
    let large = vec![b'x'; 10_000];
    insert(&*table, [put(b"a", 1, b"y"), put(b"b", 7, &large), put(b"b", 2, b"z")]);
    let mut cursor = Arc::clone(&table).cursor();
    assert!(step(&mut *cursor, |cursor| cursor.first()));
    drop(table);
    let walk = move || {
        assert_eq!(cursor.key(), InternalKey::new(b"a", at(1), Kind::Put));
        assert!(step(&mut *cursor, |cursor| cursor.next()));
        let pinned = cursor.pin_value();
        assert!(step(&mut *cursor, |cursor| cursor.next()));
        assert_eq!(cursor.value(), b"z");
        assert!(!step(&mut *cursor, |cursor| cursor.next()));
        pinned
    };
    let pinned = thread::spawn(walk).join().expect("the cursor moves to another thread");
    assert!(pinned == *large, "a pinned value outlives its cursor");
}
