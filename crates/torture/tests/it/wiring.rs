//! A target is a function, a program in fuzz, a corpus and a test.

use std::fs;

use siltstone_torture::decoders::TARGETS;

use crate::corpus::{inputs, names, workspace};

fn target_names() -> Vec<String> {
    TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect()
}

#[test]
fn every_function_has_a_corpus_and_a_program_and_no_other_is_there() {
    let fuzz = workspace().join("fuzz");
    assert_eq!(names(&fuzz.join("corpus")), target_names());
    let programs: Vec<String> = target_names().iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(names(&fuzz.join("fuzz_targets")), programs);
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    for name in target_names() {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "fuzz/Cargo.toml has no program {name}");
        let program = fs::read_to_string(fuzz.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(program.contains(&format!("decoders::{name}(data)")), "{program}");
    }
}

#[test]
fn every_function_is_replayed() {
    let tests = include_str!("corpora.rs");
    for name in target_names() {
        assert!(tests.contains(&format!("replay(\"{name}\");")), "{name} is not replayed");
    }
}

#[test]
fn every_golden_file_of_a_size_that_suits_a_fuzzer_is_in_a_corpus() {
    for (krate, target) in [("wal", "log_read"), ("sstable", "table_open"), ("bloom", "filter_open")] {
        let golden = workspace().join("crates").join(krate).join("testdata/compat");
        let inputs = inputs(target);
        for name in names(&golden) {
            let bytes = fs::read(golden.join(&name)).unwrap();
            let known = inputs.iter().any(|(_, input)| *input == bytes);
            assert!(known || bytes.len() > 8 << 10, "{name} is not in fuzz/corpus/{target}");
        }
    }
}
