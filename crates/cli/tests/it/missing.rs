//! Databases that are not there, and how the directory is chosen.

use crate::Place;

#[test]
fn a_missing_database_is_named_and_not_created() {
    let place = Place::new();
    for command in [
        &["get", "k"][..],
        &["scan"],
        &["scan", "--prefix", "k"],
        &["export"],
        &["verify"],
        &["stats"],
        &["keyspaces"],
        &["delete", "k"],
        &["compact"],
        &["flush"],
    ] {
        let run = place.run(&[command, &["--db", "some/place"]].concat());
        run.assert_fails_with(&[&format!("there is no database at {};", place.absolute("some/place"))]);
        assert_eq!(place.names(), [""; 0], "{command:?} created something");
    }
}

#[test]
fn a_folder_without_a_database_stays_empty() {
    let place = Place::new();
    std::fs::create_dir(place.path("folder")).unwrap();
    for command in [&["get", "k"][..], &["scan"], &["export"], &["verify"], &["delete", "k"], &["flush"]] {
        let run = place.run(&[command, &["--db", "folder"]].concat());
        run.assert_fails_with(&[&format!("there is no database at {};", place.absolute("folder"))]);
        assert_eq!(place.files("folder", ""), [""; 0].map(std::path::PathBuf::from), "{command:?}");
    }
}

#[test]
fn no_create_keeps_writers_from_creating() {
    let place = Place::new();
    place.write("lines.tsv", "k\tv\n");
    for command in [&["put", "k", "v"][..], &["import", "lines.tsv"]] {
        let run = place.run(&[&["--no-create", "--db", "db"], command].concat());
        run.assert_fails_with(&[&format!("there is no database at {};", place.absolute("db"))]);
        assert_eq!(place.names(), ["lines.tsv"], "{command:?}");
    }
    place.run(&["put", "--db", "db", "k", "v"]).assert_prints("");
    place.run(&["put", "--db", "db", "--no-create", "k", "w"]).assert_prints("");
    place.run(&["get", "--db", "db", "k"]).assert_prints("w\n");
}

#[test]
fn a_file_to_import_that_is_missing_leaves_no_database() {
    let place = Place::new();
    let run = place.run(&["import", "--db", "db", "missing.tsv"]);
    run.assert_fails_with(&["missing.tsv", "No such file"]);
    assert_eq!(place.names(), [""; 0]);
}

#[test]
fn a_message_is_one_line_whatever_the_path() {
    let place = Place::new();
    place.run(&["get", "--db", "a\nb\r", "k"]).assert_fails_with(&["/a\\nb\\r; name another one"]);
}

#[test]
fn a_file_where_the_directory_should_be_is_named() {
    let place = Place::new();
    place.write("file", "not a database");
    place.run(&["put", "--db", "file", "k", "v"]).assert_fails_with(&["file"]);
    place.run(&["get", "--db", "file", "k"]).assert_fails_with(&["file"]);
    assert_eq!(std::fs::read(place.path("file")).unwrap(), b"not a database");
}

/// Nobody may create anything below `/sys`, root included; a container shows it read-only.
#[cfg(target_os = "linux")]
#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let place = Place::new();
    let run = place.run(&["put", "--db", "/sys/siltstone", "k", "v"]);
    run.assert_fails_with(&["create the folder failed path=/sys/siltstone/wal: "]);
    let advice = ["check who may read and write there", "name a place that can be written"];
    assert!(advice.iter().any(|advice| run.err.contains(advice)), "{}", run.err);
}

#[test]
fn the_directory_comes_from_the_option_then_the_environment_then_the_default() {
    let place = Place::new();
    let with_environment = |arguments: &[&str]| {
        crate::Run::new(place.command(arguments).env("SILTSTONE_DB", "named").output().unwrap())
    };
    with_environment(&["put", "k", "of the environment"]).assert_prints("");
    assert_eq!(place.names(), ["named"]);
    with_environment(&["put", "--db", "option", "k", "of the option"]).assert_prints("");
    assert_eq!(place.names(), ["named", "option"]);
    place.run(&["put", "k", "of the default"]).assert_prints("");
    assert_eq!(place.names(), ["data", "named", "option"]);

    with_environment(&["get", "k"]).assert_prints("of the environment\n");
    with_environment(&["get", "--db", "option", "k"]).assert_prints("of the option\n");
    place.run(&["get", "k"]).assert_prints("of the default\n");
    place.run(&["get", "--db", "data", "k"]).assert_prints("of the default\n");
}
