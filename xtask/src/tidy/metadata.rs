//! What `cargo metadata` says about the packages, reduced to what the rules ask for.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::workspace::Workspace;

/// The packages of the workspace and the graph of everything they depend on.
#[derive(Debug, Default)]
pub(super) struct Metadata {
    /// The members of the workspace.
    pub(super) packages: Vec<Package>,
    /// For each package of the graph, members and others: what it needs to be built and to run, tests aside.
    pub(super) needs: BTreeMap<PackageId, Vec<PackageId>>,
    /// The name of each package of the graph.
    pub(super) names: BTreeMap<PackageId, String>,
}

/// Cargo's own, opaque name for one version of a package.
pub(super) type PackageId = String;

/// A member of the workspace.
#[derive(Debug, Default)]
pub(super) struct Package {
    pub(super) id: PackageId,
    pub(super) name: String,
    /// Those of the declared dependencies that are members of the workspace themselves.
    pub(super) siblings: Vec<Sibling>,
    pub(super) default_features: BTreeSet<String>,
    pub(super) targets: Vec<Target>,
}

/// A dependency of one member on another.
#[derive(Debug)]
pub(super) struct Sibling {
    pub(super) name: String,
    /// For tests, benches and examples only.
    pub(super) dev: bool,
}

/// A library, program, test or example.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) name: String,
    pub(super) kinds: Vec<String>,
    pub(super) required_features: Vec<String>,
}

impl Metadata {
    /// Asks cargo, with all features, so that what is optional is seen too.
    pub(super) fn read(workspace: &Workspace) -> Result<Metadata> {
        let arguments = ["metadata", "--format-version", "1", "--all-features", "--locked"];
        Metadata::parse(&workspace.cargo_output(&arguments)?)
    }

    fn parse(json: &str) -> Result<Metadata> {
        let value: Value = serde_json::from_str(json).context("cargo metadata printed no JSON")?;
        let members: BTreeSet<String> = texts(&value["workspace_members"]).into_iter().collect();
        let all = list(&value["packages"]);
        let of_workspace = |package: &&Value| package["id"].as_str().is_some_and(|id| members.contains(id));
        let names: BTreeMap<_, _> = all.iter().map(|p| (text(&p["id"]), text(&p["name"]))).collect();
        let member_names = all.iter().filter(of_workspace).map(|p| text(&p["name"])).collect();
        let packages = all.iter().filter(of_workspace).map(|p| package(p, &member_names)).collect();
        let nodes = list(&value["resolve"]["nodes"]);
        let needs = nodes.iter().map(|node| (text(&node["id"]), needed(node))).collect();
        Ok(Metadata { packages, needs, names })
    }
}

fn package(value: &Value, member_names: &BTreeSet<String>) -> Package {
    let siblings = list(&value["dependencies"])
        .iter()
        .map(|dependency| Sibling { name: text(&dependency["name"]), dev: dependency["kind"] == "dev" })
        .filter(|sibling| member_names.contains(&sibling.name))
        .collect();
    let targets = list(&value["targets"])
        .iter()
        .map(|target| Target {
            name: text(&target["name"]),
            kinds: texts(&target["kind"]),
            required_features: texts(&target["required-features"]),
        })
        .collect();
    Package {
        id: text(&value["id"]),
        name: text(&value["name"]),
        siblings,
        default_features: texts(&value["features"]["default"]).into_iter().collect(),
        targets,
    }
}

/// The dependencies of a node that are not only for tests.
fn needed(node: &Value) -> Vec<PackageId> {
    list(&node["deps"])
        .iter()
        .filter(|dep| list(&dep["dep_kinds"]).iter().any(|kind| kind["kind"] != "dev"))
        .map(|dep| text(&dep["pkg"]))
        .collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    list(value).iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_siblings_features_and_the_graph_are_read() {
        let json = r#"{
            "workspace_members": ["a 1", "b 1"],
            "packages": [
                {"id": "a 1", "name": "a", "features": {"default": ["f"]},
                 "dependencies": [{"name": "b", "kind": "dev"}, {"name": "c", "kind": null}],
                 "targets": [{"name": "it", "kind": ["test"], "required-features": ["f"]}]},
                {"id": "b 1", "name": "b", "features": {}, "dependencies": [], "targets": []},
                {"id": "c 1", "name": "c", "features": {}, "dependencies": [], "targets": []}],
            "resolve": {"nodes": [{"id": "a 1", "deps": [
                {"pkg": "b 1", "dep_kinds": [{"kind": "dev"}]},
                {"pkg": "c 1", "dep_kinds": [{"kind": "dev"}, {"kind": null}]}]}]}}"#;
        let metadata = Metadata::parse(json).unwrap();
        let [a, b] = metadata.packages.as_slice() else { panic!("{metadata:?}") };
        assert_eq!((a.name.as_str(), b.name.as_str()), ("a", "b"));
        assert!(matches!(a.siblings.as_slice(), [Sibling { name, dev: true }] if name == "b"));
        assert!(a.default_features.contains("f"));
        assert_eq!(a.targets[0].required_features, ["f"]);
        assert_eq!(metadata.needs["a 1"], ["c 1"]);
        assert_eq!(metadata.names["c 1"], "c");
    }
}
