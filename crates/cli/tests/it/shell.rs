//! The shell on piped input: what it answers, and how it ends.

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    process::Stdio,
    sync::mpsc,
    thread,
    time::Duration,
};

use expect_test::expect_file;

use crate::{Place, Run, text};

/// Long enough for any machine; only a shell that will never answer is waited for so long.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

/// Runs the shell on these lines.
fn shell(place: &Place, options: &[&str], lines: impl AsRef<[u8]>) -> Run {
    place.run_with_input(&[&["shell", "--db", "db"], options].concat(), lines.as_ref())
}

/// The bytes of a line of the transcript.
fn bytes_of(line: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = line.chars();
    while let Some(character) = rest.next() {
        let escaped = match character {
            '\\' => rest.next(),
            other => {
                out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
        };
        out.push(match escaped {
            Some('t') => b'\t',
            Some('n') => b'\n',
            Some('r') => b'\r',
            Some('\\') => b'\\',
            Some('x') => {
                let digits: String = rest.by_ref().take(2).collect();
                u8::from_str_radix(&digits, 16).unwrap()
            }
            other => {
                assert_eq!(other, None, "an unknown escape in {line}");
                b'\\'
            }
        });
    }
    out
}

/// Bytes of a reply as they stand in the transcript.
fn shown(bytes: &[u8]) -> String {
    let mut shown = String::new();
    for chunk in bytes.utf8_chunks() {
        shown += &chunk.valid().replace('\0', "<00>");
        chunk.invalid().iter().for_each(|byte| write!(shown, "<{byte:02x}>").unwrap());
    }
    shown
}

/// A reply without the figures that differ from run to run or with each small change of a format.
fn masked(reply: &str) -> String {
    let of_the_run = [
        "memtable bytes ",
        // Whether the background has moved what a compaction made down to the last level by now.
        "levels ",
        "table bytes ",
        "bytes ",
        "total MB ",
        "write amplification ",
        "estimated space amplification ",
        "bytes reclaimed ",
        "seconds ",
        "last compaction 2",
    ];
    let figures =
        reply.split(", ").map(|figure| match of_the_run.iter().find(|name| figure.starts_with(**name)) {
            Some(name) => format!("{}...", name.trim_end_matches('2')),
            None => figure.to_owned(),
        });
    let reply = figures.collect::<Vec<_>>().join(", ");
    // Sentences have figures in front of what they count.
    let words: Vec<_> = reply.split(' ').collect();
    let is_of_the_run = |at: usize| {
        let next = words.get(at + 1).copied();
        words[at].parse::<f64>().is_ok() && matches!(next, Some("bytes" | "bytes:" | "s"))
    };
    let words = (0..words.len()).map(|at| if is_of_the_run(at) { "..." } else { words[at] });
    words.collect::<Vec<_>>().join(" ")
}

/// Puts the replies behind their commands: one line for each, and for a scan the lines up to its end.
fn transcript(script: &str, out: &[u8]) -> String {
    let mut replies = out.strip_suffix(b"\n").unwrap().split(|&byte| byte == b'\n');
    let mut transcript = String::new();
    let mut is_over = false;
    for line in script.lines().filter(|line| line.starts_with(['>', '#'])) {
        writeln!(transcript, "{line}").unwrap();
        let Some(typed) = line.strip_prefix("> ") else { continue };
        let command = typed.replace("\\t", " ").trim().to_lowercase();
        is_over |= command == "quit";
        if command.is_empty() || is_over {
            continue;
        }
        loop {
            let reply = replies.next();
            assert!(reply.is_some(), "no reply to {line}");
            let reply = reply.unwrap();
            writeln!(transcript, "{}", masked(&shown(reply))).unwrap();
            let is_scan = command.starts_with("scan") || command.starts_with("range");
            if !is_scan || reply.starts_with(b"(") || reply.starts_with(b"error: ") {
                break;
            }
        }
    }
    assert_eq!(replies.next(), None, "replies nobody asked for");
    transcript
}

#[test]
fn the_transcript_is_what_the_shell_answers() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/shell.txt");
    let script = fs::read_to_string(path).unwrap();
    let typed: Vec<_> = script.lines().filter_map(|line| line.strip_prefix("> ")).map(bytes_of).collect();
    let place = Place::new();
    let run = shell(&place, &[], typed.join(&b'\n'));
    assert_eq!((run.status, &*run.err), (0, ""));
    expect_file![path].assert_eq(&transcript(&script, &run.out));
    let errors = run.out.split(|&byte| byte == b'\n').filter(|line| line.starts_with(b"error: ")).count();
    assert!(typed.len() >= 60 && errors >= 15, "{} lines, {errors} errors", typed.len());
    // It was closed: nothing is left to recover, and all is there.
    place.run(&["get", "--db", "db", "größe"]).assert_prints("Umlaute 🦀\n");
}

