//! `batch`: lines of standard input, all or nothing.

use crate::Place;

#[test]
fn all_lines_are_applied_in_order_as_one_batch() {
    let place = Place::with_lines("old\tgone\n");
    let lines = b"put apple {\"color\": \"green\"}\n\nPUT \"a b\"  two  blanks \r\ndelete old\nput apple red\nput \"\\x00\\\"\" x";
    let run = place.run_with_input(&["batch", "--db", "db"], lines);
    run.assert_prints("applied 4 puts and 1 delete\n");
    place.run(&["scan", "--db", "db"]).assert_prints("\0\"\tx\na b\t two  blanks \napple\tred\n");
    // Each line took a sequence number, behind the one of the import.
    let stats = place.run(&["stats", "--db", "db", "--json"]);
    let stats: serde_json::Value = serde_json::from_slice(&stats.out).unwrap();
    assert_eq!(stats["sequence"], 6);
}

#[test]
fn nothing_is_applied_when_a_line_is_wrong() {
    let place = Place::new();
    for (wrong, what) in [
        ("get k", "this is no command of a batch; write put KEY VALUE or delete KEY"),
        ("put", "column 4: KEY is missing: put KEY VALUE"),
        ("put k", "column 6: VALUE is missing: put KEY VALUE"),
        ("delete", "column 7: KEY is missing: delete KEY"),
        ("pt k v", "column 1: there is no command pt; did you mean put?"),
        ("delete a b", "column 10: b is too much: delete KEY"),
        ("put \"a", "column 5: the quote that begins here has no end"),
        ("put \"a\"b c", "column 8: a blank must follow a closing quote"),
        ("put \"\\q\" c", "column 6: a backslash in quotes must be followed by \", \\, n, r, t or xHH"),
        (&format!("put {} v", "k".repeat(65_537)), "the key has 65537 bytes, the limit is 65536"),
    ] {
        let run =
            place.run_with_input(&["batch", "--db", "db"], format!("put a 1\n{wrong}\nput b 2\n").as_bytes());
        run.assert_fails_with(&[&format!("standard input line 2: {what}"), "; nothing was applied"]);
        assert_eq!(place.names(), [""; 0], "{wrong}");
    }
}

#[test]
fn an_empty_batch_changes_nothing() {
    let place = Place::with_lines("k\tv\n");
    place.run_with_input(&["batch", "--db", "db"], b"\n \n").assert_prints("applied 0 puts and 0 deletes\n");
    place.run(&["scan", "--db", "db"]).assert_prints("k\tv\n");
}

#[test]
fn a_batch_goes_to_its_keyspace() {
    let place = Place::with_lines("k\tof default\n");
    let run = place.run_with_input(&["batch", "--db", "db", "--keyspace", "users"], b"put k of users\n");
    run.assert_prints("applied 1 put and 0 deletes\n");
    place.run(&["get", "--db", "db", "k"]).assert_prints("of default\n");
    place.run(&["--keyspace", "users", "get", "--db", "db", "k"]).assert_prints("of users\n");
}
