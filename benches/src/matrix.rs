//! Matrix files: axes with their values, of which every combination becomes a cell.

use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use serde::Deserialize;

use crate::{
    cell::{Cell, Require},
    stores::StoreName,
    values::{Bytes, Compression, Distribution, DurabilityWord, Memtable, Strategy},
    workload::Workload,
};

/// A file. Names that it does not know are refused, with the line and those that there are.
#[derive(Clone, Deserialize, Debug)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Matrix {
    /// What it is for, in a sentence.
    pub about: String,
    /// How often each cell is measured.
    #[serde(default = "three")]
    pub repeats: u32,
    /// How long a cell may take, with all that comes before and behind its workload. One that takes longer is killed, and an error.
    #[serde(default = "quarter_of_an_hour")]
    pub cell_seconds_max: u64,
    /// The values of each axis.
    pub axes: Axes,
    /// Further axes, whose cells are added: combinations that the first have not. What they do not name is as by default too.
    #[serde(default)]
    pub more: Vec<Axes>,
    /// What every cell's tree must have been through.
    #[serde(default)]
    require: Require,
    /// How many times as much leveled compaction must write as size-tiered does, over all cells of each.
    #[serde(default)]
    pub leveled_over_size_tiered_min: Option<f64>,
}

fn three() -> u32 {
    3
}

/// Settling alone may take ten minutes.
fn quarter_of_an_hour() -> u64 {
    900
}

