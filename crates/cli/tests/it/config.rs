//! The configuration: file, environment, options, in this order.

use crate::{Place, Run};

/// A place whose configuration file names the database `of-file`.
fn place() -> Place {
    let place = Place::new();
    place.write(
        "etc/silt.toml",
        "db = '../of-file'\nkeyspace = 'kf'\ndurability = 'buffered'\nlog = 'error'\n",
    );
    place
}

fn with(place: &Place, environment: &[(&str, &str)], arguments: &[&str]) -> Run {
    Run::new(place.command(arguments).envs(environment.iter().copied()).output().unwrap())
}

#[test]
fn the_file_is_overridden_by_the_environment_and_that_by_options() {
    let place = place();
    let file = ("SILTSTONE_CONFIG", "etc/silt.toml");
    with(&place, &[file], &["put", "k", "file"]).assert_prints("");
    assert_eq!(place.names(), ["etc", "of-file"]);
    let environment = [file, ("SILTSTONE_DB", "of-environment"), ("SILTSTONE_KEYSPACE", "ke")];
    with(&place, &environment, &["put", "k", "environment"]).assert_prints("");
    assert_eq!(place.names(), ["etc", "of-environment", "of-file"]);
    let options = ["--db", "of-option", "--keyspace", "ko"];
    with(&place, &environment, &[&options[..], &["put", "k", "option"]].concat()).assert_prints("");

    for (db, keyspace, value) in
        [("of-file", "kf", "file"), ("of-environment", "ke", "environment"), ("of-option", "ko", "option")]
    {
        place.run(&["keyspaces", "--db", db]).assert_prints(&format!("default\n{keyspace}\n"));
        place.run(&["get", "k", "--db", db, "--keyspace", keyspace]).assert_prints(&format!("{value}\n"));
    }
    // Also from elsewhere: the path in the file is relative to the file.
    let mut elsewhere = place.command(&["--config", "../etc/silt.toml", "get", "k"]);
    Run::new(elsewhere.current_dir(place.path("of-option")).output().unwrap()).assert_prints("file\n");
}

#[test]
fn the_log_level_comes_from_all_three() {
    let place = place();
    place.run(&["put", "--config", "etc/silt.toml", "k", "v"]).assert_prints("");
    let quiet = ["get", "--config", "etc/silt.toml", "x"];
    let run = with(&place, &[], &quiet);
    assert_eq!((run.status, &*run.err), (1, ""));
    let run = with(&place, &[("SILTSTONE_LOG", "warn")], &quiet);
    assert_eq!((run.status, &*run.err), (1, " WARN there is no key x\n"));
    let run = with(&place, &[("SILTSTONE_LOG", "warn")], &[&quiet[..], &["--log", "off"]].concat());
    assert_eq!((run.status, &*run.err), (1, ""));
}

#[test]
fn no_create_comes_from_all_three() {
    let place = Place::new();
    place.write("silt.toml", "no-create = true\n");
    let put = ["put", "--db", "db", "k", "v"];
    let refused = ["there is no database at"];
    place.run(&[&put[..], &["--no-create"]].concat()).assert_fails_with(&refused);
    place.run(&[&put[..], &["--config", "silt.toml"]].concat()).assert_fails_with(&refused);
    with(&place, &[("SILTSTONE_NO_CREATE", "true")], &put).assert_fails_with(&refused);
    with(&place, &[("SILTSTONE_NO_CREATE", "1")], &put).assert_fails_with(&refused);
    assert_eq!(place.names(), ["silt.toml"]);
    with(&place, &[("SILTSTONE_NO_CREATE", "false")], &put).assert_prints("");
    // It overrides the file.
    let put = ["put", "--db", "other", "--config", "silt.toml", "k", "v"];
    with(&place, &[("SILTSTONE_NO_CREATE", "false")], &put).assert_prints("");
}

#[test]
fn settings_of_the_file_are_stored_by_writers_and_by_nobody_else() {
    let place = Place::with_lines("k\tv\n");
    let options = || std::fs::read_to_string(place.path("db/OPTIONS")).unwrap();
    assert!(options().contains("\nblock-bytes = 4096\n"), "{}", options());
    place.write("silt.toml", "db = 'db'\n[settings]\nblock-bytes = 8192\nworkers = 3\n");
    let stored = options();
    place.run(&["get", "--config", "silt.toml", "k"]).assert_prints("v\n");
    assert_eq!(options(), stored);
    place.run(&["put", "--config", "silt.toml", "k", "w"]).assert_prints("");
    assert!(
        options().contains("\nblock-bytes = 8192\n") && options().contains("\nworkers = 3\n"),
        "{}",
        options()
    );
    // Without settings, the stored ones hold.
    place.run(&["put", "--db", "db", "k", "x"]).assert_prints("");
    assert!(options().contains("\nblock-bytes = 8192\n"), "{}", options());
    // A table of settings is the whole of them.
    place.write("silt.toml", "db = 'db'\n[settings]\nworkers = 3\n");
    place.run(&["put", "--config", "silt.toml", "k", "y"]).assert_prints("");
    assert!(
        options().contains("\nblock-bytes = 4096\n") && options().contains("\nworkers = 3\n"),
        "{}",
        options()
    );
}

#[test]
fn options_stand_before_or_behind_the_command() {
    let place = Place::new();
    place
        .run(&["--db", "db", "--durability", "buffered", "--keyspace", "u", "put", "k", "v"])
        .assert_prints("");
    place.run(&["get", "k", "--db", "db", "--keyspace", "u", "--log", "off"]).assert_prints("v\n");
    place.run(&["--keyspace", "u", "get", "--db", "db", "k", "--no-create"]).assert_prints("v\n");
}
