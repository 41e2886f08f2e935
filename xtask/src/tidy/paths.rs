//! Finds the paths that a source names, with `{..}` taken apart.

use super::source::{Source, tokens};

/// The paths below a root such as `std`, each with the line of its last word; the code only, without comments and inline tests.
pub(super) fn paths_below(source: &Source, root: &str) -> Vec<(usize, String)> {
    let tokens: Vec<(usize, &str)> =
        source.code_lines().flat_map(|(line, code)| tokens(code).map(move |token| (line, token))).collect();
    let mut found = Vec::new();
    for (at, (_, token)) in tokens.iter().enumerate() {
        // A word that no path follows, as in `cfg(shuttle)`, names nothing.
        if *token == root && matches!(tokens.get(at + 1), Some((_, ":"))) {
            paths(&tokens[at..], &mut found);
        }
    }
    found
}

/// The paths of the tree that `tokens` begin with: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn paths(tokens: &[(usize, &str)], found: &mut Vec<(usize, String)>) {
    // What stands before each brace that is open, and what was read behind the last one.
    let (mut prefixes, mut path): (Vec<String>, String) = (Vec::new(), String::new());
    let mut is_renamed = false;
    for (at, (line, token)) in tokens.iter().enumerate() {
        let goes_on = matches!(tokens.get(at + 1), Some((_, ":")));
        match *token {
            "as" => is_renamed = true,
            _ if is_renamed => is_renamed = false,
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
                    found.push((*line, path.clone()));
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

    #[test]
    fn groups_are_taken_apart() {
        let text = "use std::{\n    fmt,\n    io::{self, Read as _},\n};\nfn a() { std::fs::read(b); other::std; }\n";
        let found = paths_below(&source("crates/a/src/b.rs", text), "std");
        let found: Vec<_> = found.iter().map(|(line, path)| (*line, path.as_str())).collect();
        assert_eq!(
            found,
            [(2, "std::fmt"), (3, "std::io::self"), (3, "std::io::Read"), (5, "std::fs::read")]
        );
    }
}
