//! Wrong usage, and help.

use crate::Place;

#[track_caller]
fn check(arguments: &[&str], says: &[&str]) {
    let place = Place::new();
    let run = place.run(arguments);
    assert_eq!((run.status, &*run.out()), (2, ""), "{arguments:?} {}", run.err);
    for fact in says {
        assert!(run.err.contains(fact), "{arguments:?}: {fact:?} is not in {}", run.err);
    }
    assert_eq!(place.names(), [""; 0], "{arguments:?} created something");
}

#[test]
fn wrong_usage_is_status_2_and_does_nothing() {
    check(&[], &["Usage: siltstone"]);
    check(&["put", "k"], &["required", "<VALUE>"]);
    check(&["put", "k", "v", "w"], &["unexpected argument 'w'"]);
    check(&["get"], &["required", "<KEY>"]);
    check(&["get", "k", "--db"], &["--db <DIR>"]);
    check(&["get", "k", "--db", ""], &["--db <DIR>"]);
    check(&["scan", "--limit", "some"], &["'some'", "--limit <N>"]);
    check(&["scan", "--limit", "-1"], &["-1"]);
    check(&["import"], &["required", "<FILE>"]);
    check(&["import", "--batch", "0", "-"], &["'0'", "--batch <N>"]);
    check(&["get", "k", "--log", "loud"], &["'loud'", "--log <LEVEL>"]);
    check(&["dump"], &["required", "<FILE>"]);
}

#[test]
fn what_is_almost_right_gets_a_suggestion() {
    check(&["sacn"], &["unrecognized subcommand 'sacn'", "tip: a similar subcommand exists: 'scan'"]);
    check(
        &["scan", "--prefx", "a"],
        &["unexpected argument '--prefx'", "a similar argument exists: '--prefix'"],
    );
    check(&["get", "--no-creat", "k"], &["unexpected argument '--no-creat'", "'--no-create'"]);
}

#[cfg(unix)]
#[test]
fn keys_and_values_need_not_be_text() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};

    let place = Place::new();
    let run = |words: &[&str], bytes: &[&[u8]]| {
        let bytes = bytes.iter().map(|bytes| OsStr::from_bytes(bytes));
        crate::Run::new(place.command(words).args(["--db", "db"]).args(bytes).output().unwrap())
    };
    run(&["put"], &[b"\xff k", b"\xc3("]).assert_prints("");
    assert_eq!(run(&["get", "--raw"], &[b"\xff k"]).out, b"\xc3(");
    run(&["scan"], &[b"\xfe", b"\xff k"]).assert_prints("\\xff k\t\\xc3(\n");
    run(&["delete"], &[b"\xff k"]).assert_prints("");
    let run = run(&["get"], &[b"\xff k"]);
    assert_eq!((run.status, &*run.err), (1, " WARN there is no key \\xff k\n"));
    // Digits are text.
    let output = place.command(&["get", "--hex"]).arg(OsStr::from_bytes(b"\xff")).output().unwrap();
    let run = crate::Run::new(output);
    assert!(run.status == 2 && run.err.contains("no hexadecimal digit"), "{}", run.err);
}

#[test]
fn help_names_every_command_and_exit_status() {
    let place = Place::new();
    let help = place.run(&["--help"]);
    assert_eq!((help.status, &*help.err), (0, ""));
    let help = help.out().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("Exit status: 0 done, 1 key not found, 2 wrong usage, 3 failure."), "{help}");
    for command in [
        "put",
        "get",
        "delete",
        "scan",
        "batch",
        "import",
        "export",
        "flush",
        "compact",
        "verify",
        "dump",
        "stats",
        "keyspaces",
        "bench",
        "SILTSTONE_DB",
    ] {
        assert!(help.contains(command), "{command} is not in {help}");
    }
    let version = place.run(&["--version"]);
    version.assert_prints(concat!("siltstone ", env!("CARGO_PKG_VERSION"), "\n"));
}
