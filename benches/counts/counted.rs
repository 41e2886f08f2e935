//! The side that runs within valgrind: prepares one path, does its work in a function that callgrind knows by name, and says how many operations it was.

use std::{hint::black_box, io::Write as _};

use anyhow::{Result, anyhow};
use serde::{Deserialize, Serialize};

use crate::paths::{HotPath, Work};

/// The function whose instructions are counted, with all that it calls. callgrind looks for it in names that are full paths.
pub(crate) const COUNTED: &str = "*work_that_is_counted*";

/// What the process of a path prints.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub(crate) struct Done {
    pub(crate) operations: u64,
    /// What the processor can do that code asks about at run time, as valgrind shows it.
    pub(crate) features: Vec<String>,
}

/// Runs a path. Does not return when that went well: taking down what was prepared is nobody's business.
pub(crate) fn run(path: &HotPath) -> Result<()> {
    let failed = |error: Box<dyn std::error::Error>| anyhow!("{}: {error}", path.name);
    let mut prepared = (path.prepare)().map_err(failed)?;
    work_that_is_counted(&mut *prepared.work).map_err(failed)?;
    let done = Done { operations: prepared.operations, features: features() };
    println!("{}", serde_json::to_string(&done)?);
    std::io::stdout().flush()?;
    std::process::exit(0)
}

/// Not inlined, so that it has a name, and it does something after the call, so that the call is no jump.
#[inline(never)]
fn work_that_is_counted(work: &mut Work) -> siltstone_benches::Outcome {
    let seen = work();
    black_box(&seen);
    seen.map(|_| ())
}

/// Features that our dependencies and the C library ask for.
fn features() -> Vec<String> {
    #[cfg(target_arch = "x86_64")]
    {
        macro_rules! detected {
            ($($name:tt),*) => {
                [$(($name, std::is_x86_feature_detected!($name))),*]
            };
        }
        let detected =
            detected!("sse4.2", "pclmulqdq", "avx", "avx2", "bmi1", "bmi2", "fma", "avx512f", "avx512vl");
        detected.into_iter().filter(|(_, is_there)| *is_there).map(|(name, _)| name.to_owned()).collect()
    }
    #[cfg(not(target_arch = "x86_64"))]
    Vec::new()
}
