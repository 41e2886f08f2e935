//! One combination of values, one of each axis: what a process of its own measures.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use siltstone::{BloomSettings, Db, Durability, FilterSettings, MemtableSettings, Settings};

use crate::{
    keys::KEY_BYTES,
    stores::StoreName,
    strategies::Chosen,
    units,
    values::{self, Bytes, Compression, Distribution, DurabilityWord, Memtable, Strategy},
    workload::Workload,
};

/// Everything that decides what is measured.
#[derive(Clone, PartialEq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Cell {
    /// The file that asks for it.
    pub matrix: String,
    /// What is measured.
    #[serde(default)]
    pub store: StoreName,
    /// What is done.
    pub workload: Workload,
    /// How tables are merged.
    pub strategy: Strategy,
    /// Codecs by level.
    pub compression: Compression,
    /// Bits of the Bloom filter for each key; 0 for none.
    pub filter_bits: f64,
    /// Which kind.
    pub memtable: Memtable,
    /// When a memtable is full.
    pub memtable_bytes: Bytes,
    /// When a table ends.
    pub table_bytes: Bytes,
    /// Of a table, before compression.
    pub block_bytes: Bytes,
    /// Of the block cache.
    pub cache_bytes: Bytes,
    /// When a write is acknowledged.
    pub durability: DurabilityWord,
    /// Those that are timed.
    pub threads: usize,
    /// Of every value.
    pub value_bytes: Bytes,
    /// In the database before the workload, or written by it.
    pub keys: u32,
    /// Operations; as many as keys when it is 0.
    pub operations: u32,
    /// How often each key is meant.
    pub distribution: Distribution,
    /// Operations that begin in a second, of all threads together, whatever the store does; each begins when the one before has ended when it is 0.
    #[serde(default)]
    pub arrivals_per_second: u32,
    /// What the tree must have been through.
    #[serde(default)]
    pub require: Require,
}

/// What must have happened for a cell to say something about its strategy; a cell without it is an error.
#[derive(Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, Debug)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Require {
    /// Merges, at least.
    pub compactions: u64,
    /// Levels that held tables at one time, at least; or enough runs.
    pub levels: u64,
    /// Runs at one time, at least; or enough levels.
    pub runs: u64,
}

/// The axes, in the order in which words about a cell name them.
pub const AXES: [&str; 18] = [
    "matrix",
    "store",
    "workload",
    "arrivals-per-second",
    "strategy",
    "compression",
    "filter-bits",
    "memtable",
    "memtable-bytes",
    "table-bytes",
    "block-bytes",
    "cache-bytes",
    "durability",
    "threads",
    "value-bytes",
    "keys",
    "operations",
    "distribution",
];

/// The word for the value of an axis that the store does not have.
const ABSENT: &str = "–";

