//! The commands of the README, word for word.

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
    let [import, get, scan] = commands.as_slice() else { panic!("other commands: {commands:?}") };
    assert_eq!(import, "import --db unicode.db examples/data/unicode-names.tsv");
    assert_eq!(get, "get --db unicode.db U+1F980");
    assert_eq!(scan, "scan --db unicode.db U+1F980 U+1F982");

    let place = place();
    let summary = run(&place, import);
    // 1,112,494 bytes, less a tab and a newline for each line.
    assert!(summary.starts_with("imported 32646 records, 1047202 bytes in "), "{summary}");
    for _ in 0..2 {
        assert_eq!(run(&place, get), "CRAB\n");
        assert_eq!(run(&place, scan), SCANNED);
    }
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
