//! `scan` in all its forms.

use std::io::Read as _;

use crate::{Place, Run};

const LINES: &str = "a\t1\nb\t2\nba\t3\nbb\t4\nc\t5\nd\t6\n";

/// What a scan with these arguments prints.
#[track_caller]
fn check(place: &Place, arguments: &str, expected: &[&str]) {
    let arguments = ["scan", "--db", "db"].into_iter().chain(arguments.split_whitespace());
    let lines: String = expected.iter().flat_map(|line| [*line, "\n"]).collect();
    place.run(&arguments.collect::<Vec<_>>()).assert_prints(&lines);
}

fn check_all_forms(place: &Place) {
    check(place, "", &["a\t1", "b\t2", "ba\t3", "bb\t4", "c\t5", "d\t6"]);
    check(place, "b", &["b\t2", "ba\t3", "bb\t4", "c\t5", "d\t6"]);
    check(place, "bc", &["c\t5", "d\t6"]);
    check(place, "b c", &["b\t2", "ba\t3", "bb\t4", "c\t5"]);
    check(place, "b b", &["b\t2"]);
    check(place, "bc bd", &[]);
    check(place, "c b", &[]);
    check(place, "e", &[]);
    check(place, "--prefix b", &["b\t2", "ba\t3", "bb\t4"]);
    check(place, "--prefix ba", &["ba\t3"]);
    check(place, "--prefix bc", &[]);
    check(place, "--limit 2", &["a\t1", "b\t2"]);
    check(place, "--limit 0", &[]);
    check(place, "--limit 100 c", &["c\t5", "d\t6"]);
    check(place, "--reverse", &["d\t6", "c\t5", "bb\t4", "ba\t3", "b\t2", "a\t1"]);
    check(place, "--reverse b c", &["c\t5", "bb\t4", "ba\t3", "b\t2"]);
    check(place, "--reverse --limit 2", &["d\t6", "c\t5"]);
    check(place, "--reverse --limit 1 a bab", &["ba\t3"]);
    check(place, "--reverse --prefix b --limit 2", &["bb\t4", "ba\t3"]);
    check(place, "--keys-only b c", &["b", "ba", "bb", "c"]);
    check(place, "--keys-only --reverse --limit 1", &["d"]);
}

#[test]
fn every_form_prints_what_lies_in_the_range() {
    check_all_forms(&Place::with_lines(LINES));
}

#[test]
fn every_form_looks_through_several_tables_and_deletions() {
    let place = Place::with_lines("a\told\nbb\told\nbc\told\nd\told\ne\told\n");
    place.run(&["delete", "--db", "db", "bc"]).assert_prints("");
    place.run(&["delete", "--db", "db", "e"]).assert_prints("");
    place.run_with_input(&["import", "--db", "db", "-"], LINES.as_bytes()).assert_status(0);
    check_all_forms(&place);
    assert!(place.files("db/sst", ".sst").len() > 1, "there is one table only");
    place.run(&["compact", "--db", "db"]).assert_status(0);
    check_all_forms(&place);
    assert_eq!(place.files("db/sst", ".sst").len(), 1);
}

#[test]
fn every_format_prints_the_same_entries() {
    let place = Place::with_lines("a\\t\t1\nb\\xff\t\\xfe\n");
    let scan = |arguments: &[&str]| place.run(&[&["scan", "--db", "db"], arguments].concat());
    scan(&[]).assert_prints("a\\t\t1\nb\\xff\t\\xfe\n");
    scan(&["--format", "tsv"]).assert_prints("a\\t\t1\nb\\xff\t\\xfe\n");
    scan(&["--format", "jsonl"])
        .assert_prints("{\"key\":\"a\\t\",\"value\":\"1\"}\n{\"key_hex\":\"62ff\",\"value_hex\":\"fe\"}\n");
    scan(&["--format", "jsonl", "--keys-only"]).assert_prints("{\"key\":\"a\\t\"}\n{\"key_hex\":\"62ff\"}\n");
    scan(&["--format", "hex"]).assert_prints("6109\t31\n62ff\tfe\n");
    scan(&["--format", "hex", "--keys-only", "--reverse"]).assert_prints("62ff\n6109\n");
    scan(&["--hex", "62", "62ff"]).assert_prints("62ff\tfe\n");
    scan(&["--hex", "--prefix", "61"]).assert_prints("6109\t31\n");
    scan(&["--hex", "--format", "tsv", "--prefix", "62FF"]).assert_prints("b\\xff\t\\xfe\n");
}

#[test]
fn a_prefix_excludes_a_range() {
    let place = Place::with_lines(LINES);
    let run = place.run(&["scan", "--db", "db", "--prefix", "b", "a"]);
    assert_eq!((run.status, &*run.out()), (2, ""));
    assert!(run.err.contains("cannot be used with"), "{}", run.err);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let lines: Vec<_> = (0..50_000).map(|number| format!("key {number:06}\tvalue\n")).collect();
    let place = Place::with_lines(&lines.concat());
    let mut child = place.command(&["scan", "--db", "db"]).spawn().unwrap();
    let mut first = [0; 17];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    assert_eq!(&first, b"key 000000\tvalue\n");
    let run = Run::new(child.wait_with_output().unwrap());
    assert_eq!((run.status, &*run.err), (0, ""));
}
