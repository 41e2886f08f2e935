//! The engine and everything below it are free of async runtimes, so that they can be embedded anywhere.

use std::collections::{BTreeMap, VecDeque};

use super::{
    Violation,
    metadata::{Metadata, PackageId},
};

/// The crates that must stay free, by themselves and in all they need.
const FREE: &[&str] = &[
    "siltstone-types",
    "siltstone-vfs",
    "siltstone-bloom",
    "siltstone-wal",
    "siltstone-memtable",
    "siltstone-sstable",
    "siltstone-compaction",
    "siltstone",
];

const RUNTIMES: &[&str] = &[
    "tokio",
    "async-std",
    "smol",
    "async-executor",
    "async-global-executor",
    "futures-executor",
    "glommio",
    "monoio",
    "compio",
];

/// Names each way from a free crate to a runtime.
pub(super) fn check(metadata: &Metadata) -> Vec<Violation> {
    let free = metadata.packages.iter().filter(|package| FREE.contains(&package.name.as_str()));
    free.flat_map(|package| ways_to_runtimes(metadata, &package.id)).collect()
}

fn ways_to_runtimes(metadata: &Metadata, start: &PackageId) -> Vec<Violation> {
    let name = |id: &PackageId| metadata.names.get(id).map_or("?", String::as_str);
    // Breadth first, so that the way that is shown is a shortest one.
    let mut came_from: BTreeMap<&PackageId, Option<&PackageId>> = BTreeMap::from([(start, None)]);
    let mut queue = VecDeque::from([start]);
    let mut violations = Vec::new();
    while let Some(id) = queue.pop_front() {
        if RUNTIMES.contains(&name(id)) {
            let mut way = vec![name(id)];
            let mut at = id;
            while let Some(Some(before)) = came_from.get(at) {
                way.push(name(before));
                at = before;
            }
            way.reverse();
            violations
                .push(Violation::new(name(start), format!("needs an async runtime: {}", way.join(" -> "))));
            continue;
        }
        for next in metadata.needs.get(id).into_iter().flatten() {
            if !came_from.contains_key(next) {
                came_from.insert(next, Some(id));
                queue.push_back(next);
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::super::metadata::Package;
    use super::*;

    /// A graph whose ids are its names, with `start` as the only member.
    fn graph(start: &str, edges: &[(&str, &[&str])]) -> Metadata {
        let mut metadata = Metadata::default();
        metadata.packages.push(Package { id: start.into(), name: start.into(), ..Package::default() });
        for (from, to) in edges {
            metadata.needs.insert((*from).into(), to.iter().map(|id| (*id).into()).collect());
            for id in to.iter().chain([from]) {
                metadata.names.insert((*id).into(), (*id).into());
            }
        }
        metadata
    }

    #[test]
    fn a_runtime_far_below_is_reported_with_the_way_to_it() {
        let metadata =
            graph("siltstone-wal", &[("siltstone-wal", &["a", "b"]), ("b", &["c"]), ("c", &["tokio"])]);
        let [violation] = check(&metadata).try_into().unwrap();
        assert_eq!(
            violation.to_string(),
            "siltstone-wal: needs an async runtime: siltstone-wal -> b -> c -> tokio"
        );
    }

    #[test]
    fn other_crates_may_have_one_and_a_cycle_ends() {
        assert_eq!(check(&graph("siltstone-cli", &[("siltstone-cli", &["tokio"])])), []);
        assert_eq!(check(&graph("siltstone", &[("siltstone", &["a"]), ("a", &["siltstone"])])), []);
    }
}
