//! The shell on a pseudo-terminal: editing, history, completion, Ctrl-C, Ctrl-D, colours.

use crate::{Place, terminal::Terminal};

const PROMPT: &str = "siltstone> ";

const UP: &str = "\x1b[A";
const LEFT: &str = "\x1b[D";
const ENTER: &str = "\r";
const TAB: &str = "\t";
const BACKSPACE: &str = "\x7f";
const CTRL_A: &str = "\x01";
const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";
const CTRL_K: &str = "\x0b";
const CTRL_R: &str = "\x12";

/// Starts a shell, and waits for its prompt.
fn shell(place: &Place, options: &[&str]) -> Terminal {
    shell_with(place, options, &[])
}

fn shell_with(place: &Place, options: &[&str], environment: &[(&str, &str)]) -> Terminal {
    let mut command = place.command(&[&["shell", "--db", "db"], options].concat());
    command.env("TERM", "xterm").env("XDG_STATE_HOME", place.path("state")).env_remove("NO_COLOR");
    command.envs(environment.iter().copied());
    let mut terminal = Terminal::start(command);
    terminal.wait_for(PROMPT);
    terminal
}

impl Terminal {
    /// Types keys, waits for a line of output, and then for the prompt.
    #[track_caller]
    fn check(&mut self, keys: &[&str], line: &str) {
        self.type_keys(keys);
        self.wait_for(&format!("\r\n{line}\r\n"));
        self.wait_for(PROMPT);
    }

    #[track_caller]
    fn end(mut self) {
        self.type_keys(&[CTRL_D]);
        assert_eq!(self.status(), Some(0));
    }
}

#[test]
fn a_line_can_be_edited() {
    let place = Place::new();
    let mut terminal = shell(&place, &[]);
    terminal.check(&["put fruit appel", BACKSPACE, BACKSPACE, "le", ENTER], "OK");
    terminal.check(&["et fruit", CTRL_A, "g", ENTER], "apple");
    terminal.check(&["put fruit red aple", LEFT, LEFT, "p", ENTER], "OK");
    terminal.check(
        &["get fruit and more", LEFT, LEFT, LEFT, LEFT, LEFT, LEFT, LEFT, LEFT, LEFT, CTRL_K, ENTER],
        "red apple",
    );
    terminal.check(&["put größe ä", BACKSPACE, "ü 🦀", ENTER], "OK");
    terminal.check(&["get größe", ENTER], "ü 🦀");
    terminal.end();
    place.run(&["get", "--db", "db", "fruit"]).assert_prints("red apple\n");
}

#[test]
fn lines_are_remembered_within_a_session_and_beyond() {
    let place = Place::new();
    let mut terminal = shell(&place, &[]);
    terminal.check(&["put a first", ENTER], "OK");
    terminal.check(&["put b second", ENTER], "OK");
    terminal.check(&["get a", ENTER], "first");
    // Up to `put b second`, which becomes `put b second again`.
    terminal.check(&[UP, UP, " again", ENTER], "OK");
    terminal.check(&["get b", ENTER], "second again");
    // A line that begins with a blank is not kept.
    terminal.check(&[" put secret 17", ENTER], "OK");
    terminal.end();

    let history = std::fs::read_to_string(place.path("state/siltstone/history")).unwrap();
    assert!(history.contains("put b second again") && !history.contains("secret"), "{history}");
    let mut terminal = shell(&place, &[]);
    terminal.check(&[UP, ENTER], "second again");
    terminal.check(&[UP, UP, UP, ENTER], "first");
    // And found by what it holds.
    terminal.type_keys(&[CTRL_R, "put a"]);
    terminal.wait_for("put a first");
    terminal.check(&[ENTER], "OK");
    terminal.end();
}

