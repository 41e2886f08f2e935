//! Level 0 of a leveled tree: its runs overlap, so what overlaps goes down together, or waits together.

use std::cmp::Reverse;

use super::{Due, Planner};
use crate::{
    Job, Output, Place, Reason, Run,
    board::{Cluster, Table, clusters},
};

/// Tables of level 0 are moved unless they are smaller than this part of a full table: many tiny flushes would
/// become many tiny tables.
const MOVED_PART_MIN: u64 = 64;

impl<'a> Planner<'a> {
    /// Level 0 has too many runs.
    pub(super) fn level0_down(&self, due: &Due) -> Option<Job> {
        let runs = self.board.runs(due.level).len();
        let text = format!("level 0 has {runs} runs, {} are enough", self.settings.level0_runs.max(1));
        let reason = Reason::new("level0-runs", text);
        self.level0_job(|_| true, &reason).or_else(|| self.level0_among_itself())
    }

    /// A job that takes tables of the clusters that are wanted out of level 0.
    pub(super) fn level0_job(
        &self,
        is_wanted: impl Fn(&Cluster<'_>) -> bool,
        reason: &Reason,
    ) -> Option<Job> {
        let mut clusters = clusters(self.board.runs(0));
        clusters.retain(is_wanted);
        let lonely = clusters.iter().filter_map(|cluster| match cluster.tables[..] {
            [table] => Some(table),
            _ => None,
        });
        let large = lonely
            .filter(|table| table.file_bytes.saturating_mul(MOVED_PART_MIN) >= self.settings.table_bytes_max);
        if let Some(job) = self.move_down(large, 0, u64::MAX, reason) {
            return Some(job);
        }
        clusters.sort_by_key(|cluster| Reverse(cluster.tables.len()));
        let whole = clusters
            .iter()
            .find_map(|cluster| self.merge_down(&cluster.tables, &cluster.hull, 0, reason.clone()));
        // Without the newer tables, if all are too large a job, or not all are free.
        whole.or_else(|| clusters.iter().find_map(|cluster| self.oldest_down(cluster, reason)))
    }

    /// A single table goes down that no older one of level 0 overlaps.
    fn oldest_down(&self, cluster: &Cluster<'a>, reason: &Reason) -> Option<Job> {
        let runs = self.board.runs(0);
        let is_oldest = |table: &Table<'a>| {
            let mut overlapping = runs.iter().rev().flat_map(|run| run.overlapping(&table.range));
            overlapping.next().is_some_and(|oldest| oldest.id == table.id)
        };
        let oldest = cluster.tables.iter().filter(|table| is_oldest(table));
        oldest.map(|table| self.merge_down(&[*table], &table.range, 0, reason.clone())).find_map(|job| job)
    }

    /// The newest runs become one run while those behind them are on their way down.
    fn level0_among_itself(&self) -> Option<Job> {
        if self.board.view.running.is_empty() {
            return None;
        }
        let free = self.board.runs(0).iter().take_while(|run| self.board.is_free(run)).count();
        let runs = &self.board.runs(0)[..free];
        let count = cheapest_per_run(runs);
        if count < self.settings.level0_merge_runs_min.max(2) {
            return None;
        }
        let tables: Vec<Table<'a>> = runs[..count].iter().flat_map(|run| &run.tables).collect();
        let output = Output { level: 0, place: Place::ReplaceNewest };
        let text = format!("the way down is taken, so the {count} newest runs of level 0 become one");
        self.board.merge(&tables, output, self.format(), Reason::new("level0-busy", text))
    }
}

/// How many of the newest runs to merge: as long as one more makes the bytes that are written for each run
/// that goes away fewer. So the large result of such a merge is not merged again with every few flushes.
fn cheapest_per_run(runs: &[Run]) -> usize {
    let (mut bytes, mut cheapest) = (runs.first().map_or(0, Run::file_bytes), u64::MAX);
    for (gone, run) in (1..).zip(runs.iter().skip(1)) {
        bytes = run.file_bytes().saturating_add(bytes);
        let cost = bytes / gone;
        if cost > cheapest {
            return usize::try_from(gone).unwrap_or(usize::MAX);
        }
        cheapest = cost;
    }
    runs.len()
}
