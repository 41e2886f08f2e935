//! The shape that every strategy reads: levels of runs of tables.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use crate::{KeyRange, TableId, TableMeta};

/// Levels a tree may have. Part of the manifest format.
pub const LEVELS_MAX: u32 = 64;

/// Orders the runs of a level by age: higher is newer. A new run takes a number that no run of the tree ever
/// had.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Tables that are disjoint by user key, so that a key is in at most one of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Run {
    /// Its age among the runs of its level.
    pub epoch: Epoch,
    /// In key order; never empty.
    pub tables: Vec<Arc<TableMeta>>,
}

impl Run {
    /// The one table whose range contains the key.
    pub fn table_for(&self, user_key: &[u8]) -> Option<&Arc<TableMeta>> {
        let at = self.tables.partition_point(|table| *table.range.last < *user_key);
        self.tables.get(at).filter(|table| table.range.contains(user_key))
    }

    /// The tables that share a key with the range, in key order.
    pub fn overlapping(&self, range: &KeyRange) -> &[Arc<TableMeta>] {
        let from = self.tables.partition_point(|table| table.range.last < range.first);
        let to = self.tables.partition_point(|table| table.range.first <= range.last);
        self.tables.get(from..to).unwrap_or_default()
    }

    /// Size of all files, in bytes.
    pub fn file_bytes(&self) -> u64 {
        self.tables.iter().map(|table| table.file_bytes).sum()
    }

    /// Keys and values before compression, in bytes.
    pub fn raw_bytes(&self) -> u64 {
        self.tables.iter().map(|table| table.raw_bytes).sum()
    }
}

/// A list of runs. Flushes make new runs in level 0.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Level {
    /// Newest first, that is by falling epoch.
    pub runs: Vec<Run>,
}

/// Where a run is in the order of age: positions compare as the search for a key meets them, newest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Position {
    /// The level.
    pub level: u32,
    epoch: Reverse<Epoch>,
}

impl Position {
    /// The place of the run with that epoch.
    pub const fn new(level: u32, epoch: Epoch) -> Position {
        Position { level, epoch: Reverse(epoch) }
    }

    /// In front of every run of the level.
    pub const fn newest(level: u32) -> Position {
        Position::new(level, Epoch(u64::MAX))
    }

    /// The epoch.
    pub const fn epoch(&self) -> Epoch {
        self.epoch.0
    }
}

/// All runs with their positions, newest first.
pub fn runs_by_age(levels: &[Level]) -> impl Iterator<Item = (Position, &Run)> {
    (0..)
        .zip(levels)
        .flat_map(|(level, runs)| runs.runs.iter().map(move |run| (Position::new(level, run.epoch), run)))
}

/// Sorts tables into levels, whatever order they come in: this is how a manifest becomes a tree.
pub fn levels_from_tables(tables: impl IntoIterator<Item = (u32, Epoch, Arc<TableMeta>)>) -> Vec<Level> {
    let mut runs: BTreeMap<Position, Vec<Arc<TableMeta>>> = BTreeMap::new();
    for (level, epoch, table) in tables {
        runs.entry(Position::new(level, epoch)).or_default().push(table);
    }
    let mut levels = Vec::new();
    for (position, mut tables) in runs {
        tables.sort_by(|a, b| a.range.cmp(&b.range));
        let at = position.level as usize;
        if levels.len() <= at {
            levels.resize_with(at + 1, Level::default);
        }
        levels[at].runs.push(Run { epoch: position.epoch(), tables });
    }
    levels
}

/// Checks the rules of the shape: at most [`LEVELS_MAX`] levels; epochs fall; runs hold tables that are
/// disjoint and in key order; ranges are not upside down; no table occurs twice.
///
/// # Errors
///
/// The first rule broken, in words, with the table or run that breaks it.
pub fn check_levels(levels: &[Level]) -> Result<(), String> {
    if levels.len() > LEVELS_MAX as usize {
        return Err(format!("the tree has {} levels, the limit is {LEVELS_MAX}", levels.len()));
    }
    let mut ids = BTreeSet::new();
    for (number, level) in levels.iter().enumerate() {
        if !level.runs.is_sorted_by(|a, b| a.epoch > b.epoch) {
            return Err(format!("the epochs of level {number} do not fall"));
        }
        for run in &level.runs {
            check_run(run, &mut ids).map_err(|what| format!("level {number}, run {}: {what}", run.epoch))?;
        }
    }
    Ok(())
}

fn check_run(run: &Run, ids: &mut BTreeSet<TableId>) -> Result<(), String> {
    if run.tables.is_empty() {
        return Err("it holds no table".to_owned());
    }
    for table in &run.tables {
        if table.range.first > table.range.last {
            return Err(format!("the range of table {} is upside down", table.id));
        }
        if !ids.insert(table.id) {
            return Err(format!("table {} occurs twice", table.id));
        }
    }
    match run.tables.windows(2).find(|pair| pair[0].range.last >= pair[1].range.first) {
        Some(pair) => Err(format!("tables {} and {} overlap, or are out of order", pair[0].id, pair[1].id)),
        None => Ok(()),
    }
}
