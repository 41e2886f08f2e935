//! `put`, `get` and `delete`.

use crate::Place;

#[test]
fn a_value_is_there_from_its_put_to_its_delete() {
    let place = Place::new();
    place.run(&["put", "--db", "db", "apple", "green"]).assert_prints("");
    place.run(&["get", "--db", "db", "apple"]).assert_prints("green\n");
    place.run(&["put", "--db", "db", "apple", "red and ripe"]).assert_prints("");
    place.run(&["get", "--db", "db", "apple"]).assert_prints("red and ripe\n");
    place.run(&["delete", "--db", "db", "apple"]).assert_prints("");
    place.run(&["get", "--db", "db", "apple"]).assert_status(1);
    place.run(&["put", "--db", "db", "apple", "again"]).assert_prints("");
    place.run(&["get", "--db", "db", "apple"]).assert_prints("again\n");
}

#[test]
fn a_key_that_does_not_exist_is_status_1() {
    let place = Place::with_lines("apple\tgreen\n");
    let run = place.run(&["get", "--db", "db", "appl"]);
    assert_eq!((run.status, &*run.out()), (1, ""));
    assert_eq!(run.err, " WARN there is no key appl\n");
    let run = place.run(&["get", "--db", "db", "--log", "error", "a\tb"]);
    assert_eq!((run.status, &*run.err), (1, ""));
    assert!(place.run(&["get", "--db", "db", "a\tb"]).err.contains(r"a\tb"));
    place.run(&["delete", "--db", "db", "appl"]).assert_prints("");
}

#[test]
fn a_key_with_a_time_to_live_deletes_itself() {
    let place = Place::new();
    place.run(&["put", "--db", "db", "session", "old"]).assert_prints("");
    place.run(&["put", "--db", "db", "session", "new", "--ttl", "7d"]).assert_prints("");
    place.run(&["get", "--db", "db", "session"]).assert_prints("new\n");
    place.run(&["scan", "--db", "db"]).assert_prints("session\tnew\n");
    place.run(&["put", "--db", "db", "session", "gone", "--ttl", "0ms"]).assert_prints("");
    place.run(&["get", "--db", "db", "session"]).assert_status(1);
    place.run(&["put", "--db", "db", "kept", "value", "--ttl", "2h"]).assert_prints("");
    place.run(&["export", "--db", "db"]).assert_prints("kept\tvalue\n");
    place.run(&["compact", "--db", "db"]).assert_status(0);
    place.run(&["export", "--db", "db"]).assert_prints("kept\tvalue\n");
    place.run(&["verify", "--db", "db"]).assert_status(0);
    for wrong in ["10", "soon", "-1s", "1.5s"] {
        let ttl = format!("--ttl={wrong}");
        place.run(&["put", "--db", "db", "k", "v", &ttl]).assert_status(2);
    }
}

#[test]
fn the_empty_key_and_the_empty_value_are_like_others() {
    let place = Place::new();
    place.run(&["put", "--db", "db", "", "of the empty key"]).assert_prints("");
    place.run(&["put", "--db", "db", "empty", ""]).assert_prints("");
    place.run(&["get", "--db", "db", ""]).assert_prints("of the empty key\n");
    place.run(&["get", "--db", "db", "empty"]).assert_prints("\n");
    place.run(&["get", "--db", "db", "--raw", "empty"]).assert_prints("");
    place.run(&["scan", "--db", "db"]).assert_prints("\tof the empty key\nempty\t\n");
}

#[test]
fn keys_and_values_may_look_like_options() {
    let place = Place::new();
    place.run(&["put", "--db", "db", "--", "--raw", "-v"]).assert_prints("");
    place.run(&["get", "--db", "db", "--", "--raw"]).assert_prints("-v\n");
    // A number is no option.
    place.run(&["put", "--db", "db", "-1", "-2.5"]).assert_prints("");
    place.run(&["get", "-1", "--db", "db"]).assert_prints("-2.5\n");
    place.run(&["scan", "-1", "-1", "--db", "db"]).assert_prints("-1\t-2.5\n");
    place.run(&["scan", "--prefix", "-1", "--db", "db"]).assert_prints("-1\t-2.5\n");
    place.run(&["delete", "--db", "db", "-1"]).assert_prints("");
    place.run(&["get", "--db", "db", "-1"]).assert_status(1);
}

