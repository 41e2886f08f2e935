//! Links between the pages lead somewhere.

use super::{Violation, source::Source};

/// Names relative links whose file does not exist, as `exists` knows it by its path from the root.
pub(super) fn check(pages: &[Source], exists: impl Fn(&str) -> bool) -> Vec<Violation> {
    let mut violations = Vec::new();
    for page in pages {
        for (line, target) in links(&page.text) {
            let file = target.split('#').next().unwrap_or_default();
            if is_file(file) && !resolve(&page.path, file).is_some_and(|path| exists(&path)) {
                let what = format!("the link to {target} leads nowhere");
                violations.push(Violation::new(format!("{}:{line}", page.path), what));
            }
        }
    }
    violations
}

/// The targets of all links outside fenced code, with their lines.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (idx, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if !fenced {
            let after_brackets = line.split("](").skip(1);
            found.extend(after_brackets.filter_map(|rest| Some((idx + 1, rest.split_once(')')?.0))));
        }
    }
    found
}

/// Links to items of the documentation (`crate::Db`, `Db`), and to other sites, are not ours to check.
fn is_file(target: &str) -> bool {
    let elsewhere = target.contains("::") || target.contains("//") || target.starts_with("mailto:");
    !elsewhere && (target.contains('/') || target.contains('.'))
}

/// The path from the root of what `target` means on `page`; `None` when it lies outside.
fn resolve(page: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::super::source::source;
    use super::*;

    fn check_page(text: &str) -> Vec<Violation> {
        check(&[source("docs/format/wal.md", text)], |path| {
            ["docs/format/batch.md", "docs/durability.md", "README.md"].contains(&path)
        })
    }

    #[test]
    fn a_link_to_a_missing_file_is_reported_with_its_line() {
        for target in ["bach.md", "../batch.md", "../../../README.md", "../durability.markdown#sync", "src/"]
        {
            let [violation] = check_page(&format!("A.\nSee [it]({target}).\n")).try_into().unwrap();
            assert_eq!(violation.place, "docs/format/wal.md:2", "{target}");
        }
    }

    #[test]
    fn links_that_lead_somewhere_or_elsewhere_pass() {
        for target in [
            "batch.md",
            "./batch.md#layout",
            "../durability.md",
            "../../README.md",
            "#validity",
            "https://example.org/a.md",
            "crate::Db",
            "Db",
        ] {
            assert_eq!(check_page(&format!("See [it]({target}).\n")), [], "{target}");
        }
        assert_eq!(check_page("```text\n[a](gone.md)\n```\n"), []);
    }
}
