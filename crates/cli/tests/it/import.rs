//! `import`: lines that are right in every way they can be, and lines that are wrong.

use crate::Place;

#[test]
fn a_file_and_standard_input_are_imported_alike() {
    let place = Place::new();
    let lines = "b\t2\r\na\t1\nb\t3";
    place.write("lines.tsv", lines);
    let file = place.run(&["import", "--db", "file", "lines.tsv"]);
    let stdin = place.run_with_input(&["import", "--db", "stdin", "-"], lines.as_bytes());
    for run in [file, stdin] {
        assert_eq!((run.status, &*run.err), (0, ""));
        assert!(run.out().starts_with("imported 3 records, 6 bytes in "), "{}", run.out());
    }
    for db in ["file", "stdin"] {
        // The carriage return belongs to the line end, and the last line of a key counts.
        place.run(&["export", "--db", db]).assert_prints("a\t1\nb\t3\n");
    }
}

#[test]
fn nothing_is_imported_from_nothing() {
    let place = Place::new();
    let run = place.run(&["import", "--db", "db", "-"]);
    assert_eq!((run.status, &*run.err), (0, ""));
    assert!(run.out().starts_with("imported 0 records, 0 bytes in "), "{}", run.out());
    place.run(&["export", "--db", "db"]).assert_prints("");
}

#[test]
fn every_escape_stands_for_its_byte() {
    let place = Place::with_lines("\\x4b\\x65y\t\\x41\\x6C\\x6c \\t\\n\\r\\\\ \\xc3\\xa9\n");
    place.run(&["get", "--db", "db", "--raw", "Key"]).assert_prints("All \t\n\r\\ é");
}

#[test]
fn a_line_that_is_wrong_is_named_with_its_file_and_number() {
    for (wrong, what) in [
        ("no tab", "there is no tab between key and value; write KEY<TAB>VALUE"),
        ("", "there is no tab between key and value"),
        ("k\tv\tw", r"a tab within a value must be written as \t"),
        ("k\tv\t", r"a tab within a value must be written as \t"),
        (r"k\q	v", r"a backslash must be followed by t, n, r, \ or xHH"),
        ("k\tv\\", r"a backslash must be followed by t, n, r, \ or xHH"),
        (r"k	v\x4", r"a backslash must be followed by t, n, r, \ or xHH"),
        (r"k	v\x4g", r"\x4g is not a hexadecimal byte"),
        (r"k	v\x+1", r"\x+1 is not a hexadecimal byte"),
        (&format!("{}\tv", "k".repeat(65_537)), "the key has 65537 bytes, the limit is 65536"),
    ] {
        let place = Place::new();
        let lines = format!("a\t1\nb\t2\n{wrong}\nc\t3\n");
        place.write("lines.tsv", &lines);
        let run = place.run(&["import", "--db", "db", "lines.tsv"]);
        run.assert_fails_with(&[&format!("lines.tsv line 3: {what}")]);
        // The batch was not complete.
        place.run(&["export", "--db", "db"]).assert_prints("");

        let run = place.run_with_input(&["import", "--db", "db", "--batch", "1", "-"], lines.as_bytes());
        run.assert_fails_with(&[
            &format!("standard input line 3: {what}"),
            "; imported before it: 2 records",
        ]);
        place.run(&["export", "--db", "db"]).assert_prints("a\t1\nb\t2\n");
        // The failed import closed what it had opened.
        place.run(&["verify", "--db", "db"]).assert_status(0);
    }
}

#[test]
fn a_folder_is_no_file_to_import() {
    let place = Place::new();
    std::fs::create_dir(place.path("folder")).unwrap();
    let run = place.run(&["import", "--db", "db", "folder"]);
    run.assert_fails_with(&["folder"]);
}
