//! A page that describes a format is read again whenever the format's source changes.
//!
//! A page below docs/format names its sources after the word `Code:`, and holds one line for each:
//! `<!-- format-hash: crates/wal/src/format.rs 0123456789abcdef -->`. When the source changes, the hash no longer
//! fits; whoever changed it reads the page and lets `cargo xtask tidy --bless` write the new hash.

use super::{Violation, source::Source};

const START: &str = "<!-- format-hash: ";
const END: &str = " -->";

/// Whether the page is one of those that describe a format.
pub(super) fn is_format_page(page: &Source) -> bool {
    page.path.starts_with("docs/format/")
}

/// Names pages whose sources are missing, unnamed or changed since the page was blessed.
pub(super) fn check(pages: &[Source], sources: &[Source]) -> Vec<Violation> {
    pages.iter().filter(|page| is_format_page(page)).flat_map(|page| check_page(page, sources)).collect()
}

fn check_page(page: &Source, sources: &[Source]) -> Vec<Violation> {
    let named = named_sources(page);
    if named.is_empty() {
        return vec![Violation::new(
            &page.path,
            "names no source: write \"Code: `crates/..rs`\" in its introduction",
        )];
    }
    let mut violations = Vec::new();
    for path in named {
        let Some(source) = find(sources, path) else {
            violations.push(Violation::new(&page.path, format!("describes {path}, which does not exist")));
            continue;
        };
        if !page.text.lines().any(|line| line == marker(source)) {
            let what = format!(
                "was not read against the present {path}: read it again, then `cargo xtask tidy --bless`"
            );
            violations.push(Violation::new(&page.path, what));
        }
    }
    violations
}

/// The page's text with a line of the right hash for each source that it names and that exists.
pub(super) fn blessed(page: &Source, sources: &[Source]) -> String {
    let mut markers: Vec<String> =
        named_sources(page).iter().filter_map(|path| find(sources, path)).map(marker).collect();
    let is_marker = |line: &str| line.starts_with(START) && line.ends_with(END);
    let mut lines: Vec<&str> = page.text.lines().filter(|line| !is_marker(line)).collect();
    while lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    let mut text = lines.join("\n");
    if !markers.is_empty() {
        markers.insert(0, String::from("\n"));
        text.push_str(&markers.join("\n"));
    }
    text.push('\n');
    text
}

/// The sources between the word `Code:` and the next heading.
fn named_sources(page: &Source) -> Vec<&str> {
    let Some((_, after)) = page.text.split_once("Code:") else { return Vec::new() };
    let introduction = after.split("\n#").next().unwrap_or_default();
    let quoted = introduction.split('`').skip(1).step_by(2);
    quoted.filter(|path| path.starts_with("crates/")).collect()
}

fn find<'a>(sources: &'a [Source], path: &str) -> Option<&'a Source> {
    sources.iter().find(|source| source.path == path)
}

fn marker(source: &Source) -> String {
    format!("{START}{} {:016x}{END}", source.path, fnv_1a(source.text.as_bytes()))
}

/// 64-bit FNV-1a (<http://www.isthe.com/chongo/tech/comp/fnv/>): enough to notice a change.
fn fnv_1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::super::source::source;
    use super::*;

    const PAGE: &str =
        "# A\n\nText. Code:\n`crates/a/src/format.rs` and `crates/a/src/b.rs`.\n\n## C\n\n`crates/d.rs`\n";

    fn sources() -> Vec<Source> {
        vec![source("crates/a/src/b.rs", "b"), source("crates/a/src/format.rs", "a")]
    }

    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(fnv_1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv_1a(b"a"), 0xaf63_dc4c_8601_ec8c);
    }

    #[test]
    fn a_page_passes_once_it_is_blessed_and_blessing_again_changes_nothing() {
        let page = source("docs/format/a.md", PAGE);
        assert_eq!(check(&[page], &sources()).len(), 2);
        let page = source("docs/format/a.md", &blessed(&source("docs/format/a.md", PAGE), &sources()));
        assert!(page.text.starts_with(PAGE), "{}", page.text);
        assert_eq!(check(&[source("docs/format/a.md", &page.text)], &sources()), []);
        assert_eq!(blessed(&page, &sources()), page.text);
    }

    #[test]
    fn a_changed_source_is_reported_until_the_page_is_blessed_again() {
        let page = source("docs/format/a.md", &blessed(&source("docs/format/a.md", PAGE), &sources()));
        let changed = vec![source("crates/a/src/b.rs", "B"), source("crates/a/src/format.rs", "a")];
        let [violation] = check(&[source("docs/format/a.md", &page.text)], &changed).try_into().unwrap();
        assert!(violation.what.contains("the present crates/a/src/b.rs:"), "{violation}");
        let page = source("docs/format/a.md", &blessed(&page, &changed));
        assert_eq!(page.text.matches(START).count(), 2);
        assert_eq!(check(&[page], &changed), []);
    }

    #[test]
    fn a_page_without_a_source_or_with_a_missing_one_is_reported() {
        assert_eq!(check(&[source("docs/format/a.md", "# A\n")], &sources()).len(), 1);
        let page = source("docs/format/a.md", "# A\n\nCode: `crates/gone.rs`.\n");
        assert!(check(&[page], &sources())[0].what.contains("does not exist"));
        assert_eq!(check(&[source("docs/traits/a.md", "# A\n")], &sources()), []);
    }
}
