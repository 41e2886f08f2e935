//! `bench`: what it prints, and what it leaves.

use crate::{Place, Run};

#[test]
fn both_modes_are_measured_and_nothing_is_left() {
    let place = Place::new();
    let run = Run::new(
        place.command(&["bench", "--count", "50"]).env("TMPDIR", place.dir.path()).output().unwrap(),
    );
    assert_eq!((run.status, &*run.err), (0, ""));
    let out = run.out();
    let [scratch, lines @ ..] = <[&str; 5]>::try_from(out.lines().collect::<Vec<_>>()).unwrap();
    assert!(scratch.starts_with(&format!("scratch directory {}", place.dir.path().display())), "{scratch}");
    for (line, (mode, what)) in lines.iter().zip([
        ("sync", "writes of 100 bytes"),
        ("sync", "random reads"),
        ("buffered", "writes of 100 bytes"),
        ("buffered", "random reads"),
    ]) {
        let words: Vec<_> = line.split_whitespace().collect();
        assert_eq!((words[0], words[1]), (mode, "50"), "{line}");
        assert!(line.contains(what), "{line}");
        let [seconds, "s", per_second, "op/s"] = words[words.len() - 4..] else { panic!("{line}") };
        let (seconds, per_second): (f64, f64) = (seconds.parse().unwrap(), per_second.parse().unwrap());
        assert!(per_second > 0.0);
        // Both are rounded: the seconds to milliseconds.
        assert!((50.0 / per_second - seconds).abs() < 0.001, "{line}");
    }
    assert_eq!(place.names(), [""; 0]);
}

#[test]
fn a_place_that_cannot_hold_the_scratch_directory_is_named() {
    let place = Place::new();
    let run = Run::new(place.command(&["bench"]).env("TMPDIR", place.path("missing")).output().unwrap());
    run.assert_fails_with(&["cannot create a scratch directory", "TMPDIR", "missing"]);
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_it_and_removes_the_scratch_directory() {
    use std::io::{BufRead as _, BufReader};

    use rustix::process::{Pid, Signal, kill_process};

    let place = Place::new();
    let mut command = place.command(&["bench", "--count", "100000000"]);
    let mut child = command.env("TMPDIR", place.dir.path()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("scratch directory "), "{line}");
    assert_eq!(place.names().len(), 1);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let run = Run::new(child.wait_with_output().unwrap());
    run.assert_fails_with(&["interrupted; the scratch directory was removed"]);
    assert_eq!(place.names(), [""; 0]);
}
