//! Records that are wrong: keys that are too long, lines that say nothing.

use super::Transcript;
use crate::Place;

pub(super) fn data() -> String {
    let mut transcript = Transcript::new("Data", Place::new());
    for line in [r"no tab", r"a	b	c", r"a\q	b", r"a	\x4g", r#"{"key":"a","value":"b"}"#] {
        transcript.place.write("lines.tsv", format!("k\tv\n{line}\n"));
        shows(&mut transcript, "import lines.tsv", line);
    }
    for line in [
        r#"{"key":"a","value":"b""#,
        r#"{"key":"a","valeu":"b"}"#,
        r#"{"key":"a"}"#,
        r#"{"key":"a","value":7}"#,
        r#"{"key":"a","key":"a","value":"b"}"#,
        r#"{"key":"a","value_hex":"xy"}"#,
        r#"{"key":"a","key_hex":"61","value":"b"}"#,
        r#"["a","b"]"#,
        "a\tb",
    ] {
        let lines = format!("{{\"key\":\"k\",\"value\":\"v\"}}\n{line}\n");
        transcript.place.write("lines.jsonl", lines);
        shows(&mut transcript, "import lines.jsonl", line);
    }
    for line in ["get a", "put", "put \"a b", "put \"a\"b c", "put \"\\q\" c", "delete a b"] {
        transcript.note(&format!("line 1: {line}"));
        transcript.fails_with_input("batch", format!("{line}\n").as_bytes());
    }
    let key = "k".repeat(65_537);
    let run = transcript.place.run(&["put", &key, "v"]);
    transcript.add("siltstone put KEY_OF_65537_BYTES v", &run);
    let run = transcript.place.run_with_input(&["import", "-"], format!("{key}\tv\n").as_bytes());
    transcript.add("siltstone import - (a key of 65537 bytes)", &run);
    transcript.finish()
}

/// Runs a command on a file whose second line is this.
#[track_caller]
fn shows(transcript: &mut Transcript, command: &str, line: &str) {
    transcript.note(&format!("line 2: {}", line.replace('\t', "<TAB>")));
    transcript.fails(command);
}
