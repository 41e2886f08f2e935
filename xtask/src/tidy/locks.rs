//! Locks, atomics, channels and threads have one name in a crate that shuttle tests, so that shuttle can stand in for all of them.

use super::{Violation, paths::paths_below, source::Source};

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
    source.in_library().is_some_and(|(name, below)| {
        CRATES.contains(&name) && !matches!(below.as_slice(), ["sync.rs"] | ["sync", ..])
    })
}

fn is_forbidden(name: &str) -> bool {
    let is_threaded = name.starts_with("std::sync") || name.starts_with("std::thread");
    BEHIND_SYNC.contains(&name)
        || (is_threaded && !HARMLESS.iter().any(|harmless| name.starts_with(harmless)))
}

/// Every path that begins with `std`, groups taken apart, and every name of a crate behind `sync`.
fn names(source: &Source) -> Vec<(usize, String)> {
    let mut names = paths_below(source, "std");
    for name in BEHIND_SYNC {
        names.extend(paths_below(source, name).into_iter().map(|(line, _)| (line, (*name).to_owned())));
    }
    names.dedup();
    names
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
