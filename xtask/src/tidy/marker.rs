//! Unfinished work is not marked in the sources: what is left to do is written where people look for it.

use super::{Violation, source::Source};

// Written in two parts, so that this file does not report itself.
const MARKERS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX")];

/// Names the lines that hold a marker as a word of its own.
pub(super) fn check(sources: &[Source]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in sources {
        for (idx, line) in source.text.lines().enumerate() {
            for marker in MARKERS {
                if words(line).any(|word| word == *marker) {
                    let place = format!("{}:{}", source.path, idx + 1);
                    violations
                        .push(Violation::new(place, format!("{marker}: do it, or report it as an issue")));
                }
            }
        }
    }
    violations
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric() && c != '_')
}

#[cfg(test)]
mod tests {
    use super::super::source::source;
    use super::*;

    #[test]
    fn a_marker_is_reported_with_its_line() {
        for marker in MARKERS {
            let [violation] =
                check(&[source("a.rs", &format!("//! A.\n// {marker}: later\n"))]).try_into().unwrap();
            assert_eq!(violation.place, "a.rs:2");
        }
    }

    #[test]
    fn a_marker_inside_a_longer_word_is_none() {
        for marker in MARKERS {
            assert_eq!(
                check(&[source(
                    "a.rs",
                    &format!(
                        "{marker}S _{marker}
"
                    )
                )]),
                []
            );
        }
    }
}
