//! The command line.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Parser;
use siltstone_benches::{matrix::Matrix, stores::StoreName};

/// Measures the engine over matrices of settings and workloads; docs/benchmarks.md says how to read the results
#[derive(Parser, Debug)]
#[command(
    name = "cargo xtask bench",
    after_help = "With --counts it counts the instructions of hot paths instead; `cargo xtask bench --counts --help`."
)]
pub(crate) struct Arguments {
    /// A file with axes; benches/matrix/quick.toml if none is given
    pub(crate) matrix: Option<PathBuf>,
    /// benches/matrix/quick.toml: less than five minutes on two processors
    #[arg(long, conflicts_with_all = ["matrix", "full"])]
    pub(crate) quick: bool,
    /// Every other file in benches/matrix: hours
    #[arg(long, conflicts_with = "matrix")]
    pub(crate) full: bool,
    /// Only cells with all of these words in their description, such as `workload=ycsb,compression=lz4`
    #[arg(long, value_name = "WORD[,WORD]...", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Measure these stores as well: rocksdb, fjall, redb, lmdb, leveldb, sled
    #[arg(long, value_name = "PEER[,PEER]...", value_delimiter = ',', value_parser = StoreName::peer)]
    pub(crate) peers: Vec<StoreName>,
    /// What measures them: `cargo xtask bench` builds it
    #[arg(long, hide = true)]
    pub(crate) peers_program: Option<PathBuf>,
    /// Compare with another run: its folder
    #[arg(long, value_name = "RUN")]
    pub(crate) baseline: Option<PathBuf>,
    /// By how many percent a cell must be worse than in the baseline to be flagged, at least
    #[arg(long, value_name = "PERCENT", default_value_t = 10.0)]
    pub(crate) threshold: f64,
    /// Where results go [default: target/bench/MATRIX-TIME]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Go on with a run that was interrupted: the one in `--out`, or the newest of the matrix
    #[arg(long)]
    pub(crate) resume: bool,
    /// Measure each cell so often, whatever the matrix says
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) repeats: Option<u32>,
    /// Decides the order of the cells
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Write table and report of a run that is there, and measure nothing
    #[arg(long, value_name = "RUN", conflicts_with_all = ["matrix", "quick", "full", "resume", "out"])]
    pub(crate) report: Option<PathBuf>,
    /// Measure this cell alone, and print its line: what the program runs itself with
    #[arg(long, hide = true, requires = "dir")]
    pub(crate) cell: Option<String>,
    /// Folder of the cell's database
    #[arg(long, hide = true)]
    pub(crate) dir: Option<PathBuf>,
    /// Which repetition it is
    #[arg(long, hide = true, default_value_t = 0)]
    pub(crate) repeat: u32,
}

impl Arguments {
    /// The matrices that are asked for, by name.
    pub(crate) fn matrices(&self) -> Result<Vec<(String, Matrix)>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("matrix");
        if let Some(path) = &self.matrix {
            return Ok(vec![Matrix::read(path)?]);
        }
        if !self.full {
            return Ok(vec![Matrix::read(&folder.join("quick.toml"))?]);
        }
        let mut matrices = Vec::new();
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "toml") && !path.ends_with("quick.toml")
            {
                matrices.push(Matrix::read(&path)?);
            }
        }
        if matrices.is_empty() {
            bail!("there is no matrix in {}", folder.display());
        }
        matrices.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(matrices)
    }
}
