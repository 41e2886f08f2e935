//! Ctrl-C while an import runs, and the progress that a terminal shows until then.
#![cfg(unix)]

use std::{
    io::Write as _,
    os::unix::process::ExitStatusExt as _,
    process::{Child, ChildStdin, ExitStatus},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{Place, Run, processes::import_that_waits, terminal::Terminal};

fn interrupt(child: &Child) {
    // It is not reaped yet, so the number is still its.
    kill_process(Pid::from_child(child), Signal::INT).unwrap();
}

/// Writes lines until nobody reads them any more.
fn write_until_closed(stdin: &mut ChildStdin) {
    // Far more than a batch and all buffers.
    for number in 0..1_000_000 {
        if stdin.write_all(format!("later {number:09}\tvalue\n").as_bytes()).is_err() {
            return;
        }
    }
    unreachable!("the import goes on after it was interrupted");
}

#[test]
fn an_import_that_is_interrupted_syncs_and_closes_what_it_has() {
    let place = Place::new();
    let (child, mut stdin) = import_that_waits(&place, "100");
    interrupt(&child);
    write_until_closed(&mut stdin);
    let run = Run::new(child.wait_with_output().unwrap());
    run.assert_fails_with(&[
        "interrupted; imported and synced: ",
        " records; import all again to complete them",
    ]);
    let said: usize = run.err.split_whitespace().nth(5).unwrap().parse().unwrap();
    assert_eq!(said % 100, 0, "{said} records are no whole batches");

    // Nothing is recovered: it was closed.
    let scan = place.run(&["scan", "--db", "db", "--keys-only"]);
    assert_eq!((scan.status, &*scan.err), (0, ""));
    assert_eq!(scan.out().lines().count(), said);
    place.run(&["verify", "--db", "db"]).assert_status(0);
}

#[test]
fn the_second_interrupt_ends_the_import_and_leaves_whole_batches() {
    let place = Place::new();
    let (mut child, stdin) = import_that_waits(&place, "100");
    let status: ExitStatus = loop {
        // It waits for a line that does not come, so the first one cannot end it.
        interrupt(&child);
        std::thread::yield_now();
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
    };
    assert_eq!(status.signal(), Some(Signal::INT.as_raw()));
    drop(stdin);
    let scan = place.run(&["scan", "--db", "db", "--keys-only"]);
    scan.assert_status(0);
    assert!(scan.err.contains("recovered what was not closed"), "{}", scan.err);
    let found = scan.out().lines().count();
    assert!(found > 0 && found.is_multiple_of(100), "{found} records are no whole batches");
    place.run(&["put", "--db", "db", "k", "v"]).assert_status(0);
    place.run(&["verify", "--db", "db"]).assert_status(0);
}

#[test]
fn a_terminal_shows_the_progress_until_the_import_ends() {
    let place = Place::new();
    // Each record is a batch that is synced: it takes far longer than the bar takes to appear.
    let lines = crate::lines(0..500_000, |number| format!("key {number:06}\tvalue\n"));
    place.write("lines.tsv", &lines);
    let options = ["--db", "db", "--batch", "1", "--durability", "sync"];
    let mut command = place.command(&[&["import", "lines.tsv"], &options[..]].concat());
    command.env("TERM", "xterm");
    let mut terminal = Terminal::start(command);
    // The size of the file, behind what is read of it.
    terminal.wait_for("/8.50 MB ");
    terminal.wait_for("/s eta ");
    interrupt(&terminal.child);
    terminal.wait_for("interrupted; imported and synced: ");
    let said: usize = terminal.wait_for(" record").parse().unwrap();
    assert_eq!(terminal.status(), Some(3));
    let shown = String::from_utf8(terminal.raw).unwrap();
    let (before, _) = shown.split_once("ERROR").unwrap();
    let cleared = before.rfind("\x1b[2K").unwrap();
    assert!(!before[cleared..].contains("eta"), "the bar stays in front of the error: {before:?}");
    assert_eq!(place.run(&["scan", "--db", "db", "--keys-only"]).out().lines().count(), said);
}
