//! The commands of the README and of docs/usage.md, word for word.

use std::{fs, path::Path};

use crate::{Place, ROOT};

/// What stands before each command when it is typed in the repository.
const CARGO: &str = "cargo run --release -- ";

/// The README's commands, without cargo.
fn commands() -> Vec<String> {
    let readme = fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap();
    readme.lines().filter_map(|line| line.strip_prefix(CARGO)).map(str::to_owned).collect()
}

fn place() -> Place {
    let place = Place::new();
    let names = "examples/data/unicode-names.tsv";
    place.write(names, fs::read(Path::new(ROOT).join(names)).unwrap());
    place
}

#[track_caller]
fn run(place: &Place, command: &str) -> String {
    let run = place.run(&command.split(' ').collect::<Vec<_>>());
    assert_eq!((run.status, &*run.err), (0, ""), "{command}");
    run.out()
}

const SCANNED: &str = "U+1F980\tCRAB\nU+1F981\tLION FACE\nU+1F982\tSCORPION\n";

#[test]
fn the_commands_of_the_readme_do_what_it_says() {
    let commands = commands();
    let [import, get, scan, stats, export] = commands.as_slice() else {
        panic!("other commands: {commands:?}")
    };
    assert_eq!(import, "import --db unicode.db examples/data/unicode-names.tsv");
    assert_eq!(get, "get --db unicode.db U+1F980");
    assert_eq!(scan, "scan --db unicode.db U+1F980 U+1F982");
    assert_eq!(stats, "stats --db unicode.db");
    assert_eq!(export, "export --db unicode.db --format jsonl");

    let place = place();
    let summary = run(&place, import);
    // 1,112,494 bytes, less a tab and a newline for each line.
    assert!(summary.starts_with("imported 32646 records, 1047202 bytes in "), "{summary}");
    for _ in 0..2 {
        assert_eq!(run(&place, get), "CRAB\n");
        assert_eq!(run(&place, scan), SCANNED);
    }

    let tables = place.files("unicode.db/sst", ".sst");
    let bytes: u64 = tables.iter().map(|path| fs::metadata(path).unwrap().len()).sum();
    let told = format!("tables                {}, {bytes} bytes (", tables.len());
    let stats = run(&place, stats);
    assert!(stats.lines().any(|line| line.starts_with(&told)), "{told} is not in {stats}");
    let exported = run(&place, export);
    assert_eq!(exported.lines().count(), 32_646);
    assert!(exported.lines().any(|line| line == r#"{"key":"U+1F980","value":"CRAB"}"#));
    let again =
        place.run_with_input(&["import", "--db", "again.db", "--format", "jsonl", "-"], exported.as_bytes());
    assert!(again.out().starts_with("imported 32646 records, 1047202 bytes in "), "{}", again.out());
}

#[test]
fn the_readme_is_right_after_others_had_the_database_open() {
    let place = place();
    for other in [
        "import --db unicode.db examples/data/unicode-names.tsv",
        "put --db unicode.db U+1F980-and-more something",
        "delete --db unicode.db U+1F980-and-more",
        "flush --db unicode.db",
        "compact --db unicode.db",
        "verify --db unicode.db",
        "export --db unicode.db",
        "import --db unicode.db examples/data/unicode-names.tsv",
    ] {
        run(&place, other);
        assert_eq!(run(&place, "get --db unicode.db U+1F980"), "CRAB\n", "after {other}");
        let scan = run(&place, "scan --db unicode.db U+1F980 U+1F982");
        let scan: Vec<_> = scan.split_inclusive('\n').filter(|line| !line.contains("and-more")).collect();
        assert_eq!(scan.concat(), SCANNED, "after {other}");
    }
    let names = fs::read_to_string(place.path("examples/data/unicode-names.tsv")).unwrap();
    assert_eq!(run(&place, "scan --db unicode.db --keys-only").lines().count(), names.lines().count());
}

/// The shell commands of docs/usage.md, in order.
fn usage_lines() -> Vec<String> {
    let usage = fs::read_to_string(Path::new(ROOT).join("docs/usage.md")).unwrap();
    let blocks = usage.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.flat_map(str::lines).map(str::to_owned).collect()
}

#[cfg(unix)]
#[test]
fn the_commands_of_the_usage_page_work_one_behind_the_other() {
    let place = Place::new();
    let lines = usage_lines();
    let printed: Vec<_> = lines.iter().map(|line| (line.as_str(), run_line(&place, line))).collect();
    let [put, get, scan, delete, copy, export, import] = printed.as_slice() else { panic!("{printed:?}") };
    assert_eq!(*put, ("siltstone put --db fruit.db apple green", String::new()));
    assert_eq!(*get, ("siltstone get --db fruit.db apple", "green\n".to_owned()));
    assert_eq!(*scan, ("siltstone scan --db fruit.db", "apple\tgreen\n".to_owned()));
    assert_eq!(*delete, ("siltstone delete --db fruit.db apple", String::new()));
    // The apple is gone by now.
    assert!(copy.1.starts_with("imported 0 records, "), "{copy:?}");
    assert_eq!(export.1, "");
    assert!(import.1.starts_with("imported 0 records, "), "{import:?}");
    assert_eq!(fs::read_to_string(place.path("fruit.jsonl")).unwrap(), "{\"keyspace\":\"default\"}\n");
    assert_eq!(place.names(), ["copy.db", "fruit.db", "fruit.jsonl", "other.db"]);
}

/// Runs one line as a shell would that has the program in its path.
#[cfg(unix)]
#[track_caller]
fn run_line(place: &Place, line: &str) -> String {
    let folder = Path::new(env!("CARGO_BIN_EXE_siltstone")).parent().unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let run = place.run_in_shell(line, &[("PATH", &path)]);
    assert_eq!((run.status, &*run.err), (0, ""), "{line}");
    run.out()
}
