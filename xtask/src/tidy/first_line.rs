//! The first line of every source says what the file is for.

use super::{Violation, source::Source};

/// Names sources that start with anything but their own documentation.
pub(super) fn check(sources: &[Source]) -> Vec<Violation> {
    let says_nothing = |source: &&Source| {
        let first = source.text.lines().next().unwrap_or_default();
        let described = first.strip_prefix("//!").is_some_and(|text| !text.trim().is_empty());
        !described && !first.starts_with("#![doc")
    };
    let violation = |source: &Source| {
        Violation::new(
            format!("{}:1", source.path),
            "the first line does not say what the file is for (`//! ..`)",
        )
    };
    sources.iter().filter(says_nothing).map(violation).collect()
}

#[cfg(test)]
mod tests {
    use super::super::source::source;
    use super::*;

    #[test]
    fn a_file_that_starts_with_code_is_reported() {
        for text in ["", "use std::fmt;\n", "// A comment.\n", "//!\n", "\n//! Too late.\n"] {
            assert_eq!(check(&[source("a.rs", text)]).len(), 1, "{text:?}");
        }
    }

    #[test]
    fn documentation_of_either_form_passes() {
        for text in ["//! Reads records.\n", "#![doc = include_str!(\"../README.md\")]\n"] {
            assert_eq!(check(&[source("a.rs", text)]), [], "{text:?}");
        }
    }
}
