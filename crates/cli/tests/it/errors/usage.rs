//! Wrong command lines and configurations: status 2, and nothing is touched.

use super::Transcript;
use crate::Place;

pub(super) fn arguments() -> String {
    let mut transcript = Transcript::new("Arguments", Place::new());
    for command in [
        "sacn",
        "get",
        "put k",
        "put k v w",
        "put k v --file f",
        "get k --prefx",
        "get k --db",
        "scan --prefix a b",
        "scan --limit some",
        "scan --format csv",
        "import",
        "import --batch 0 -",
        "import --format hex -",
        "export --all --format tsv",
        "bench --count 0",
        "get k --log loud",
        "put k v --durability never",
        "put k v --durability interval:soon",
        "put k v --durability interval:0",
        "get --hex 0g",
        "put --hex 00 1",
        "scan --hex --prefix 0x00",
        "put --keyspace '' k v",
    ] {
        transcript.fails(command);
    }
    assert_eq!(transcript.place.names(), [""; 0]);
    transcript.finish()
}

pub(super) fn configuration() -> String {
    let mut transcript = Transcript::new("Configuration", Place::new());
    for (name, content) in [
        ("key.toml", "db = 'db'\nkeyspce = 'users'\n"),
        ("setting.toml", "[settings]\ncache-byte = 1000\n"),
        ("value.toml", "[settings]\nworkers = 2\nblock-bytes = 1\n"),
        ("type.toml", "[settings]\nworkers = 'two'\n"),
        ("codec.toml", "[settings]\ncompression = ['none', 'lz5']\n"),
        ("durability.toml", "durability = 'never'\n"),
        ("level.toml", "log = 'loud'\n"),
        ("syntax.toml", "db = \"db\nlog = 'info'\n"),
    ] {
        transcript.place.write(name, content);
        transcript.fails(&format!("--config {name} get k"));
    }
    transcript.fails("--config missing.toml get k");
    transcript.fails_in_shell("SILTSTONE_DURABILTY=sync $SILTSTONE get k");
    transcript.fails_in_shell("SILTSTONE_LOG=loud $SILTSTONE get k");
    transcript.fails_in_shell("SILTSTONE_DB= $SILTSTONE put k v");
    transcript.fails_in_shell("SILTSTONE_NO_CREATE=maybe $SILTSTONE put k v");
    transcript.finish()
}
