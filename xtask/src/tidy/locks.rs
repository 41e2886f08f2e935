//! Locks, atomics, channels and threads have one name in a crate that shuttle tests, so that shuttle can stand in for all of them.

use super::{
    Violation,
    source::{Source, tokens},
};

/// The crates, by their folders.
const CRATES: &[&str] = &["engine", "wal"];

/// Crates that only the module `sync` names.
const BEHIND_SYNC: &[&str] = &["parking_lot", "crossbeam_channel", "arc_swap", "shuttle"];

/// What the standard library has in these modules and where no thread ever waits for another one.
const HARMLESS: &[&str] =
    &["std::sync::Arc", "std::sync::Weak", "std::sync::LazyLock", "std::thread::available_parallelism"];

/// Names library sources, tests aside, that name a lock, an atomic, a channel or a thread which is not that of `crate::sync`.
pub(super) fn check(sources: &[Source]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in sources.iter().filter(|source| is_checked(source)) {
        for (line, name) in names(source).into_iter().filter(|(_, name)| is_forbidden(name)) {
            let what =
                format!("names {name}, which only the module `sync` of the crate may; see docs/testing.md");
            violations.push(Violation::new(format!("{}:{line}", source.path), what));
        }
    }
    violations
}

fn is_checked(source: &Source) -> bool {
    match source.parts().as_slice() {
        ["crates", name, "src", below @ ..] => {
            let is_test = below.iter().any(|part| *part == "tests" || *part == "tests.rs");
            CRATES.contains(name) && !is_test && !matches!(below, ["sync.rs"] | ["sync", ..])
        }
        _ => false,
    }
}

fn is_forbidden(name: &str) -> bool {
    let is_threaded = name.starts_with("std::sync") || name.starts_with("std::thread");
    BEHIND_SYNC.contains(&name)
        || (is_threaded && !HARMLESS.iter().any(|harmless| name.starts_with(harmless)))
}

/// Every path that begins with `std`, groups taken apart, and every name of a crate behind `sync`.
fn names(source: &Source) -> Vec<(usize, String)> {
    let tokens: Vec<(usize, &str)> =
        source.code_lines().flat_map(|(line, code)| tokens(code).map(move |token| (line, token))).collect();
    let mut names = Vec::new();
    for (at, (line, token)) in tokens.iter().enumerate() {
        // `cfg(shuttle)` is a word, and no name of the crate.
        let is_path = matches!(tokens.get(at + 1), Some((_, ":")));
        if *token == "std" {
            paths(&tokens[at..], &mut names);
        } else if BEHIND_SYNC.contains(token) && is_path {
            names.push((*line, (*token).to_owned()));
        }
    }
    names
}

/// The paths of the tree that `tokens` begin with: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn paths(tokens: &[(usize, &str)], names: &mut Vec<(usize, String)>) {
    // What stands before each brace that is open, and what was read behind the last one.
    let (mut prefixes, mut path): (Vec<String>, String) = (Vec::new(), String::new());
    for (at, (line, token)) in tokens.iter().enumerate() {
        let goes_on = matches!(tokens.get(at + 1), Some((_, ":")));
        match *token {
            ":" => path.push(':'),
            "{" => prefixes.push(path.clone()),
            "," | "}" if !prefixes.is_empty() => {
                if *token == "}" {
                    prefixes.pop();
                }
                path = prefixes.last().cloned().unwrap_or_default();
            }
            word if word.chars().all(|c| c.is_alphanumeric() || c == '_') => {
                path.push_str(word);
                if !goes_on {
                    names.push((*line, path.clone()));
                }
            }
            _ => {}
        }
        if prefixes.is_empty() && !goes_on && *token != ":" {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::source;
    use super::*;

    fn check_text(path: &str, text: &str) -> Vec<Violation> {
        check(&[source(path, text)])
    }

    #[test]
    fn every_way_to_name_one_is_reported_with_its_line() {
        for (text, line) in [
            ("use std::sync::Mutex;\n", 1),
            ("use std::{\n    fmt,\n    sync::{\n        Arc,\n        atomic::AtomicU64,\n    },\n};\n", 5),
            ("use std::{io, thread};\n", 1),
            ("fn a() {\n    std::thread::yield_now();\n}\n", 2),
            ("use parking_lot::Mutex;\n", 1),
            ("use arc_swap::{ArcSwap, Guard};\n", 1),
            ("use std::sync::{Arc, mpsc};\n", 1),
        ] {
            let [violation] = check_text("crates/engine/src/flush.rs", text).try_into().unwrap();
            assert_eq!(violation.place, format!("crates/engine/src/flush.rs:{line}"), "{text}");
        }
    }

    #[test]
    fn what_never_waits_is_fine() {
        for text in [
            "//! Not std::sync::Mutex.\n",
            "use std::{fmt, sync::{Arc, LazyLock}, time::Duration};\n",
            "use crate::sync::{Mutex, thread};\nfn a() { thread::yield_now() }\n",
            "#[cfg(shuttle)]\nfn a() {}\n",
            "fn a() { std::thread::available_parallelism(); }\n",
            "#[cfg(all(test, not(shuttle)))]\nmod tests {\n    use std::sync::Mutex;\n}\n",
        ] {
            assert_eq!(check_text("crates/engine/src/flush.rs", text), [], "{text}");
        }
    }

    #[test]
    fn the_module_itself_tests_and_other_crates_may() {
        for path in [
            "crates/engine/src/sync.rs",
            "crates/engine/src/sync/scheduled.rs",
            "crates/engine/src/manifest/tests.rs",
            "crates/engine/tests/it/threads.rs",
            "crates/vfs/src/fault.rs",
        ] {
            assert_eq!(check_text(path, "use std::sync::Mutex;\n"), [], "{path}");
        }
    }
}
