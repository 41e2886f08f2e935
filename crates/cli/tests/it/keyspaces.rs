//! `--keyspace`, `keyspaces`, and `export --all`.

use crate::Place;

/// A place with three keyspaces: one is empty, one is named in Unicode.
fn place() -> Place {
    let place = Place::with_lines("k\tof default\nfruit\tapple\n");
    let binary = b"k\tof caf\xc3\xa9\n\\xff\\x00\t\\xfe\n\"quoted\"\t{\"a\": 1}\n";
    place.run_with_input(&["import", "--db", "db", "--keyspace", "☕ café", "-"], binary).assert_status(0);
    place.run_with_input(&["import", "--db", "db", "--keyspace", "empty", "-"], b"").assert_status(0);
    place
}

#[test]
fn every_command_works_in_its_keyspace() {
    let place = place();
    place.run(&["keyspaces", "--db", "db"]).assert_prints("default\nempty\n☕ café\n");
    place.run(&["get", "--db", "db", "k"]).assert_prints("of default\n");
    place.run(&["get", "--db", "db", "--keyspace", "☕ café", "k"]).assert_prints("of café\n");
    place.run(&["scan", "--db", "db", "--keyspace", "empty"]).assert_prints("");
    place
        .run(&["scan", "--db", "db", "--keyspace", "☕ café", "k"])
        .assert_prints("k\tof café\n\\xff\0\t\\xfe\n");
    place
        .run(&["export", "--db", "db", "--keyspace", "default"])
        .assert_prints("fruit\tapple\nk\tof default\n");
    place.run(&["delete", "--db", "db", "--keyspace", "☕ café", "k"]).assert_prints("");
    place.run(&["get", "--db", "db", "--keyspace", "☕ café", "k"]).assert_status(1);
    place.run(&["get", "--db", "db", "k"]).assert_prints("of default\n");
    // Compaction is of all keyspaces.
    place.run(&["compact", "--db", "db"]).assert_status(0);
    assert_eq!(place.files("db/sst", ".sst").len(), 2);
}

#[test]
fn a_keyspace_that_does_not_exist_is_created_by_writers_only() {
    let place = Place::with_lines("k\tv\n");
    let missing = format!("there is no keyspace user in the database at {};", place.absolute("db"));
    for command in
        [&["get", "k"][..], &["scan"], &["export"], &["delete", "k"], &["put", "--no-create", "k", "v"]]
    {
        let run = place.run(&[command, &["--db", "db", "--keyspace", "user"]].concat());
        run.assert_fails_with(&[&missing]);
    }
    place.run(&["keyspaces", "--db", "db"]).assert_prints("default\n");
    place.run(&["put", "--db", "db", "--keyspace", "users", "k", "v"]).assert_prints("");
    place.run(&["keyspaces", "--db", "db"]).assert_prints("default\nusers\n");
    let run = place.run(&["get", "k", "--db", "db", "--keyspace", "user"]);
    run.assert_fails_with(&[&missing, "did you mean users?"]);
}

#[test]
fn a_name_that_cannot_be_is_wrong_usage() {
    let place = Place::new();
    for name in ["", &"n".repeat(256)] {
        let run = place.run(&["put", "--db", "db", "--keyspace", name, "k", "v"]);
        assert_eq!((run.status, &*run.out()), (2, ""), "{}", run.err);
        assert!(run.err.contains(&format!("1 to 255 bytes, not {}", name.len())), "{}", run.err);
    }
    assert_eq!(place.names(), [""; 0]);
    place.run(&["put", "--db", "db", "--keyspace", &"n".repeat(255), "k", "v"]).assert_prints("");
}

#[test]
fn all_keyspaces_come_back_with_their_names_and_the_empty_one_too() {
    let place = place();
    let all = place.run(&["export", "--db", "db", "--all"]);
    all.assert_prints(
        "{\"keyspace\":\"default\",\"key\":\"fruit\",\"value\":\"apple\"}\n\
         {\"keyspace\":\"default\",\"key\":\"k\",\"value\":\"of default\"}\n\
         {\"keyspace\":\"empty\"}\n\
         {\"keyspace\":\"☕ café\",\"key\":\"\\\"quoted\\\"\",\"value\":\"{\\\"a\\\": 1}\"}\n\
         {\"keyspace\":\"☕ café\",\"key\":\"k\",\"value\":\"of café\"}\n\
         {\"keyspace\":\"☕ café\",\"key_hex\":\"ff00\",\"value_hex\":\"fe\"}\n",
    );
    place.write("all.jsonl", &all.out);
    let import = place.run(&["import", "--db", "copy", "all.jsonl"]);
    assert!(import.out().starts_with("imported 5 records, "), "{} {}", import.out(), import.err);
    place.run(&["export", "--db", "copy", "--all"]).assert_prints(&all.out());
    place.run(&["keyspaces", "--db", "copy"]).assert_prints("default\nempty\n☕ café\n");
}

#[test]
fn lines_without_a_keyspace_go_to_the_one_of_the_option() {
    let place = Place::new();
    let lines = "{\"key\":\"a\",\"value\":\"1\"}\n{\"keyspace\":\"other\",\"key\":\"b\",\"value\":\"2\"}\n";
    place.write("lines.jsonl", lines);
    place.run(&["import", "--db", "db", "--keyspace", "users", "lines.jsonl"]).assert_status(0);
    place.run(&["export", "--db", "db", "--keyspace", "users"]).assert_prints("a\t1\n");
    place.run(&["export", "--db", "db", "--keyspace", "other"]).assert_prints("b\t2\n");
    place.run(&["export", "--db", "db"]).assert_prints("");
    let run = place.run(&["import", "--db", "db", "--no-create", "--format", "jsonl", "lines.jsonl"]);
    run.assert_status(0);
    place.write("more.jsonl", "{\"keyspace\":\"new\"}\n");
    let run = place.run(&["import", "--db", "db", "--no-create", "more.jsonl"]);
    run.assert_fails_with(&["more.jsonl line 1: there is no keyspace new"]);
}