#[test]
fn an_error_decides_the_status_only_when_asked_to() {
    let place = Place::new();
    let good = "put a 1\nget b\nbegin\nput c 2\n";
    let bad = "put a 2\nfrobnicate\nget a\n";
    for (options, lines, status) in
        [(&[][..], good, 0), (&[], bad, 0), (&["--strict"], good, 0), (&["--strict"], bad, 3)]
    {
        let run = shell(&place, options, lines);
        run.assert_status(status);
        assert_eq!(run.out().lines().count(), lines.lines().count(), "{}", run.out());
    }
    let run = shell(&place, &["--strict"], bad);
    assert_eq!(run.err, "ERROR lines answered with an error: 1\n");
    // All of it was done all the same.
    place.run(&["get", "--db", "db", "a"]).assert_prints("2\n");
    shell(&place, &["--strict"], "").assert_prints("");
}

#[test]
fn the_end_of_input_forgets_what_was_not_committed_and_says_so() {
    let place = Place::new();
    for end in ["", "exit\n", "get k"] {
        let run = shell(&place, &[], format!("begin\nput k 1\ndelete l\n{end}"));
        run.assert_status(0);
        assert!(run.out().starts_with("OK\nQUEUED\nQUEUED\n"), "{}", run.out());
        assert!(run.err.starts_with(" WARN the input ended between begin and commit"), "{}", run.err);
        assert!(run.err.contains("writes=2"), "{}", run.err);
        place.run(&["scan", "--db", "db"]).assert_prints("");
    }
    shell(&place, &[], "begin\n").assert_prints("OK\n");
}

