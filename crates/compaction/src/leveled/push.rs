//! Moves data down a leveled tree, one table at a time, and makes one run of a level that has several.

use super::Planner;
use crate::{
    Job, Reason,
    board::{Table, file_bytes},
    unite::Unite,
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
        let whole_bytes_max = self.settings.cuts.overlap_bytes_max;
        let moves = self.settings.moves;
        Unite { board: &self.board, format: self.format(), moves, whole_bytes_max }.step(level)
    }
}
