//! The advice from the command line to the settings, on trees that are tiny.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use siltstone::Settings;

fn advise(folder: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_siltstone-advise"))
        .args(words)
        .arg("--out")
        .arg(folder)
        .output()
        .unwrap()
}

/// What it printed, and the settings that it left, which the engine accepts.
#[track_caller]
fn advised(folder: &Path, words: &[&str]) -> (String, Settings) {
    let output = advise(folder, words);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    let pasted = fs::read_to_string(folder.join("settings.toml")).unwrap();
    assert!(text.contains(&pasted), "{text}");
    let settings: Settings = toml::from_str(&pasted).unwrap();
    settings.validate().unwrap();
    (text, settings)
}

#[track_caller]
fn refused(words: &[&str], expected: &str) {
    let folder = tempfile::tempdir().unwrap();
    let output = advise(folder.path(), words);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && text.contains(expected), "{words:?}: {text}");
}

#[test]
fn a_workload_is_simulated_measured_and_answered_with_settings() {
    let folder = tempfile::tempdir().unwrap();
    let words = ["--workload", "overwrite", "--goal", "write", "--keys", "3000", "--repeats", "1"];
    let (text, settings) = advised(
        folder.path(),
        &[&words[..], &["--data-bytes", "400MiB", "--memtable-bytes", "32MiB"]].concat(),
    );
    assert_eq!((settings.memtable_bytes_max, settings.table_bytes_max), (32 << 20, 16 << 20));
    for part in
        ["simulated:", "measured: overwrite and readrandom", "why:", "what it costs:", "writing (measured)"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    for workload in ["overwrite", "readrandom"] {
        let lines = fs::read_to_string(folder.path().join(workload).join("results.jsonl")).unwrap();
        // The run, and a line for each of two candidates and the default.
        assert_eq!(lines.lines().count(), 4, "{lines}");
    }
}

#[test]
fn a_trace_is_described_and_answered_without_measuring() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace.txt");
    let lines: Vec<String> =
        (0..2000).map(|number| format!("put key{number:06} 80\nget key{:06}", number / 2)).collect();
    fs::write(&trace, lines.join("\n")).unwrap();
    let trace = trace.to_str().unwrap();
    let words = [trace, "--goal", "space", "--keys", "20000", "--data-bytes", "1GiB", "--simulate-only"];
    let (text, _) = advised(folder.path(), &words);
    assert!(text.contains("4,000 operations on 2,000 distinct keys: 50 % puts"), "{text}");
    assert!(text.contains("nearly each behind all before it"), "{text}");
    assert!(!text.contains("measured"), "{text}");
}

#[test]
fn what_nobody_knows_is_refused() {
    refused(
        &["--workload", "ycbs-a", "--goal", "read"],
        "there is no workload `ycbs-a`; did you mean `ycsb-a`?",
    );
    refused(&["--workload", "ycsb-a", "--goal", "speed"], "[possible values: write, read, space, p99]");
    refused(&["--goal", "read"], "--workload");
    let huge = ["--workload", "ycsb-a", "--goal", "read", "--memtable-bytes", "8000000000000000000"];
    refused(&huge, "1024 TiB are the most");
    refused(&["--workload", "fillseq", "--goal", "read", "--data-bytes", "1MiB"], "fits into 4 memtables");
    refused(&["no-such-file", "--goal", "read"], "cannot read no-such-file");
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace.txt");
    fs::write(&trace, "put a 1\nfetch a\n").unwrap();
    refused(&[trace.to_str().unwrap(), "--goal", "read"], "trace.txt: line 2: there is no operation `fetch`");
}