#[test]
fn a_reply_comes_before_the_next_line_is_sent() {
    let place = Place::new();
    let mut child = place.command(&["shell", "--db", "db"]).stdin(Stdio::piped()).spawn().unwrap();
    let (mut stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (send, replies) = mpsc::channel();
    let reader = thread::spawn(move || {
        BufReader::new(stdout).lines().for_each(|line| send.send(line.unwrap()).unwrap());
    });
    for (line, expected) in [
        ("put k v", &["OK"][..]),
        ("get k", &["v"]),
        ("scan", &["k\tv", "(1 rows)"]),
        ("nonsense", &["error: column 1: there is no command nonsense; help lists the commands"]),
        ("ping", &["PONG"]),
    ] {
        writeln!(stdin, "{line}").unwrap();
        for reply in expected {
            assert_eq!(replies.recv_timeout(PATIENCE).as_deref(), Ok(*reply), "{line}");
        }
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
    reader.join().unwrap();
}

#[test]
fn keys_and_values_of_any_size_are_answered() {
    let (longest, longer) = ("k".repeat(65_536), "k".repeat(65_537));
    let value = "v".repeat(3 << 20);
    let lines = [
        format!("put {longest} {value}"),
        format!("get {longest}"),
        format!("put {longer} v"),
        format!("get {longer}"),
        format!("batch fine 1 {longer} 2"),
        "get fine".to_owned(),
        format!("begin\nput fine 1\nput {longer} 2\ncommit"),
        "get fine".to_owned(),
        format!("use {}", "n".repeat(256)),
        format!("{value} {value}"),
    ];
    let run = shell(&Place::new(), &[], lines.join("\n"));
    run.assert_status(0);
    let too_long =
        "error: the key has 65537 bytes, the limit is 65536; nothing was changed; correct it and try again";
    let expected = [
        "OK",
        &value,
        too_long,
        too_long,
        too_long,
        "(not found)",
        "OK",
        "QUEUED",
        too_long,
        &format!("error: nothing was applied, because of an error since begin: {}", &too_long[7..]),
        "(not found)",
        "error: a keyspace's name has 1 to 255 bytes, not 256; nothing was changed; correct it and try again",
        &format!("error: column 1: there is no command {}...; help lists the commands", &value[..40]),
    ];
    let out = run.out();
    let found: Vec<_> = out.lines().collect();
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!(*found == expected, "{found:.200} instead of {expected:.200}");
    }
}

#[test]
fn no_keyspace_is_created_where_creating_is_forbidden() {
    let place = Place::new();
    shell(&place, &[], "use old\nput k v\n").assert_prints("OK\nOK\n");
    let run = shell(&place, &["--no-create"], "use new\nkeyspaces\nuse old\nget k\nuse \"a b\"\nget k\n");
    run.assert_prints(
        "error: there is no keyspace new, and --no-create forbids to create one\ndefault\told\nOK\nv\n\
         error: there is no keyspace \"a b\", and --no-create forbids to create one\nv\n",
    );
}

#[test]
fn damage_is_an_error_and_the_rest_is_served() {
    let place = Place::new();
    shell(&place, &[], "put damaged value\nput other 1\nflush\n").assert_prints("OK\nOK\nOK\n");
    let [table] = place.files("db/sst", ".sst").try_into().unwrap();
    let mut bytes = fs::read(&table).unwrap();
    // In the first block.
    bytes[8] ^= 1;
    fs::write(&table, bytes).unwrap();

    let run =
        shell(&place, &["--strict"], "get damaged\nscan\nverify\nput new 2\nget new\nuse another\nscan\n");
    run.assert_status(3);
    let out = run.out();
    let replies: Vec<_> = out.lines().collect();
    let [get, scan, verify, rest @ ..] = replies.as_slice() else { panic!("{out}") };
    for reply in [get, scan] {
        assert!(reply.starts_with("error: damaged file: "), "{reply}");
        assert!(reply.contains(text(table.file_name().unwrap().as_ref())), "{reply}");
    }
    assert!(verify.starts_with("error: 1 of 5 files is damaged: damaged file: "), "{verify}");
    assert_eq!(rest, ["OK", "2", "OK", "(0 rows)"]);
}

/// The figure behind a name in a reply of several.
#[track_caller]
fn figure(reply: &str, name: &str) -> u64 {
    let found = reply.split(", ").find_map(|figure| figure.strip_prefix(name)?.strip_prefix(' '));
    assert!(found.is_some(), "there is no {name} in {reply}");
    found.unwrap().parse().unwrap()
}

#[test]
fn figures_are_those_of_the_files() {
    let place = Place::new();
    let put = |number: usize, value| format!("put {number:04} {value} value of {number}");
    let mut lines: Vec<_> = (0..1000).map(|number| put(number, "old")).collect();
    lines.push("flush".to_owned());
    lines.extend((0..500).map(|number| put(number, "new")));
    lines.push("flush\nstats".to_owned());
    let run = shell(&place, &[], lines.join("\n"));
    let out = run.out();
    let stats = out.lines().last().unwrap();
    let bytes_on_disk = || {
        let files = place.files("db/sst", ".sst");
        files.iter().map(|file| fs::metadata(file).unwrap().len()).sum::<u64>()
    };
    let before = bytes_on_disk();
    assert_eq!(figure(stats, "tables"), 2);
    assert_eq!(figure(stats, "table bytes"), before);
    assert_eq!((figure(stats, "table keys"), figure(stats, "writes")), (1500, 1500));

    let run = shell(&place, &[], "compact\nverify\nstats\n");
    let out = run.out();
    let [compacted, verified, stats] = out.lines().collect::<Vec<_>>().try_into().unwrap();
    let reclaimed = before - bytes_on_disk();
    let said = format!("compacted 2 tables into 1: 500 keys removed, {reclaimed} bytes reclaimed, ");
    assert!(compacted.starts_with(&said), "{compacted}");
    assert_eq!(figure(stats, "keys removed"), 500);
    // Beside the table CURRENT, OPTIONS, the manifest and a log, which the shell's end makes longer.
    assert!(
        verified.starts_with("verified 5 files, ") && verified.ends_with(" bytes: 0 damaged"),
        "{verified}"
    );
    let bytes: u64 = verified.split(' ').nth(3).unwrap().parse().unwrap();
    assert!(bytes > bytes_on_disk(), "{verified}");
    assert_eq!((figure(stats, "table keys"), figure(stats, "table bytes")), (1000, bytes_on_disk()));
}

#[test]
fn a_database_that_is_missing_or_open_elsewhere_ends_the_shell_with_the_reason() {
    let place = Place::new();
    shell(&place, &["--no-create"], "ping\n").assert_fails_with(&["db"]);
    assert_eq!(place.names(), [""; 0]);

    let mut first = place.command(&["shell", "--db", "db"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = first.stdin.take().unwrap();
    writeln!(stdin, "ping").unwrap();
    let mut reply = String::new();
    BufReader::new(first.stdout.take().unwrap()).read_line(&mut reply).unwrap();
    assert_eq!(reply, "PONG\n");
    let holder = format!("the database is open in process {};", first.id());
    shell(&place, &[], "ping\n").assert_fails_with(&[&holder, "db/LOCK"]);
    drop(stdin);
    assert!(first.wait().unwrap().success());
    shell(&place, &[], "ping\n").assert_prints("PONG\n");
}

#[cfg(target_os = "linux")]
#[expect(clippy::disallowed_methods, reason = "standard input, not a file of a database")]
fn for_reading(path: &str) -> fs::File {
    fs::File::open(path).unwrap()
}

#[cfg(target_os = "linux")]
#[expect(clippy::disallowed_methods, reason = "standard output, not a file of a database")]
fn for_writing(path: &str) -> fs::File {
    fs::OpenOptions::new().write(true).open(path).unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn input_that_cannot_be_read_and_output_that_cannot_be_written_end_the_shell() {
    let place = Place::new();
    let mut command = place.command(&["shell", "--db", "db"]);
    let run = Run::new(command.stdin(for_reading("/")).output().unwrap());
    run.assert_fails_with(&["reading standard input failed", "directory"]);

    place.write("lines", "put k v\nput l w\n");
    let lines = || Stdio::from(for_reading(text(&place.path("lines"))));
    let mut command = place.command(&["shell", "--db", "db"]);
    let run = Run::new(command.stdin(lines()).stdout(for_writing("/dev/full")).output().unwrap());
    run.assert_fails_with(&["writing a reply failed", "space"]);
    // The first write was done before its reply failed, and the database was closed.
    place.run(&["scan", "--db", "db"]).assert_prints("k\tv\n");
}

#[test]
fn help_tells_of_the_shell_and_its_option() {
    let place = Place::new();
    assert!(place.run(&["--help"]).out().contains("  shell "));
    let help = place.run(&["shell", "--help"]);
    assert!(help.status == 0 && help.out().contains("--strict"), "{}", help.out());
    place.run(&["shell", "put", "k", "v"]).assert_status(2);
    assert_eq!(place.names(), [""; 0]);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let lines: Vec<_> = (0..20_000).map(|number| format!("{number:06}\tvalue\n")).collect();
    let place = Place::with_lines(&lines.concat());
    let mut child =
        place.command(&["shell", "--db", "db", "--strict"]).stdin(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let _ = child.stdin.take().unwrap().write_all(b"scan\nput after v\n");
    let run = Run::new(child.wait_with_output().unwrap());
    assert_eq!((run.status, &*run.err), (0, ""));
    // It was closed, and what came behind the reply that nobody took was not done.
    place.run(&["get", "--db", "db", "after"]).assert_status(1);
    place.run(&["get", "--db", "db", "000000"]).assert_prints("value\n");
}
