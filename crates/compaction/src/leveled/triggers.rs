//! What is compacted in a leveled tree whose sizes are right: tombstones that linger, and ranges that are read much.

use super::Planner;
use crate::{
    Job, Output, Place, Reason, Run, TableMeta,
    board::{Table, number},
    tombstones::Tombstones,
    tree::runs_by_age,
};

impl<'a> Planner<'a> {
    /// Takes tombstones further down, or away.
    pub(super) fn drop_tombstones(&self) -> Option<Job> {
        let limits = Tombstones {
            percent_min: self.settings.tombstone_percent_min,
            age_ms_max: self.settings.tombstone_age_ms_max,
            view: self.board.view,
        };
        // In level 0 many tombstones are the rule, and it is compacted soon; but it may be long without writes.
        let has_old = |table: &TableMeta| limits.are_old(table);
        let due = self.board.runs(0).iter().flat_map(|run| &run.tables).find(|table| has_old(table));
        if let Some(table) = due {
            let reason = limits.reason(table);
            let has_table = |cluster: &crate::board::Cluster<'_>| cluster.hull.overlaps(&table.range);
            if let Some(job) = self.level0_job(has_table, &reason) {
                return Some(job);
            }
        }
        (1..=self.shape.last).find_map(|level| {
            let [run] = self.board.runs(level) else { return None };
            let due = run.tables.iter().find(|table| limits.are_due(table) && !self.board.is_busy(table))?;
            if level < self.shape.last {
                return self.push_cheapest(level, |table| limits.are_due(table), 0, &limits.reason(due));
            }
            self.rewrite(run, level, &limits)
        })
    }

    /// A table of the last level, without tombstones.
    fn rewrite(&self, run: &'a Run, level: usize, limits: &Tombstones<'_>) -> Option<Job> {
        let output = Output { level: number(level), place: Place::ReplaceNewest };
        let due = run.tables.iter().filter(|table| limits.are_due(table) && limits.can_go(table));
        due.map(|table| (table, limits.reason(table))).find_map(|(table, reason)| {
            let is_clear = self.board.is_clear(&table.range, level, level);
            is_clear.then(|| self.board.merge(&[table], output, self.format(), reason)).flatten()
        })
    }

    /// Merges where reads ask several runs.
    pub(super) fn cool(&self) -> Option<Job> {
        let hot = self.board.view.hot_ranges.iter().filter(|hot| hot.reads >= self.settings.hot_reads_min);
        hot.map(|hot| {
            let overlapping = |run: &Run| !run.overlapping(&hot.range).is_empty();
            let mut runs = runs_by_age(self.board.levels()).filter(|(_, run)| overlapping(run));
            let (newest, _) = runs.next()?;
            let others = runs.count();
            if others == 0 {
                return None;
            }
            let text = format!("{} reads of a range asked several of its {} runs", hot.reads, others + 1);
            let reason = Reason::new("hot-range", text);
            if newest.level == 0 {
                return self.level0_job(|cluster| cluster.hull.overlaps(&hot.range), &reason);
            }
            let is_wanted = |table: &Table<'a>| table.range.overlaps(&hot.range);
            self.push_cheapest(newest.level as usize, is_wanted, u64::MAX, &reason)
        })
        .find_map(|job| job)
    }
}