impl Cell {
    /// The value of each axis in words; a dash for an axis that the store does not have.
    pub fn words(&self) -> Vec<(&'static str, String)> {
        let value = serde_json::to_value(self).unwrap_or_default();
        let word = |axis: &'static str| match value.get(axis) {
            _ if !self.store.has(axis) => ABSENT.to_owned(),
            // The only codec that it has.
            Some(Value::String(word)) if self.store == StoreName::LevelDb && axis == "compression" => {
                word.replace("lz4", "snappy")
            }
            Some(Value::String(word)) => word.clone(),
            Some(Value::Number(number)) if axis.ends_with("-bytes") => {
                units::bytes(number.as_u64().unwrap_or_default())
            }
            Some(other) => other.to_string(),
            None => String::new(),
        };
        AXES.iter().map(|axis| (*axis, word(axis))).collect()
    }

    /// The name of those that it is compared with: cells of one workload, whose operations come alike.
    pub fn group(&self) -> String {
        let workload = self.word("workload");
        match self.arrivals_per_second {
            0 => workload,
            arrivals => format!("{workload}, {} arrivals/s", units::grouped(arrivals.into())),
        }
    }

    /// What cells are put in order by: their group, then their words, and numbers by what they are.
    pub fn order(&self) -> Vec<String> {
        let value = serde_json::to_value(self).unwrap_or_default();
        let word = |axis: &&str| match value.get(axis) {
            Some(Value::Number(number)) => format!("{:024.3}", number.as_f64().unwrap_or_default()),
            _ => self.word(axis),
        };
        ["matrix", "workload", "arrivals-per-second"].iter().chain(&AXES).map(word).collect()
    }

    /// The value of one axis in words.
    pub fn word(&self, axis: &str) -> String {
        self.words().into_iter().find(|(name, _)| *name == axis).map(|(_, word)| word).unwrap_or_default()
    }

    /// `workload=fillseq strategy=leveled ...`, for filters.
    pub fn describe(&self) -> String {
        let words = self.words();
        let words: Vec<String> = words.into_iter().map(|(name, word)| format!("{name}={word}")).collect();
        words.join(" ")
    }

    /// The strategy, which was checked when the cell was read.
    pub fn strategy(&self) -> anyhow::Result<Chosen> {
        Chosen::parse(&self.strategy.0, self.table_bytes.0)
    }

    /// Keys and values when each key is there once.
    pub fn data_bytes(&self) -> u64 {
        u64::from(self.keys) * (KEY_BYTES as u64 + self.value_bytes.0)
    }

    /// Whether every write is synced: what a store that knows nothing in between is opened with.
    pub fn syncs(&self) -> bool {
        self.workload.syncs() || self.durability.0 == "sync"
    }

    /// Opens its database.
    pub fn open(&self, dir: &std::path::Path) -> anyhow::Result<Db> {
        let durability =
            if self.workload.syncs() { Durability::Sync } else { values::durability(&self.durability.0)? };
        let filter = if self.filter_bits > 0.0 {
            FilterSettings::Bloom(BloomSettings::BitsPerKey(self.filter_bits.into()))
        } else {
            FilterSettings::None
        };
        let settings = Settings {
            memtable: match self.memtable {
                Memtable::SkipList => MemtableSettings::SkipList,
                Memtable::BTree => MemtableSettings::BTree,
            },
            memtable_bytes_max: self.memtable_bytes.0,
            table_bytes_max: self.table_bytes.0,
            block_bytes: u32::try_from(self.block_bytes.0)?,
            cache_bytes: self.cache_bytes.0,
            filter,
            compression: values::compression(&self.compression.0)?,
            durability,
            ..Settings::default()
        };
        Ok(Db::builder(dir).settings(settings).compaction(self.strategy()?.make()?).open()?)
    }
}

/// The axes whose values differ among cells whose stores have them.
pub fn varying<'a>(cells: impl IntoIterator<Item = &'a Cell>) -> Vec<&'static str> {
    let words: Vec<_> = cells.into_iter().map(Cell::words).collect();
    let differs = |at: &usize| {
        let mut words =
            words.iter().filter_map(|words| Some(&words.get(*at)?.1)).filter(|word| *word != ABSENT);
        let first = words.next();
        words.any(|word| Some(word) != first)
    };
    (0..AXES.len()).filter(differs).filter_map(|at| AXES.get(at).copied()).collect()
}

/// What tells a cell from others, without one axis.
pub fn label(cell: &Cell, axes: &[&str], without: &[&str]) -> String {
    let words = cell.words();
    let of_axis = |(axis, word): (&'static str, String)| {
        let is_shown = axes.contains(&axis) && !without.contains(&axis) && cell.store.has(axis);
        let is_plain = matches!(
            axis,
            "store"
                | "workload"
                | "strategy"
                | "compression"
                | "memtable"
                | "durability"
                | "distribution"
                | "matrix"
        );
        is_shown.then(|| if is_plain { word } else { format!("{axis} {word}") })
    };
    let shown: Vec<String> = words.into_iter().filter_map(of_axis).collect();
    if shown.is_empty() && cell.store != StoreName::Siltstone {
        cell.store.word().to_owned()
    } else if shown.is_empty() {
        cell.strategy.0.clone()
    } else {
        shown.join(", ")
    }
}
