//! Several processes, and processes that are killed.

use std::{
    fs,
    io::Write as _,
    process::{Child, Stdio},
};

use crate::{Place, Run, fact};

/// What a pipe (64 KiB) and the buffers of the program can hold that it has not looked at. A line that was
/// written so many bytes ago was read.
const UNREAD_BYTES_MAX: usize = 128 << 10;

const LINES: usize = 20_000;

fn key(number: usize) -> String {
    format!("key {number:06}")
}

/// Lines of one length with keys in order.
fn line(number: usize) -> String {
    format!("{}\tvalue of {number:06}\n", key(number))
}

/// An import into `db` that has read most of the lines and now waits for more. No clock is needed: what does
/// not fit into the pipe has been read.
pub(crate) fn import_that_waits(place: &Place, batch: &str) -> (Child, std::process::ChildStdin) {
    let mut child = place
        .command(&["import", "--db", "db", "--batch", batch, "-"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let lines: String = (0..LINES).map(line).collect();
    assert!(lines.len() > 4 * UNREAD_BYTES_MAX);
    stdin.write_all(lines.as_bytes()).unwrap();
    (child, stdin)
}

#[test]
fn a_second_writer_is_refused_with_the_pid_of_the_first() {
    let place = Place::new();
    let (child, mut stdin) = import_that_waits(&place, "100");
    let holder = format!("the database is open in process {};", child.id());
    for command in
        [&["put", "k", "v"][..], &["delete", "k"], &["flush"], &["compact"], &["import", "/dev/null"]]
    {
        let run = place.run(&[command, &["--db", "db"]].concat());
        run.assert_fails_with(&[&holder, "db/LOCK"]);
    }

    // The one that had it is not disturbed.
    stdin.write_all(b"last\tline\n").unwrap();
    drop(stdin);
    let import = Run::new(child.wait_with_output().unwrap());
    assert_eq!((import.status, &*import.err), (0, ""));
    assert!(import.out().starts_with("imported 20001 records, "), "{}", import.out());
    place.run(&["put", "--db", "db", "k", "v"]).assert_prints("");
    assert_eq!(place.run(&["scan", "--db", "db", "--keys-only"]).out().lines().count(), LINES + 2);
}

#[test]
fn readers_need_no_lock() {
    let place = Place::new();
    let (child, stdin) = import_that_waits(&place, "100");
    let get = place.run(&["get", "--db", "db", &key(0)]);
    assert_eq!((get.status, &*get.out()), (0, "value of 000000\n"), "{}", get.err);
    let scan = place.run(&["scan", "--db", "db", "--limit", "2", &key(100)]);
    assert_eq!((scan.status, scan.out()), (0, line(100) + &line(101)), "{}", scan.err);
    drop(stdin);
    Run::new(child.wait_with_output().unwrap()).assert_status(0);
}

/// Kills an import and checks what is left; returns the place and the number of lines that are.
fn kill_an_import(batch: usize) -> (Place, usize) {
    let place = Place::new();
    let (mut child, stdin) = import_that_waits(&place, &batch.to_string());
    // SIGKILL on Unix.
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
    drop(stdin);

    let scan = place.run(&["scan", "--db", "db"]);
    scan.assert_status(0);
    let found = scan.out().lines().count();
    assert_eq!(scan.out(), (0..found).map(line).collect::<String>(), "no prefix of what was written");
    assert_eq!(found % batch, 0, "{found} lines are not whole batches of {batch}");
    let read_min = LINES - UNREAD_BYTES_MAX / line(0).len();
    assert!(found > read_min - batch, "{found} lines are left of at least {read_min}");
    check_report(&scan, found, batch);
    (place, found)
}

/// What opening recovered, on standard error.
#[track_caller]
fn check_report(run: &Run, lines: usize, batch: usize) {
    assert_eq!(run.err.lines().count(), 1, "{}", run.err);
    assert!(run.err.starts_with(" INFO recovered "), "{}", run.err);
    let number = |name| fact(&run.err, name).parse::<usize>().unwrap();
    assert_eq!(number("records"), lines / batch);
    assert!(number("bytes") > lines * (line(0).len() - 2), "{}", run.err);
    // A record that was being written can be there in part.
    assert!(number("dropped_bytes") <= batch * 64 + 64, "{}", run.err);
    number("milliseconds");
}

#[test]
fn whole_batches_survive_a_killed_import() {
    for batch in [1, 7, 1000] {
        let (place, found) = kill_an_import(batch);
        // Only reading changes nothing: it is all to be recovered again.
        check_report(&place.run(&["get", "--db", "db", &key(0)]), found, batch);
        let put = place.run(&["put", "--db", "db", "later", "v"]);
        put.assert_status(0);
        check_report(&put, found, batch);
        // That one closed the database.
        let scan = place.run(&["scan", "--db", "db"]);
        scan.assert_prints(&((0..found).map(line).collect::<String>() + "later\tv\n"));
        place.run(&["verify", "--db", "db"]).assert_status(0);
    }
}

#[test]
fn a_log_cut_within_a_record_loses_that_record_and_says_how_many_bytes() {
    let (place, found) = kill_an_import(10);
    let [log] = place.files("db/wal", ".log").try_into().unwrap();
    let bytes = fs::read(&log).unwrap();
    // The kill may have cut a record itself. What is cut here is the last one that is whole.
    let torn = place.run(&["get", "--db", "db", &key(0)]);
    let dropped: usize = fact(&torn.err, "dropped_bytes").parse().unwrap();
    // What is behind the records is reserved, and zero.
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    fs::write(&log, &bytes[..end - dropped - 1]).unwrap();
    let put = place.run(&["put", "--db", "db", "later", "v"]);
    put.assert_status(0);
    assert!(
        fact(&put.err, "dropped_bytes").parse::<usize>().unwrap() > 10 * line(0).len() - 20,
        "{}",
        put.err
    );
    place
        .run(&["scan", "--db", "db"])
        .assert_prints(&((0..found - 10).map(line).collect::<String>() + "later\tv\n"));
}
