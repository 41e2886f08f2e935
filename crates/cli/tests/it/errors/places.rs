//! Databases, keyspaces and files that are not there, are in the way, or belong to somebody else.

use std::{fs, os::unix::fs::PermissionsExt as _};

use siltstone::Db;

use super::Transcript;
use crate::Place;

pub(super) fn places() -> String {
    let place = Place::with_lines("k\tv\n");
    place.run(&["put", "--db", "db", "--keyspace", "users", "k", "v"]).assert_prints("");
    place.write("file", "no database");
    fs::create_dir(place.path("folder")).unwrap();
    let mut transcript = Transcript::new("Places", place);
    for command in [
        "get k",
        "get k --db folder",
        "put k v --no-create",
        "flush",
        "--db file get k",
        "--db file put k v",
        "--db file/below put k v",
        "import --db new missing.tsv",
        "import --db new folder",
        "put --db new k --file missing",
        "put --db new k --file folder",
        "dump missing",
        "dump file",
        "dump folder",
        "get --db db k --keyspace user",
        "get --db db k --keyspace animals",
        "put --db db k v --keyspace user --no-create",
    ] {
        transcript.fails(command);
    }
    locked(&mut transcript);
    read_only(&mut transcript);
    full(&mut transcript);
    transcript.finish()
}

fn locked(transcript: &mut Transcript) {
    let db = Db::open(transcript.place.path("db")).unwrap();
    let run = transcript.place.run(&["put", "--db", "db", "k", "v"]);
    let pid = std::process::id().to_string();
    assert!(run.err.contains(&pid), "{}", run.err);
    transcript.add("siltstone put --db db k v", &crate::Run { err: run.err.replace(&pid, "PID"), ..run });
    db.close().unwrap();
}

/// A directory that nobody may write to. Root may write everywhere, so the program runs without that privilege.
fn read_only(transcript: &mut Transcript) {
    permit(&transcript.place, 0o500);
    let unprivileged =
        "if [ $(id -u) = 0 ]; then SILTSTONE=\"setpriv --bounding-set=-dac_override $SILTSTONE\"; fi;";
    for command in ["--db folder put k v", "--db db put k v", "--db db compact"] {
        let line = format!("{unprivileged} $SILTSTONE {command}");
        let run = transcript.place.run_in_shell(&line, &[("SILTSTONE", env!("CARGO_BIN_EXE_siltstone"))]);
        transcript.note("the directory is read-only");
        transcript.add(&format!("siltstone {command}"), &run);
    }
    // Reading needs no more.
    transcript.place.run(&["get", "--db", "db", "k"]).assert_prints("v\n");
    permit(&transcript.place, 0o700);
}

fn permit(place: &Place, mode: u32) {
    for folder in ["db", "db/wal", "db/sst", "folder"] {
        fs::set_permissions(place.path(folder), fs::Permissions::from_mode(mode)).unwrap();
    }
}

/// `/dev/full` answers every write as a full disk does. A database on a disk that is full is the engine's to test, which can make one.
fn full(transcript: &mut Transcript) {
    transcript.fails_in_shell("$SILTSTONE export --db db > /dev/full");
    // A file that may not grow: the limit is 4 blocks of 512 or of 1024 bytes.
    let lines = crate::lines(0..2000, |number| format!("key {number}\tvalue\n"));
    transcript.place.write("lines.tsv", lines);
    transcript.fails_in_shell("trap '' XFSZ; ulimit -f 4; $SILTSTONE import --db small lines.tsv");
}
