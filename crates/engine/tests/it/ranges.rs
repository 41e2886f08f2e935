//! Ranges of every form, from both ends.

use std::ops::Bound;

use siltstone::{Db, KeyBounds};
use siltstone_vfs::MemFs;

use crate::{on, tiny};

/// Keys a, c, e, g, i spread over tables and memory, with deleted and overwritten ones among them.
fn filled() -> Db {
    let db = on(&MemFs::new()).settings(tiny()).open().unwrap();
    for key in ["i", "b", "a", "g", "c", "d", "e", "h"] {
        db.put(key, "old").unwrap();
    }
    for key in ["b", "d", "h"] {
        db.delete(key).unwrap();
    }
    for key in ["a", "c", "e", "g", "i"] {
        db.put(key, key).unwrap();
    }
    db
}

fn keys(db: &Db, bounds: impl KeyBounds + Clone) -> String {
    let text =
        |entry: siltstone::Result<siltstone::KeyValue>| String::from_utf8(entry.unwrap().0.to_vec()).unwrap();
    let forward: Vec<String> = db.range(bounds.clone()).map(text).collect();
    let mut backward: Vec<String> = db.range(bounds).rev().map(text).collect();
    backward.reverse();
    assert_eq!(forward, backward, "the two directions disagree");
    forward.concat()
}

#[test]
fn every_form_of_range_has_the_ends_it_says() {
    let db = filled();
    assert_eq!(keys(&db, ..), "acegi");
    assert_eq!(keys(&db, "c".."g"), "ce");
    assert_eq!(keys(&db, "c"..="g"), "ceg");
    assert_eq!(keys(&db, "b".."h"), "ceg");
    assert_eq!(keys(&db, "e"..), "egi");
    assert_eq!(keys(&db, .."e"), "ac");
    assert_eq!(keys(&db, ..="e"), "ace");
    assert_eq!(keys(&db, (Bound::Excluded("c"), Bound::Included("i"))), "egi");
    assert_eq!(keys(&db, "x".."z"), "");
    assert_eq!(keys(&db, "g".."c"), "", "a range the wrong way round is empty");
}

#[test]
fn a_cursor_walks_both_ways_and_lends_what_it_stands_on() {
    let db = filled();
    let mut cursor = db.cursor().unwrap();
    assert!(!cursor.valid());
    let mut walk = String::new();
    let mut note = |cursor: &siltstone::DbCursor| {
        if cursor.valid() {
            assert_eq!(cursor.key(), cursor.value());
            assert_eq!(cursor.pin_value(), cursor.value());
            walk.push_str(std::str::from_utf8(cursor.key()).unwrap());
        } else {
            walk.push('.');
        }
    };
    cursor.seek("b").unwrap();
    note(&cursor);
    for forward in [true, true, false, false, false, false] {
        let moved = if forward { cursor.next() } else { cursor.prev() };
        moved.unwrap();
        note(&cursor);
    }
    cursor.seek_for_prev("h").unwrap();
    note(&cursor);
    cursor.next().unwrap();
    note(&cursor);
    cursor.first().unwrap();
    note(&cursor);
    cursor.last().unwrap();
    note(&cursor);
    assert_eq!(walk, "ceg".to_owned() + "eca." + "giai");
}

#[test]
fn the_shorthands_agree_with_the_range() {
    let db = filled();
    let text = |entry: Option<siltstone::KeyValue>| entry.map(|(key, _)| key.to_vec());
    assert_eq!(text(db.first().unwrap()), Some(b"a".to_vec()));
    assert_eq!(text(db.last().unwrap()), Some(b"i".to_vec()));
    assert!(!db.is_empty().unwrap());
    let many = db.get_many(["a", "b", "c"]).unwrap();
    assert_eq!(many, [Some("a".into()), None, Some("c".into())]);
    assert_eq!(db.get_with("e", <[u8]>::len).unwrap(), Some(1));
    let empty = db.keyspace("empty").unwrap();
    assert!(empty.is_empty().unwrap() && empty.first().unwrap().is_none());
    assert!(!empty.cursor().unwrap().valid());
}

#[test]
fn the_two_ends_meet_without_showing_an_entry_twice() {
    let db = filled();
    for taken_in_front in 0..=5 {
        let mut range = db.range(..);
        let mut seen: Vec<_> = range.by_ref().take(taken_in_front).map(|entry| entry.unwrap().0).collect();
        let mut rest: Vec<_> = range.rev().map(|entry| entry.unwrap().0).collect();
        rest.reverse();
        seen.extend(rest);
        let seen: Vec<u8> = seen.iter().flat_map(|key| key.to_vec()).collect();
        assert_eq!(seen, b"acegi", "{taken_in_front} from the front");
    }
}

#[test]
fn a_prefix_ends_where_it_should() {
    let db = on(&MemFs::new()).open().unwrap();
    let keys: [&[u8]; 6] = [b"", b"a", b"a\xff", b"a\xff\xff", b"b", b"\xff\xff"];
    for key in keys {
        db.put(key, "").unwrap();
    }
    let with = |prefix: &[u8]| db.prefix(prefix).map(|entry| entry.unwrap().0.to_vec()).collect::<Vec<_>>();
    assert_eq!(with(b"a"), [&b"a"[..], b"a\xff", b"a\xff\xff"]);
    assert_eq!(with(b"a\xff"), [&b"a\xff"[..], b"a\xff\xff"]);
    assert_eq!(with(b"\xff"), [&b"\xff\xff"[..]]);
    assert_eq!(with(b"").len(), 6);
}

#[test]
fn an_iterator_shows_what_was_there_when_it_was_made() {
    let db = filled();
    let mut range = db.range(..);
    for key in ["a", "c", "e", "g", "i"] {
        db.delete(key).unwrap();
    }
    db.compact().unwrap();
    assert_eq!(range.by_ref().count(), 5);
    assert_eq!(db.range(..).count(), 0);
}

#[test]
fn many_versions_of_one_key_are_one_entry() {
    let db = on(&MemFs::new()).open().unwrap();
    db.put("a", "first").unwrap();
    let snapshot = db.snapshot();
    for i in 0..1000_u32 {
        db.put("a", format!("{i}")).unwrap();
        db.put("b", format!("{i}")).unwrap();
    }
    db.delete("b").unwrap();
    for range in [db.range(..), snapshot.range(..)] {
        assert_eq!(range.count(), 1);
    }
    assert_eq!(db.range(..).next_back().unwrap().unwrap().1, b"999");
    assert_eq!(snapshot.range(..).next_back().unwrap().unwrap().1, b"first");
}
