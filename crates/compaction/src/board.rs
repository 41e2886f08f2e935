//! What the shipped strategies have in common: which tables are free, what overlaps, and whether a job may begin.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    Action, Cuts, Job, KeyRange, Level, Output, Place, Reason, Run, TableId, TableMeta, TreeView,
    tree::runs_by_age, validate,
};

pub(crate) type Table<'a> = &'a Arc<TableMeta>;

/// A tree with what is going on in it, made ready for questions.
#[derive(Debug)]
pub(crate) struct Board<'a> {
    pub(crate) view: TreeView<'a>,
    /// Inputs of running jobs, and the level that their result goes to.
    busy: BTreeMap<TableId, Option<u32>>,
    running: Vec<Extent<'a>>,
}

/// The part of a tree that a running job changes.
#[derive(Debug)]
struct Extent<'a> {
    range: &'a KeyRange,
    from_level: u32,
    to_level: u32,
}

/// How a merge is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Format {
    pub(crate) table_bytes_max: u64,
    pub(crate) cuts: Cuts,
}

impl<'a> Board<'a> {
    pub(crate) fn new(view: &TreeView<'a>) -> Board<'a> {
        let busy: BTreeMap<_, _> = view
            .running
            .iter()
            .flat_map(|job| {
                let level = job.output.map(|output| output.level);
                job.inputs.iter().map(move |id| (*id, level))
            })
            .collect();
        let extents = view.running.iter().map(|job| {
            let inputs: BTreeSet<_> = job.inputs.iter().copied().collect();
            let levels = runs_by_age(view.levels)
                .filter(|(_, run)| run.tables.iter().any(|table| inputs.contains(&table.id)))
                .map(|(at, _)| at.level)
                .chain(job.output.map(|output| output.level));
            let (from_level, to_level) =
                levels.fold((u32::MAX, 0), |(from, to), level| (from.min(level), to.max(level)));
            Extent { range: &job.range, from_level, to_level }
        });
        Board { view: *view, busy, running: extents.collect() }
    }

    /// The same tree with nothing running in it and no limit: what debt is about.
    pub(crate) fn idle(view: &TreeView<'a>) -> Board<'a> {
        Board::new(&TreeView { running: &[], budget: crate::Budget::UNLIMITED, ..*view })
    }

    pub(crate) fn levels(&self) -> &'a [Level] {
        self.view.levels
    }

    /// The runs of a level, newest first.
    pub(crate) fn runs(&self, level: usize) -> &'a [Run] {
        self.view.levels.get(level).map_or(&[], |level| &level.runs)
    }

    /// The tables of a level that share a key with the range, newest run first.
    pub(crate) fn overlapping(&self, level: usize, range: &KeyRange) -> impl Iterator<Item = Table<'a>> {
        self.runs(level).iter().flat_map(|run| run.overlapping(range))
    }

    /// The deepest level that holds a table; 0 for an empty tree.
    pub(crate) fn deepest(&self) -> usize {
        self.view.levels.iter().rposition(|level| !level.runs.is_empty()).unwrap_or(0)
    }

    pub(crate) fn is_busy(&self, table: &TableMeta) -> bool {
        self.busy.contains_key(&table.id)
    }

    /// True when no table of the run is in a running job.
    pub(crate) fn is_free(&self, run: &Run) -> bool {
        self.busy.is_empty() || !run.tables.iter().any(|table| self.is_busy(table))
    }

    /// True when a running job takes the table away from the level.
    pub(crate) fn is_leaving(&self, table: &TableMeta, level: usize) -> bool {
        self.busy.get(&table.id).is_some_and(|to| to.is_none_or(|to| to as usize != level))
    }

    /// True when no running job changes these levels in this range. What this refuses would rarely be valid.
    pub(crate) fn is_clear(&self, range: &KeyRange, from_level: usize, to_level: usize) -> bool {
        !self.running.iter().any(|running| {
            running.to_level as usize >= from_level
                && running.from_level as usize <= to_level
                && running.range.overlaps(range)
        })
    }

    /// The place that data comes to in a level of at most one run.
    pub(crate) fn place(&self, level: usize) -> Output {
        let place = self.runs(level).last().map_or(Place::NewRun, |run| Place::JoinRun(run.epoch));
        Output { level: number(level), place }
    }

    /// A merge that can begin now; `None` when it is too large, or others are in its way.
    pub(crate) fn merge(
        &self,
        inputs: &[Table<'_>],
        output: Output,
        format: Format,
        reason: Reason,
    ) -> Option<Job> {
        let Format { table_bytes_max, cuts } = format;
        let fits = file_bytes(inputs) <= self.view.budget.job_bytes_max;
        fits.then(|| self.begin(Action::Merge { output, table_bytes_max, cuts }, inputs, reason)).flatten()
    }

    /// A move that can begin now.
    pub(crate) fn relabel(&self, inputs: &[Table<'_>], output: Output, reason: Reason) -> Option<Job> {
        self.begin(Action::Move { output }, inputs, reason)
    }

    pub(crate) fn begin(&self, action: Action, inputs: &[Table<'_>], reason: Reason) -> Option<Job> {
        if inputs.is_empty() || inputs.iter().any(|table| self.is_busy(table)) {
            return None;
        }
        let job = Job { action, inputs: inputs.iter().map(|table| table.id).collect(), reason };
        (self.view.running.is_empty() || validate(&job, &self.view).is_ok()).then_some(job)
    }
}

/// Tables of one level that overlap each other, directly or through others; no other table of the level
/// overlaps any of them.
#[derive(Debug)]
pub(crate) struct Cluster<'a> {
    /// By rising first key.
    pub(crate) tables: Vec<Table<'a>>,
    pub(crate) hull: KeyRange,
}

/// All tables of the runs in clusters, by rising keys.
pub(crate) fn clusters(runs: &[Run]) -> Vec<Cluster<'_>> {
    let mut tables: Vec<Table<'_>> = runs.iter().flat_map(|run| &run.tables).collect();
    tables.sort_by(|a, b| a.range.cmp(&b.range));
    let mut clusters: Vec<Cluster<'_>> = Vec::new();
    for table in tables {
        match clusters.last_mut() {
            Some(cluster) if table.range.first <= cluster.hull.last => {
                if table.range.last > cluster.hull.last {
                    cluster.hull.last = table.range.last.clone();
                }
                cluster.tables.push(table);
            }
            _ => clusters.push(Cluster { tables: vec![table], hull: table.range.clone() }),
        }
    }
    clusters
}

pub(crate) fn file_bytes(tables: &[Table<'_>]) -> u64 {
    tables.iter().fold(0, |sum, table| table.file_bytes.saturating_add(sum))
}

/// True when no key is in two of the tables.
pub(crate) fn are_disjoint(tables: &[Table<'_>]) -> bool {
    let mut ranges: Vec<&KeyRange> = tables.iter().map(|table| &table.range).collect();
    ranges.sort_unstable();
    ranges.windows(2).all(|pair| pair[0].last < pair[1].first)
}

/// Levels are few: the conversion cannot lose anything.
pub(crate) fn number(level: usize) -> u32 {
    u32::try_from(level).unwrap_or(u32::MAX)
}
