//! `cargo test --workspace` leaves out a test or example whose required features are off, without a word.

use super::{Violation, metadata::Metadata};

/// Names tests and examples that need a feature which is not on by default.
pub(super) fn check(metadata: &Metadata) -> Vec<Violation> {
    let mut violations = Vec::new();
    for package in &metadata.packages {
        for target in &package.targets {
            let is_run = target.kinds.iter().any(|kind| kind == "test" || kind == "example");
            for feature in &target.required_features {
                if is_run && !package.default_features.contains(feature) {
                    let what = format!(
                        "`{}` is never built by `cargo test --workspace`: it requires the feature `{feature}`, \
                         which is off by default; let the crate depend on itself for its tests, with that feature",
                        target.name
                    );
                    violations.push(Violation::new(&package.name, what));
                }
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::super::metadata::{Package, Target};
    use super::*;

    fn check_target(kind: &str, required: &str, default: &str) -> Vec<Violation> {
        let target =
            Target { name: "it".into(), kinds: vec![kind.into()], required_features: vec![required.into()] };
        let package = Package {
            name: "a".into(),
            default_features: [default.to_owned()].into(),
            targets: vec![target],
            ..Package::default()
        };
        check(&Metadata { packages: vec![package], ..Metadata::default() })
    }

    #[test]
    fn a_test_behind_a_feature_that_is_off_is_reported() {
        assert_eq!(check_target("test", "conformance", "lz4").len(), 1);
        assert_eq!(check_target("example", "conformance", "lz4").len(), 1);
    }

    #[test]
    fn features_that_are_on_and_benches_are_fine() {
        assert_eq!(check_target("test", "lz4", "lz4"), []);
        assert_eq!(check_target("bench", "conformance", "lz4"), []);
    }
}
