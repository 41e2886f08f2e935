//! The layer table: which crate may depend on which.

use super::{
    Violation,
    metadata::{Metadata, Package},
};

/// What a crate may depend on in this workspace.
#[derive(Debug, Clone, Copy)]
enum Allowed {
    Only(&'static [&'static str]),
    Anything,
}

const LAYERS: &[(&str, Allowed)] = &[
    ("siltstone-types", Allowed::Only(&[])),
    ("siltstone-vfs", Allowed::Only(&[])),
    ("siltstone-bloom", Allowed::Only(&[])),
    ("siltstone-memtable", Allowed::Only(&["siltstone-types"])),
    ("siltstone-compaction", Allowed::Only(&["siltstone-types"])),
    ("siltstone-wal", Allowed::Only(&["siltstone-types", "siltstone-vfs"])),
    ("siltstone-sstable", Allowed::Only(&["siltstone-types", "siltstone-vfs", "siltstone-bloom"])),
    (
        "siltstone",
        Allowed::Only(&[
            "siltstone-types",
            "siltstone-vfs",
            "siltstone-bloom",
            "siltstone-wal",
            "siltstone-memtable",
            "siltstone-sstable",
            "siltstone-compaction",
        ]),
    ),
    (
        "siltstone-cli",
        Allowed::Only(&[
            "siltstone",
            "siltstone-wal",
            "siltstone-sstable",
            "siltstone-types",
            "siltstone-vfs",
        ]),
    ),
    ("siltstone-testkit", Allowed::Only(&["siltstone-types", "siltstone-vfs"])),
    ("siltstone-torture", Allowed::Anything),
    ("siltstone-benches", Allowed::Anything),
    ("xtask", Allowed::Anything),
];

/// Nothing in the workspace depends on these. (The fuzz targets may; they are a workspace of their own.)
const LEAVES: &[&str] = &["siltstone-cli", "siltstone-torture", "siltstone-benches", "xtask"];

/// Tests of any crate may use it.
const TESTKIT: &str = "siltstone-testkit";

/// Names every edge between members that the table does not hold, and every member without a row.
pub(super) fn check(metadata: &Metadata) -> Vec<Violation> {
    metadata.packages.iter().flat_map(check_package).collect()
}

fn check_package(package: &Package) -> Vec<Violation> {
    let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == package.name) else {
        let what =
            "has no row in the layer table (xtask/src/tidy/layers.rs); say there what it may depend on";
        return vec![Violation::new(&package.name, what)];
    };
    let mut violations = Vec::new();
    for sibling in &package.siblings {
        let name = sibling.name.as_str();
        // A crate may depend on itself for its tests, to turn on a feature.
        if sibling.dev && (name == TESTKIT || name == package.name) {
            continue;
        }
        let in_table = match allowed {
            Allowed::Only(names) => names.contains(&name),
            Allowed::Anything => true,
        };
        if !in_table || LEAVES.contains(&name) {
            let kind = if sibling.dev { " (for its tests)" } else { "" };
            let what = format!("may not depend on {name}{kind}; see the layers in ARCHITECTURE.md");
            violations.push(Violation::new(&package.name, what));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::super::metadata::Sibling;
    use super::*;

    fn check_edge(from: &str, to: &str, dev: bool) -> Vec<Violation> {
        let siblings = vec![Sibling { name: to.into(), dev }];
        let package = Package { name: from.into(), siblings, ..Package::default() };
        check(&Metadata { packages: vec![package], ..Metadata::default() })
    }

    #[test]
    fn edges_of_the_table_pass() {
        for (from, to) in [
            ("siltstone-wal", "siltstone-vfs"),
            ("siltstone-sstable", "siltstone-bloom"),
            ("siltstone", "siltstone-compaction"),
            ("siltstone-cli", "siltstone"),
            ("siltstone-torture", "siltstone-testkit"),
            ("xtask", "siltstone-compaction"),
        ] {
            assert_eq!(check_edge(from, to, false), [], "{from} -> {to}");
        }
    }

    #[test]
    fn edges_to_a_sibling_or_upwards_are_reported() {
        for (from, to) in [
            ("siltstone-types", "siltstone-vfs"),
            ("siltstone-bloom", "siltstone-types"),
            ("siltstone-wal", "siltstone-sstable"),
            ("siltstone-compaction", "siltstone-vfs"),
            ("siltstone-memtable", "siltstone"),
            ("siltstone-cli", "siltstone-memtable"),
            ("siltstone-wal", "siltstone-testkit"),
        ] {
            let [violation] = check_edge(from, to, false).try_into().unwrap();
            assert_eq!(violation.place, from);
            assert!(violation.what.contains(to), "{violation}");
        }
    }

    #[test]
    fn nothing_depends_on_a_leaf() {
        for leaf in LEAVES {
            assert_eq!(check_edge("siltstone-torture", leaf, false).len(), 1, "{leaf}");
        }
    }

    #[test]
    fn tests_may_use_the_testkit_and_the_crate_itself_but_nothing_else_new() {
        assert_eq!(check_edge("siltstone-bloom", "siltstone-testkit", true), []);
        assert_eq!(check_edge("siltstone-memtable", "siltstone-memtable", true), []);
        assert_eq!(check_edge("siltstone-wal", "siltstone", true).len(), 1);
    }

    #[test]
    fn a_crate_without_a_row_is_reported() {
        assert!(check_edge("siltstone-new", "siltstone-types", false)[0].what.contains("no row"));
    }
}
