//! A strategy as a user may write one: a small leveled one, with partial merges into the one run of the next
//! level.

use siltstone_compaction::{
    Action, CompactionStrategy, Cuts, Debt, Job, KeyRange, Level, Output, Place, Reason, TableMeta, TreeView,
    validate,
};

/// Two runs of level 0 are merged into level 1; a deeper level of more than `bytes_max * 2^level` sends down
/// its first table that can go.
#[derive(Debug)]
pub(crate) struct SmallLeveled {
    pub(crate) bytes_max: u64,
    pub(crate) table_bytes_max: u64,
}

fn bytes(level: &Level) -> u64 {
    level.runs.iter().map(siltstone_compaction::Run::file_bytes).sum()
}

impl SmallLeveled {
    /// The tables, and all that overlaps them in what is older in their level, and in the next.
    fn push_down(&self, levels: &[Level], level: u32, tables: &[&TableMeta]) -> Job {
        let at = level as usize;
        let mut hull = KeyRange::hull(tables.iter().map(|table| &table.range)).unwrap();
        let next = levels.get(at + 1).map(|level| level.runs.as_slice()).unwrap_or_default();
        let older = levels[at].runs.iter().chain(next);
        // What overlaps may reach further, and overlap more.
        let mut inputs = Vec::new();
        loop {
            let overlapping: Vec<_> = older.clone().flat_map(|run| run.overlapping(&hull)).collect();
            if overlapping.len() == inputs.len() {
                break;
            }
            hull = KeyRange::hull(overlapping.iter().map(|table| &table.range)).unwrap();
            inputs = overlapping.iter().map(|table| table.id).collect();
        }
        let place = match next.last() {
            Some(oldest) => Place::JoinRun(oldest.epoch),
            None => Place::NewRun,
        };
        let output = Output { level: level + 1, place };
        let action = Action::Merge { output, table_bytes_max: self.table_bytes_max, cuts: Cuts::BY_SIZE };
        Job { action, inputs, reason: Reason::new("level-size", format!("level {level} is too large")) }
    }
}

impl CompactionStrategy for SmallLeveled {
    fn name(&self) -> &'static str {
        "small-leveled"
    }

    fn plan(&self, view: &TreeView<'_>) -> Option<Job> {
        for (level, runs) in (0..20).zip(view.levels) {
            let is_due = match level {
                0 => runs.runs.len() > 1,
                _ => bytes(runs) > self.bytes_max << level || runs.runs.len() > 1,
            };
            let tables = runs.runs.iter().rev().flat_map(|run| &run.tables);
            let jobs = tables.map(|table| self.push_down(view.levels, level, &[table]));
            if let Some(job) = jobs.into_iter().find(|job| is_due && validate(job, view).is_ok()) {
                return Some(job);
            }
        }
        None
    }

    fn debt(&self, view: &TreeView<'_>) -> Debt {
        let idle = TreeView::idle(view.levels);
        match self.plan(&idle) {
            Some(_) => Debt { bytes: view.levels.iter().map(bytes).sum(), ..Debt::ZERO },
            None => Debt::ZERO,
        }
    }
}