/// Makes the axes: each has a list of values, and is one value if the file does not name it.
macro_rules! axes {
    ($($(#[$about:meta])* $axis:ident: $type:ty = $default:expr,)*) => {
        /// The values of each axis.
        #[derive(Clone, Deserialize, Debug)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
        pub struct Axes {
            $($(#[$about])* $axis: Vec<$type>,)*
        }

        impl Default for Axes {
            fn default() -> Axes {
                Axes { $($axis: vec![$default],)* }
            }
        }

        impl Axes {
            /// Every combination: the first axis changes last.
            fn product(&self, cell: Cell) -> Vec<Cell> {
                let mut cells = vec![cell];
                $(
                    cells = cells
                        .into_iter()
                        .flat_map(|cell| {
                            self.$axis.iter().map(move |value| Cell { $axis: value.clone(), ..cell.clone() })
                        })
                        .collect();
                )*
                cells
            }

            /// The cell of a matrix that names no axis.
            pub fn default_cell(matrix: &str) -> Cell {
                Cell {
                    matrix: matrix.to_owned(),
                    store: StoreName::Siltstone,
                    $($axis: $default,)*
                    require: Require::default(),
                }
            }

            /// An axis without a value would leave no cell at all.
            fn empty(&self) -> Option<&'static str> {
                $(if self.$axis.is_empty() { return Some(stringify!($axis)); })*
                None
            }
        }
    };
}

axes! {
    workload: Workload = Workload::FillRandom,
    strategy: Strategy = Strategy("leveled".to_owned()),
    compression: Compression = Compression("none/lz4".to_owned()),
    filter_bits: f64 = 10.0,
    memtable: Memtable = Memtable::SkipList,
    memtable_bytes: Bytes = Bytes(64 << 20),
    table_bytes: Bytes = Bytes(32 << 20),
    block_bytes: Bytes = Bytes(4096),
    cache_bytes: Bytes = Bytes(64 << 20),
    durability: DurabilityWord = DurabilityWord("buffered".to_owned()),
    threads: usize = 1,
    value_bytes: Bytes = Bytes(100),
    keys: u32 = 1_000_000,
    operations: u32 = 0,
    distribution: Distribution = Distribution("uniform".to_owned()),
    arrivals_per_second: u32 = 0,
}

impl Matrix {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<(String, Matrix)> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        Ok((name, Matrix::parse(&text).with_context(|| format!("{}", path.display()))?))
    }

    /// Reads its text.
    pub fn parse(text: &str) -> Result<Matrix> {
        let matrix: Matrix =
            toml::from_str(text).map_err(|error| anyhow!("{}", error.to_string().trim_end()))?;
        if matrix.repeats == 0 || matrix.cell_seconds_max == 0 {
            bail!("repeats and cell-seconds-max are at least 1");
        }
        for axes in matrix.all_axes() {
            if let Some(axis) = axes.empty() {
                bail!("axis `{}` has no value", axis.replace('_', "-"));
            }
            if axes.threads.contains(&0) || axes.keys.contains(&0) {
                bail!("threads and keys are at least 1");
            }
            if axes.filter_bits.iter().any(|bits| !(0.0..=64.0).contains(bits)) {
                bail!("filter-bits are from 0 to 64");
            }
        }
        Ok(matrix)
    }

    fn all_axes(&self) -> impl Iterator<Item = &Axes> {
        std::iter::once(&self.axes).chain(&self.more)
    }

    /// Every combination of values, each once.
    pub fn cells(&self, name: &str) -> Vec<Cell> {
        let cell = Cell { require: self.require, ..Axes::default_cell(name) };
        let mut cells = Vec::new();
        for cell in self.all_axes().flat_map(|axes| axes.product(cell.clone())) {
            if !cells.contains(&cell) {
                cells.push(cell);
            }
        }
        cells
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        format!("{:#}", Matrix::parse(text).unwrap_err())
    }

    #[test]
    fn cells_are_the_product_of_the_axes() {
        let text = "about = 'x'\n[axes]\nstrategy = ['leveled', 'size-tiered,runs-min=3']\n\
                    workload = ['readrandom', 'ycsb-a', 'fillseq']\ncache-bytes = ['1MiB', 4096]";
        let cells = Matrix::parse(text).unwrap().cells("m");
        assert_eq!(cells.len(), 12);
        assert!((1..12).all(|at| !cells[..at].contains(&cells[at])), "each once");
        assert_eq!(cells[1].cache_bytes, Bytes(4096));
        assert_eq!(cells[0].keys, 1_000_000, "what is not named has its default");
        // The process that measures gets it as JSON.
        let again: Cell = serde_json::from_str(&serde_json::to_string(&cells[3]).unwrap()).unwrap();
        assert_eq!(again, cells[3]);
    }

    #[test]
    fn further_axes_add_cells_and_none_twice() {
        let text = "about = 'x'\n[axes]\nworkload = ['fillseq', 'readrandom']\n[[more]]\n\
                    workload = ['readrandom']\ndistribution = ['uniform', 'zipfian-0.99']";
        let cells = Matrix::parse(text).unwrap().cells("m");
        assert_eq!(cells.len(), 3);
        assert!(refused("about = 'x'\n[axes]\n[[more]]\nkey = [1]").contains("line 4"));
        assert!(refused("about = 'x'\n[axes]\n[[more]]\nkeys = [0]").contains("at least 1"));
    }

    #[test]
    fn unknown_names_are_refused_with_the_line_and_the_names() {
        let message = refused("about = 'x'\n[axes]\nstratgy = ['leveled']");
        assert!(
            message.contains("line 3") && message.contains("`stratgy`") && message.contains("`strategy`"),
            "{message}"
        );
        let message = refused("about = 'x'\nrepeat = 3\n[axes]\n");
        assert!(message.contains("line 2") && message.contains("`repeats`"), "{message}");
        let message = refused("about = 'x'\n[require]\nlevel = 3\n[axes]\n");
        assert!(message.contains("line 3") && message.contains("`levels`"), "{message}");
    }

    #[test]
    fn unknown_values_are_refused_with_the_line_and_the_names() {
        for (axis, named) in [
            ("workload = ['fillseq', 'fillrandm']", "`fillrandom`"),
            ("strategy = ['leveld']", "`leveled`"),
            ("strategy = ['leveled,ratoi=4']", "`ratio`"),
            ("compression = ['lz5']", "`lz4`"),
            ("memtable = ['skip']", "`btree`"),
            ("durability = ['synch']", "`sync`"),
            ("distribution = ['zipf']", "zipfian-0.99"),
            ("memtable-bytes = ['1 apple']", "KiB"),
            ("threads = ['two']", "threads"),
            ("threads = [-1]", "threads"),
        ] {
            let message = refused(&format!("about = 'x'\n\n[axes]\nkeys = [5]\n{axis}"));
            assert!(message.contains("line 5") && message.contains(named), "{message}");
        }
        assert!(refused("about = 'x'\n[axes]\nkeys = []").contains("`keys` has no value"));
        assert!(refused("about = 'x'\n[axes]\nkeys = [0]").contains("at least 1"));
        assert!(refused("about = 'x'\ncell-seconds-max = 0\n[axes]").contains("at least 1"));
        assert!(refused("about = 'x'\n[axes]\nfilter-bits = [65]").contains("from 0 to 64"));
    }

    #[test]
    fn every_committed_matrix_can_be_read() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("matrix");
        let names =
            std::fs::read_dir(folder).unwrap().map(|entry| Matrix::read(&entry.unwrap().path()).unwrap());
        let matrices: Vec<(String, Matrix)> = names.collect();
        assert!(matrices.len() >= 7);
        assert!(matrices.iter().all(|(name, matrix)| !matrix.cells(name).is_empty()));
    }
}
