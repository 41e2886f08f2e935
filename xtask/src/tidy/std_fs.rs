//! Only `siltstone-vfs` reaches the operating system's files, so that every operation can fail in a test.

use super::{Violation, paths::paths_below, source::Source};

/// The one library source that names `std::fs`.
const DOOR: &str = "crates/vfs/src/os.rs";

/// Crates that are programs or tests.
const EXCEPTED: &[&str] = &["cli", "testkit", "torture"];

/// Names library sources, tests aside, that import or name `std::fs`.
pub(super) fn check(sources: &[Source]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in sources.iter().filter(|source| is_library(source)) {
        if let Some(line) = names_std_fs(source) {
            let what = format!("names std::fs, which only {DOOR} may; take a `dyn Fs`");
            violations.push(Violation::new(format!("{}:{line}", source.path), what));
        }
    }
    violations
}

fn is_library(source: &Source) -> bool {
    source.path != DOOR && source.in_library().is_some_and(|(name, _)| !EXCEPTED.contains(&name))
}

/// The line of the first `std::fs`, be it spelled out or part of `std::{..}`.
fn names_std_fs(source: &Source) -> Option<usize> {
    let names_it = |path: &str| path == "std::fs" || path.starts_with("std::fs::");
    paths_below(source, "std").into_iter().find(|(_, path)| names_it(path)).map(|(line, _)| line)
}

#[cfg(test)]
mod tests {
    use super::super::source::source;
    use super::*;

    fn check_text(path: &str, text: &str) -> Vec<Violation> {
        check(&[source(path, text)])
    }

    #[test]
    fn every_way_to_name_it_is_reported_with_its_line() {
        for (text, line) in [
            ("use std::fs;\n", 1),
            ("//! A.\nuse std::fs::File;\n", 2),
            ("fn a() { let b = std::fs::read(\"c\"); }\n", 1),
            ("use std::{\n    fmt,\n    fs,\n};\n", 3),
            ("use std::{fs::File, io};\n", 1),
            ("use std::{io::{self, Read}, fs as files};\n", 1),
        ] {
            let [violation] = check_text("crates/wal/src/reader.rs", text).try_into().unwrap();
            assert_eq!(violation.place, format!("crates/wal/src/reader.rs:{line}"), "{text}");
        }
    }

    #[test]
    fn comments_other_names_and_inline_tests_are_fine() {
        for text in [
            "//! Unlike std::fs, this can fail.\n",
            "use std::{fmt, io::{self, fs}};\n",
            "use crate::fs::Fs;\nuse siltstone_vfs::{Fs, fs};\n",
            "use std::fsx;\n",
            "#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n",
        ] {
            assert_eq!(check_text("crates/wal/src/reader.rs", text), [], "{text}");
        }
    }

    #[test]
    fn the_door_programs_and_tests_may() {
        for path in [
            DOOR,
            "crates/cli/src/main.rs",
            "crates/wal/tests/it/main.rs",
            "crates/wal/src/reader/tests.rs",
            "crates/wal/examples/log.rs",
            "benches/src/lib.rs",
            "xtask/src/main.rs",
        ] {
            assert_eq!(check_text(path, "use std::fs;\n"), [], "{path}");
        }
    }
}
