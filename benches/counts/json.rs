//! Writes the counts for programs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::{
    compare::{Compared, Comparison},
    conditions::Conditions,
};

/// Version of the file.
const SCHEMA: u32 = 1;

/// Writes `counts.json`. Returns which file it is.
pub(crate) fn write(
    folder: &Path,
    conditions: &Conditions,
    comparison: &Comparison,
    tolerance_percent: f64,
) -> Result<PathBuf> {
    let path = folder.join("counts.json");
    let text = serde_json::to_string_pretty(&value(conditions, comparison, tolerance_percent))? + "\n";
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

fn value(conditions: &Conditions, comparison: &Comparison, tolerance_percent: f64) -> Value {
    let of_path = |path: &Compared| {
        json!({
            "path": path.count.name,
            "operation": path.count.about,
            "operations": path.count.done.operations,
            "instructions": path.count.instructions,
            "instructions_per_operation": path.count.each(),
            "baseline": path.baseline,
            "difference_percent": path.percent(),
            "verdict": path.verdict.word(),
        })
    };
    json!({
        "schema": SCHEMA,
        "conditions": conditions,
        "tolerance_percent": tolerance_percent,
        "other_conditions_than_the_baseline": comparison.differences,
        "is_well": comparison.is_well(),
        "gone": comparison.gone,
        "paths": comparison.paths.iter().map(of_path).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{self, Extent, tests::*};

    #[test]
    fn every_path_is_there_with_its_baseline() {
        let comparison = compare::compare(&counts(), &conditions(), &baseline(), Extent::All);
        let value = value(&conditions(), &comparison, 2.0);
        assert_eq!(value["paths"].as_array().unwrap().len(), 3);
        assert_eq!(value["paths"][0]["instructions_per_operation"], 2040.0);
        assert_eq!(value["paths"][0]["baseline"], 2000.0);
        assert_eq!(value["conditions"]["rustc"], "rustc 1.95.0");
        assert_eq!(value["is_well"], true);
    }
}