#[test]
fn tab_completes_commands_options_keyspaces_and_keys() {
    let place = Place::with_lines("apple\t1\napricot\t2\nbig apple\t3\n");
    let mut terminal = shell(&place, &[]);
    terminal.check(&["pi", TAB, ENTER], "PONG");
    terminal.check(&["get appl", TAB, ENTER], "1");
    terminal.check(&["get b", TAB, ENTER], "3");
    terminal.check(&["get \"big", TAB, ENTER], "3");
    terminal.check(&["scan a --rev", TAB, "--lim", TAB, "1", ENTER], "big apple  3");
    // What several have in common, and at the second stroke what there is.
    terminal.type_keys(&["get a", TAB, TAB]);
    terminal.wait_for("apple");
    terminal.wait_for("apricot");
    terminal.wait_for(PROMPT);
    terminal.check(&["r", TAB, ENTER], "2");
    terminal.type_keys(&["use elsewhere", ENTER]);
    terminal.wait_for("\r\nOK\r\n");
    terminal.wait_for("siltstone:elsewhere> ");
    terminal.check(&["use def", TAB, ENTER], "OK");
    terminal.end();
}

#[test]
fn ctrl_c_abandons_the_line_and_nothing_else() {
    let place = Place::new();
    let mut terminal = shell(&place, &[]);
    terminal.type_keys(&["put k lost"]);
    terminal.wait_for("lost");
    terminal.type_keys(&[CTRL_C]);
    terminal.wait_for(PROMPT);
    terminal.check(&["get k", ENTER], "(not found)");
    // On an empty line too.
    terminal.type_keys(&[CTRL_C]);
    terminal.wait_for(PROMPT);
    // What was collected stays.
    terminal.type_keys(&["begin", ENTER]);
    terminal.wait_for("\r\nOK\r\n");
    terminal.wait_for("siltstone*> ");
    terminal.type_keys(&["put k kept", ENTER]);
    terminal.wait_for("\r\nQUEUED\r\n");
    terminal.wait_for("siltstone*> ");
    terminal.type_keys(&["commit"]);
    terminal.wait_for("commit");
    terminal.type_keys(&[CTRL_C]);
    terminal.wait_for("siltstone*> ");
    // And so it does after a mistake, which a person sees.
    terminal.type_keys(&["put", ENTER]);
    terminal.wait_for("error: column 4: KEY is missing");
    terminal.wait_for("siltstone*> ");
    terminal.check(&["commit", ENTER], "OK");
    terminal.check(&["get k", ENTER], "kept");
    terminal.end();
}

#[test]
fn ctrl_d_ends_and_forgets_what_was_not_committed() {
    let place = Place::new();
    let mut terminal = shell(&place, &[]);
    terminal.check(&["put a 1", ENTER], "OK");
    terminal.type_keys(&["begin", ENTER]);
    terminal.wait_for("siltstone*> ");
    terminal.type_keys(&["put a 2", ENTER]);
    terminal.wait_for("\r\nQUEUED\r\n");
    terminal.wait_for("siltstone*> ");
    terminal.type_keys(&[CTRL_D]);
    terminal.wait_for("not committed, and forgotten: 1");
    assert_eq!(terminal.status(), Some(0));
    place.run(&["get", "--db", "db", "a"]).assert_prints("1\n");

    for (options, status) in [(&[][..], 0), (&["--strict"], 3)] {
        let mut terminal = shell(&place, options);
        terminal.type_keys(&["frobnicate", ENTER]);
        terminal.wait_for("error: column 1: there is no command frobnicate");
        terminal.wait_for(PROMPT);
        terminal.type_keys(&["exit", ENTER]);
        assert_eq!(terminal.status(), Some(status), "{options:?}");
    }
}

#[test]
fn replies_are_aligned_and_coloured() {
    let place = Place::with_lines("a\t1\nlonger\t2\nodd\t\\x1b[2J\n");
    let run = |environment: &[(&str, &str)]| {
        let mut terminal = shell_with(&place, &[], environment);
        terminal.check(&["scan", ENTER], "a       1\r\nlonger  2\r\nodd     \\x1b[2J\r\n(3 rows)");
        terminal.check(&["stats", ENTER], "keyspaces                          1");
        terminal.check(&["keyspaces", ENTER], "* default");
        terminal.check(&["ping", ENTER], "PONG");
        terminal.type_keys(&[CTRL_D]);
        assert_eq!(terminal.status(), Some(0));
        String::from_utf8(terminal.raw).unwrap()
    };
    assert!(run(&[]).contains("\x1b[32mPONG\x1b[0m\r\n"));
    let plain = run(&[("NO_COLOR", "1")]);
    assert!(plain.contains("\r\nPONG\r\n") && !plain.contains("\x1b[32m"), "{plain:?}");
}
