//! Moves data down a leveled tree, one table at a time, and makes one run of a level that has several.

use super::Planner;
use crate::{
    Job, Output, Place, Reason, Run,
    board::{Table, are_disjoint, file_bytes, number},
};

impl<'a> Planner<'a> {
    /// The level, which has one run, is too large: a table goes down.
    pub(super) fn push(&self, level: usize) -> Option<Job> {
        let (bytes, target) = (self.shape.bytes[level], self.shape.targets[level]);
        let text = match target {
            0 => format!("level {level} is to be empty and has {bytes} bytes"),
            _ => format!("level {level} has {bytes} bytes, its target is {target}"),
        };
        self.push_cheapest(level, |_| true, self.shape.excess(level), &Reason::new("level-size", text))
    }

    /// The table that overlaps least of the next level in proportion to its own size, of those that are
    /// wanted.
    pub(super) fn push_cheapest(
        &self,
        level: usize,
        is_wanted: impl Fn(&Table<'a>) -> bool,
        enough_bytes: u64,
        reason: &Reason,
    ) -> Option<Job> {
        let [run] = self.board.runs(level) else { return None };
        let next = self.shape.next(level, &self.board);
        let wanted = run.tables.iter().filter(|table| !self.board.is_busy(table) && is_wanted(table));
        let mut priced: Vec<(u64, Table<'a>)> =
            wanted.map(|table| (self.overlap_permille(table, next), table)).collect();
        priced.sort_by_key(|(permille, _)| *permille);
        let free_of_charge =
            priced.iter().take_while(|(permille, _)| *permille == 0).map(|(_, table)| *table);
        self.move_down(free_of_charge, level, enough_bytes, reason).or_else(|| {
            priced
                .iter()
                .find_map(|(_, table)| self.merge_down(&[*table], &table.range, level, reason.clone()))
        })
    }

    /// Bytes of the level that share keys with the table, in thousandths of the table's own.
    fn overlap_permille(&self, table: Table<'a>, level: usize) -> u64 {
        let overlapping: Vec<Table<'a>> = self.board.overlapping(level, &table.range).collect();
        if overlapping.is_empty() {
            return 0;
        }
        let permille = u128::from(file_bytes(&overlapping)) * 1000 / u128::from(table.file_bytes.max(1));
        u64::try_from(permille).unwrap_or(u64::MAX).max(1)
    }

    /// Makes one run of the runs of a level, in the place of the oldest.
    pub(super) fn unite(&self, level: usize) -> Option<Job> {
        let runs = self.board.runs(level);
        let [.., second, oldest] = runs else { return None };
        let output = Output { level: number(level), place: Place::JoinRun(oldest.epoch) };
        let reason =
            Reason::new("level-runs", format!("level {level} has {} runs instead of one", runs.len()));
        let whole = (0..runs.len() - 1).find_map(|newest| self.unite_whole(&runs[newest..], output, &reason));
        whole.or_else(|| {
            second.tables.iter().find_map(|table| {
                if !self.board.is_clear(&table.range, level, level) {
                    return None;
                }
                let mut inputs = vec![table];
                inputs.extend(oldest.overlapping(&table.range));
                if self.settings.moves && inputs.len() == 1 {
                    return self.board.relabel(&inputs, output, reason.clone());
                }
                self.board.merge(&inputs, output, self.format(), reason.clone())
            })
        })
    }

    /// All tables of the runs, if that is no larger a job than others.
    fn unite_whole(&self, runs: &'a [Run], output: Output, reason: &Reason) -> Option<Job> {
        if !runs.iter().all(|run| self.board.is_free(run)) {
            return None;
        }
        let tables =
            |runs: &'a [Run]| -> Vec<Table<'a>> { runs.iter().flat_map(|run| &run.tables).collect() };
        let inputs = tables(runs);
        if self.settings.moves && are_disjoint(&inputs) {
            // The oldest run stays where it is.
            return self.board.relabel(&tables(&runs[..runs.len() - 1]), output, reason.clone());
        }
        let is_small = file_bytes(&inputs) <= self.settings.cuts.overlap_bytes_max;
        is_small.then(|| self.board.merge(&inputs, output, self.format(), reason.clone())).flatten()
    }
}
