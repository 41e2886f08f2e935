//! The shell is killed at random moments while batches are written through it: nothing acknowledged may be missing, no batch may be there in part, and
//! scan and get must agree on what is.
//!
//! `KILLS=200` asks for so many kills instead of 12, `SEED=17` for other moments.

use std::{
    collections::{BTreeMap, VecDeque},
    env,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, ChildStdin, ChildStdout, Stdio},
    sync::mpsc::{self, Receiver},
    thread::{self, JoinHandle},
    time::Duration,
};

use siltstone_testkit::{Rng, seed};

use crate::{Place, shell::PATIENCE};

/// Keys that every batch overwrites: a batch that is there in part shows at once.
const SHARED_KEYS: usize = 8;

/// A batch deletes the keys that batches so far back brought.
const KEPT_BATCHES: usize = 40;

/// A database as it must be: keyspace and key to value.
type State = BTreeMap<(&'static str, String), String>;

/// The value that a batch writes; batches of many sizes pass through the log.
fn value(number: usize) -> String {
    format!("{number}-{}", "x".repeat(number * 37 % 700))
}

fn own_key(number: usize) -> String {
    format!("own-{number:07}")
}

/// The keys that a batch sets in the default keyspace.
fn keys(number: usize) -> impl Iterator<Item = String> {
    let shared = (0..SHARED_KEYS).map(|key| format!("shared-{key}"));
    shared.chain(["counter".to_owned(), own_key(number)])
}

/// Only batches of the collected form can delete, and reach two keyspaces.
fn is_collected(number: usize) -> bool {
    number % 2 == 1
}

/// The keys that a batch deletes.
fn deleted(number: usize) -> impl Iterator<Item = String> {
    let oldest = number.checked_sub(KEPT_BATCHES).filter(|_| is_collected(number));
    oldest.into_iter().flat_map(|oldest| [own_key(oldest), own_key(oldest + 1)])
}

fn apply(state: &mut State, number: usize) {
    for key in keys(number) {
        state.insert(("default", key), value(number));
    }
    if is_collected(number) {
        state.insert(("other", "counter".to_owned()), value(number));
    }
    for key in deleted(number) {
        state.remove(&("default", key));
    }
}

/// The lines of a batch, each with its reply; the reply to the last is the acknowledgement.
fn lines(number: usize) -> Vec<(String, &'static str)> {
    let value = value(number);
    if !is_collected(number) {
        let pairs: Vec<_> = keys(number).map(|key| format!("{key} {value}")).collect();
        return vec![(format!("batch {}", pairs.join(" ")), "OK")];
    }
    let mut lines = vec![("begin".to_owned(), "OK")];
    lines.extend(keys(number).map(|key| (format!("put {key} {value}"), "QUEUED")));
    lines.extend(deleted(number).map(|key| (format!("delete {key}"), "QUEUED")));
    lines.push(("use other".to_owned(), "OK"));
    lines.push((format!("put counter {value}"), "QUEUED"));
    lines.push(("use default".to_owned(), "OK"));
    lines.push(("commit".to_owned(), "OK"));
    lines
}

/// A shell that runs.
struct Shell {
    child: Child,
    stdin: ChildStdin,
    replies: Receiver<String>,
    reader: JoinHandle<()>,
}

/// Hands on whole lines; what a kill cut in the middle was no reply.
fn read_replies(stdout: ChildStdout, send: &mpsc::Sender<String>) {
    let mut input = BufReader::new(stdout);
    let mut line = String::new();
    while input.read_line(&mut line).unwrap() > 0 && line.ends_with('\n') {
        line.pop();
        send.send(std::mem::take(&mut line)).unwrap();
    }
}

impl Shell {
    fn start(place: &Place) -> Shell {
        let mut command = place.command(&["shell", "--db", "db"]);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let (send, replies) = mpsc::channel();
        let stdout = child.stdout.take().unwrap();
        let reader = thread::spawn(move || read_replies(stdout, &send));
        Shell { stdin: child.stdin.take().unwrap(), child, replies, reader }
    }

    fn send(&mut self, line: &str) {
        self.stdin.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    #[track_caller]
    fn reply(&mut self) -> String {
        self.replies.recv_timeout(PATIENCE).unwrap()
    }

    #[track_caller]
    fn ask(&mut self, line: &str) -> String {
        self.send(line);
        self.reply()
    }

    /// The rows of the keyspace in use.
    fn scan(&mut self) -> Vec<(String, String)> {
        self.send("scan");
        let mut rows = Vec::new();
        loop {
            let reply = self.reply();
            match reply.split_once('\t') {
                Some((key, value)) => rows.push((key.to_owned(), value.to_owned())),
                None => {
                    assert_eq!(reply, format!("({} rows)", rows.len()));
                    return rows;
                }
            }
        }
    }

    /// SIGKILL on Unix. Returns the replies that nobody had taken yet, and what it said on standard error.
    fn kill(mut self) -> (Vec<String>, String) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.reader.join().unwrap();
        let mut err = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        (self.replies.iter().collect(), err)
    }
}

/// The batches that were sent and those that were acknowledged, over all kills.
struct Run {
    place: Place,
    rng: Rng,
    /// What the database held when it was last looked at, after `looked_at` batches.
    state: State,
    looked_at: usize,
    acknowledged: usize,
    sent: usize,
}

impl Run {
    /// Opens what a kill left, and compares it with what must be there.
    fn check(&mut self, shell: &mut Shell) {
        let counter = shell.ask("get counter");
        let found: usize = match counter.split_once('-') {
            Some((number, _)) => number.parse().unwrap(),
            None => {
                assert_eq!(counter, "(not found)");
                0
            }
        };
        let range = self.acknowledged..=self.sent;
        assert!(range.contains(&found), "{found} batches are left, {range:?} were acknowledged and sent");
        for number in self.looked_at + 1..=found {
            apply(&mut self.state, number);
        }
        let mut scanned = State::new();
        for keyspace in ["other", "default"] {
            assert_eq!(shell.ask(&format!("use {keyspace}")), "OK");
            scanned.extend(shell.scan().into_iter().map(|(key, value)| ((keyspace, key), value)));
        }
        assert!(scanned == self.state, "after {found} batches: {}", difference(&scanned, &self.state));
        let oldest = found.saturating_sub(2 * KEPT_BATCHES);
        let keys = keys(found).chain((oldest..=self.sent + 1).map(own_key));
        for key in keys {
            let got = shell.ask(&format!("get {key}"));
            let scanned = scanned.get(&("default", key.clone()));
            assert_eq!(
                Some(&*got).filter(|got| *got != "(not found)"),
                scanned.map(|value| &**value),
                "{key}"
            );
        }
        (self.looked_at, self.acknowledged, self.sent) = (found, found, found);
    }

    /// Writes until a random number of batches is acknowledged, with others on their way, and kills.
    fn write_and_kill(&mut self, mut shell: Shell) {
        let (target, ahead_max) = (self.sent + self.rng.between(0, 120), self.rng.between(1, 30));
        let mut expected: VecDeque<(&str, usize)> = VecDeque::new();
        while self.acknowledged < target {
            while self.sent < self.acknowledged + ahead_max {
                if self.rng.one_in(60) {
                    let (line, reply) = *self.rng.pick(&[("flush", "OK"), ("compact", "compacted")]);
                    shell.send(line);
                    expected.push_back((reply, 0));
                }
                self.sent += 1;
                let lines = lines(self.sent);
                let last = lines.len() - 1;
                for (at, (line, reply)) in lines.iter().enumerate() {
                    shell.send(line);
                    expected.push_back((reply, if at == last { self.sent } else { 0 }));
                }
            }
            self.take(&shell.reply(), &mut expected);
        }
        // Right behind an acknowledgement, where one that came too early would show; or somewhere within the next few writes.
        if self.rng.one_in(2) {
            thread::sleep(Duration::from_micros(self.rng.below(3000)));
        }
        let (rest, err) = shell.kill();
        assert!(err.lines().all(|line| line.starts_with(" INFO recovered ")), "{err}");
        rest.iter().for_each(|reply| self.take(reply, &mut expected));
    }

    fn take(&mut self, reply: &str, expected: &mut VecDeque<(&str, usize)>) {
        let (expected, batch) = expected.pop_front().unwrap();
        assert!(reply.starts_with(expected), "{reply} instead of {expected}");
        self.acknowledged = self.acknowledged.max(batch);
    }
}

/// The first key on which two states differ.
fn difference(found: &State, expected: &State) -> String {
    let keys = found.keys().chain(expected.keys());
    let differs = keys.clone().find(|key| found.get(*key) != expected.get(*key));
    differs.map_or_else(String::new, |key| {
        format!("{key:?} is {:?}, must be {:?}", found.get(key), expected.get(key))
    })
}

#[test]
fn kills_lose_nothing_acknowledged_and_tear_no_batch() {
    let kills: usize = env::var("KILLS").map_or(12, |kills| kills.parse().unwrap());
    let (state, rng) = (State::new(), Rng::new(seed()));
    let mut run = Run { place: Place::new(), rng, state, looked_at: 0, acknowledged: 0, sent: 0 };
    for _ in 0..kills {
        let mut shell = Shell::start(&run.place);
        if run.rng.one_in(4) {
            // While it opens and recovers, or before.
            thread::sleep(Duration::from_micros(run.rng.below(20_000)));
            shell.kill();
            continue;
        }
        run.check(&mut shell);
        run.write_and_kill(shell);
    }
    let mut shell = Shell::start(&run.place);
    run.check(&mut shell);
    drop(shell.stdin);
    assert!(shell.child.wait().unwrap().success());
    shell.reader.join().unwrap();
    let verified = run.place.run(&["verify", "--db", "db"]);
    assert_eq!((verified.status, &*verified.err), (0, ""));
    assert!(run.looked_at > kills, "{} batches are too few to say anything", run.looked_at);
    #[expect(clippy::print_stderr, reason = "the figure that the long form is run for")]
    {
        eprintln!("{kills} kills, {} batches", run.looked_at);
    }
}
