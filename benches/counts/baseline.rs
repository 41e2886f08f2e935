//! The committed baseline: what each path took, under which conditions, and how much more it may take.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, anyhow, bail};
use serde::{Deserialize, Serialize};

use crate::{callgrind::Count, conditions::Conditions};

/// What a new baseline tolerates.
pub(crate) const TOLERANCE_PERCENT: f64 = 2.0;

const HEAD: &str = "# Instructions for each operation. Written by `cargo xtask bench --counts --bless`; docs/benchmarks.md has what the paths are.\n\n";

/// A file.
#[derive(Clone, PartialEq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Baseline {
    /// By how much a path may be above its baseline.
    pub(crate) tolerance_percent: f64,
    pub(crate) conditions: Conditions,
    /// Instructions for each operation.
    pub(crate) paths: BTreeMap<String, f64>,
}

impl Baseline {
    /// What was just counted.
    pub(crate) fn new(tolerance_percent: f64, conditions: Conditions, counts: &[Count]) -> Baseline {
        // More digits would change with every blessing, and say nothing.
        let rounded = |count: &Count| (count.each() * 100.0).round() / 100.0;
        let paths = counts.iter().map(|count| (count.name.to_owned(), rounded(count))).collect();
        Baseline { tolerance_percent, conditions, paths }
    }

    /// Reads the committed file.
    pub(crate) fn read() -> Result<Baseline> {
        Baseline::read_if_there()?.with_context(|| {
            format!("there is no {}; `cargo xtask bench --counts --bless` makes it", file().display())
        })
    }

    /// The same, where there may be none yet.
    pub(crate) fn read_if_there() -> Result<Option<Baseline>> {
        let path = file();
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Baseline::parse(&text).map(Some).with_context(|| format!("{}", path.display()))
    }

    fn parse(text: &str) -> Result<Baseline> {
        let baseline: Baseline =
            toml::from_str(text).map_err(|error| anyhow!("{}", error.to_string().trim_end()))?;
        if !(baseline.tolerance_percent >= 0.0 && baseline.tolerance_percent.is_finite()) {
            bail!("tolerance-percent is {}, and must be 0 or more", baseline.tolerance_percent);
        }
        if let Some((name, count)) =
            baseline.paths.iter().find(|(_, count)| !(**count > 0.0 && count.is_finite()))
        {
            bail!("path `{name}` has {count} instructions, and must have more than 0");
        }
        Ok(baseline)
    }

    /// Replaces the committed file. Returns which it is.
    pub(crate) fn write(&self) -> Result<PathBuf> {
        let path = file();
        fs::write(&path, self.text()?).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    fn text(&self) -> Result<String> {
        Ok(format!("{HEAD}{}", toml::to_string(self)?))
    }
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("counts").join("baseline.toml")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paths::PATHS;

    #[test]
    fn the_committed_baseline_has_the_paths_that_there_are() {
        let baseline = Baseline::read().unwrap();
        let mut names: Vec<&str> = PATHS.iter().map(|path| path.name).collect();
        names.sort_unstable();
        assert_eq!(baseline.paths.keys().map(String::as_str).collect::<Vec<_>>(), names);
        assert_eq!(Baseline::parse(&baseline.text().unwrap()).unwrap(), baseline);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let text = Baseline::read().unwrap().text().unwrap();
        for (old, new, named) in [
            ("tolerance-percent = ", "tolerance-percent = -", "must be 0 or more"),
            ("put = ", "put = -", "path `put`"),
            ("[conditions]", "[condition]", "`condition`"),
            ("rustc = ", "rustic = ", "`rustic`"),
        ] {
            let message = format!("{:#}", Baseline::parse(&text.replacen(old, new, 1)).unwrap_err());
            assert!(message.contains(named), "{message}");
        }
    }
}