#[test]
fn raw_prints_the_bytes_and_nothing_else() {
    let place = Place::with_lines("k\t\\x00\\xff\\xFE\\n\\t\\\\\\r end\n");
    let raw = place.run(&["get", "--db", "db", "--raw", "k"]);
    assert_eq!((raw.status, raw.out.as_slice()), (0, b"\x00\xff\xfe\n\t\\\r end".as_slice()));
    place.run(&["get", "--db", "db", "k"]).assert_prints("\0\\xff\\xfe\\n\\t\\\\\\r end\n");
}

#[test]
fn arguments_are_taken_as_they_are() {
    let place = Place::new();
    place.run(&["put", "--db", "db", r"a\tb", "c\td\n"]).assert_prints("");
    place.run(&["get", "--db", "db", "--raw", r"a\tb"]).assert_prints("c\td\n");
    place.run(&["export", "--db", "db"]).assert_prints("a\\\\tb\tc\\td\\n\n");
}

#[test]
fn a_key_that_is_too_long_is_refused_with_the_limit() {
    let place = Place::new();
    place.run(&["put", "--db", "db", &"k".repeat(65_536), "v"]).assert_prints("");
    let run = place.run(&["put", "--db", "db", &"k".repeat(65_537), "v"]);
    run.assert_fails_with(&["65537 bytes", "65536"]);
}

#[test]
fn hex_stands_for_any_bytes() {
    let place = Place::new();
    place.run(&["put", "--db", "db", "--hex", "00Ff", "c328"]).assert_prints("");
    place.run(&["get", "--db", "db", "--hex", "00fF"]).assert_prints("c328\n");
    let raw = place.run(&["get", "--db", "db", "--hex", "--raw", "00ff"]);
    assert_eq!((raw.status, raw.out.as_slice()), (0, b"\xc3(".as_slice()));
    place.run(&["scan", "--db", "db"]).assert_prints("\0\\xff\t\\xc3(\n");
    place.run(&["get", "--db", "db", "--hex", "00"]).assert_status(1);
    place.run(&["delete", "--db", "db", "--hex", "00ff"]).assert_prints("");
    place.run(&["get", "--db", "db", "--hex", "00ff"]).assert_status(1);
    place.run(&["put", "--db", "db", "--hex", "", ""]).assert_prints("");
    place.run(&["scan", "--db", "db"]).assert_prints("\t\n");
}

#[test]
fn a_value_may_be_the_content_of_a_file() {
    let place = Place::new();
    let content = b"two\nlines\xff\0\r\n";
    place.write("value", content);
    place.run(&["put", "--db", "db", "k", "--file", "value"]).assert_prints("");
    place.run_with_input(&["put", "--db", "db", "--file", "-", "l"], content).assert_prints("");
    place.run(&["put", "--db", "db", "--hex", "6d", "--file", "value"]).assert_prints("");
    for key in ["k", "l", "m"] {
        let raw = place.run(&["get", "--db", "db", "--raw", key]);
        assert_eq!((raw.status, raw.out.as_slice()), (0, content.as_slice()), "{key}");
    }
    place.run(&["put", "--db", "db", "empty", "--file", "/dev/null"]).assert_prints("");
    place.run(&["get", "--db", "db", "empty"]).assert_prints("\n");
}

#[test]
fn a_write_of_any_durability_is_there_after_the_command() {
    for durability in ["sync", "buffered", "interval:60000"] {
        let place = Place::new();
        place.run(&["put", "--db", "db", "--durability", durability, "k", "v"]).assert_prints("");
        place.run(&["get", "--db", "db", "k"]).assert_prints("v\n");
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_is_too_long_for_a_value_is_not_read() {
    let place = Place::new();
    place.write("long", "");
    // Sparse: it takes no space.
    let flags = rustix::fs::OFlags::WRONLY;
    let file = rustix::fs::open(place.path("long"), flags, rustix::fs::Mode::empty()).unwrap();
    rustix::fs::ftruncate(file, (1 << 30) + 1).unwrap();
    let run = place.run(&["put", "--db", "db", "k", "--file", "long"]);
    run.assert_fails_with(&[
        "long has more than 1073741824 bytes, the limit of a value; nothing was written",
    ]);
    assert_eq!(place.names(), ["long"]);
}
