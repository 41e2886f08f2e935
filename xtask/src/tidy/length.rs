//! A source of a crate holds one idea, and fits into a reader's head.

use super::{Violation, source::Source};

const LINES_MAX: usize = 600;

/// Names files below crates/*/src that are too long.
pub(super) fn check(sources: &[Source]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in sources {
        let line_count = source.text.lines().count();
        if matches!(source.parts().as_slice(), ["crates", _, "src", ..]) && LINES_MAX < line_count {
            let what = format!("{line_count} lines, more than {LINES_MAX}: split it by idea");
            violations.push(Violation::new(&source.path, what));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::super::source::source;
    use super::*;

    #[test]
    fn one_line_too_many_in_a_crate_is_reported() {
        let most = "x\n".repeat(LINES_MAX);
        let too_long = format!("{most}x\n");
        assert_eq!(check(&[source("crates/wal/src/reader.rs", &most)]), []);
        assert_eq!(check(&[source("crates/wal/src/reader.rs", &too_long)]).len(), 1);
        assert_eq!(check(&[source("crates/wal/tests/it/main.rs", &too_long)]), []);
    }
}
