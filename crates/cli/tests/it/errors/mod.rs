//! What is said about everything that can be wrong, held to a golden text: what was wrong, where, and what to do.
//!
//! Each section of the text provokes its errors in a place of its own and adds them to the transcript. `UPDATE_EXPECT=1` writes it anew.

mod damage;
mod data;
mod places;
mod usage;

use std::fmt::Write as _;

use expect_test::expect_file;

use crate::{Place, Run, text};

/// Commands that fail, and what they say.
struct Transcript {
    place: Place,
    text: String,
}

impl Transcript {
    fn new(title: &str, place: Place) -> Transcript {
        Transcript { place, text: format!("# {title}\n") }
    }

    /// Says what the next command is about.
    fn note(&mut self, what: &str) {
        // Writing to a string cannot fail.
        let _ = write!(self.text, "\n({what})");
    }

    /// Runs the program with these words.
    #[track_caller]
    fn fails(&mut self, command: &str) {
        self.fails_with_input(command, b"");
    }

    #[track_caller]
    fn fails_with_input(&mut self, command: &str, input: &[u8]) {
        let words = words(command);
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let run = self.place.run_with_input(&words, input);
        self.add(&format!("siltstone {command}"), &run);
    }

    /// Runs a command of the shell, in which `$SILTSTONE` is the program.
    #[track_caller]
    fn fails_in_shell(&mut self, line: &str) {
        let run = self.place.run_in_shell(line, &[("SILTSTONE", env!("CARGO_BIN_EXE_siltstone"))]);
        self.add(&line.replace("$SILTSTONE", "siltstone"), &run);
    }

    #[track_caller]
    fn add(&mut self, command: &str, run: &Run) {
        assert!(run.status == 2 || run.status == 3, "{command} ends with {}", run.status);
        assert_eq!(run.out(), "", "{command}");
        let said = run.err.replace(&self.place.absolute(""), "/place/");
        let said = said.replace(&format!("{}/", text(self.place.dir.path())), "/place/");
        assert!(!said.trim().is_empty(), "{command} says nothing");
        // Writing to a string cannot fail.
        let _ = write!(self.text, "\n$ {command}\n[{}] {}\n", run.status, said.trim_end());
    }

    fn finish(self) -> String {
        self.text + "\n"
    }
}

/// Words between blanks, or between single quotes.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (idx, part) in command.split('\'').enumerate() {
        if idx % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

#[test]
fn every_error_says_what_was_wrong_and_where_and_what_to_do() {
    let sections =
        [usage::arguments(), usage::configuration(), places::places(), data::data(), damage::damage()];
    let transcript = sections.concat();
    let provoked = transcript.matches("\n$ ").count();
    assert!(provoked >= 40, "only {provoked} errors");
    expect_file!["transcript.txt"].assert_eq(&transcript);
}
