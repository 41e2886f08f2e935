//! Makes one run of the runs of a level, for strategies that want one where others left several.

use crate::{
    Job, Output, Place, Reason, Run,
    board::{Board, Format, Table, are_disjoint, file_bytes, number},
};

/// How the runs of a level become one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unite<'a> {
    pub(crate) board: &'a Board<'a>,
    pub(crate) format: Format,
    /// Whether tables that overlap nothing are moved.
    pub(crate) moves: bool,
    /// Whole runs are merged if they have at most so many bytes. Otherwise it goes table by table.
    pub(crate) whole_bytes_max: u64,
}

impl<'a> Unite<'a> {
    /// A step towards one run, in the place of the oldest. `None` when there is one, or when nothing can begin.
    pub(crate) fn step(&self, level: usize) -> Option<Job> {
        let runs = self.board.runs(level);
        let [.., second, oldest] = runs else { return None };
        let output = Output { level: number(level), place: Place::JoinRun(oldest.epoch) };
        let reason =
            Reason::new("level-runs", format!("level {level} has {} runs instead of one", runs.len()));
        let whole = (0..runs.len() - 1).find_map(|newest| self.whole(&runs[newest..], output, &reason));
        whole.or_else(|| {
            let mut tables = second.tables.iter();
            tables.find_map(|table| self.single(table, oldest, output, &reason))
        })
    }

    /// All tables of the runs at once.
    fn whole(&self, runs: &'a [Run], output: Output, reason: &Reason) -> Option<Job> {
        if !runs.iter().all(|run| self.board.is_free(run)) {
            return None;
        }
        let tables =
            |runs: &'a [Run]| -> Vec<Table<'a>> { runs.iter().flat_map(|run| &run.tables).collect() };
        let inputs = tables(runs);
        if self.moves && are_disjoint(&inputs) {
            // The oldest run stays where it is.
            return self.board.relabel(&tables(&runs[..runs.len() - 1]), output, reason.clone());
        }
        let is_small = file_bytes(&inputs) <= self.whole_bytes_max;
        is_small.then(|| self.board.merge(&inputs, output, self.format, reason.clone())).flatten()
    }

    /// One table of the second oldest run joins the oldest.
    fn single(&self, table: Table<'a>, oldest: &'a Run, output: Output, reason: &Reason) -> Option<Job> {
        let level = output.level as usize;
        if !self.board.is_clear(&table.range, level, level) {
            return None;
        }
        let mut inputs = vec![table];
        inputs.extend(oldest.overlapping(&table.range));
        if self.moves && inputs.len() == 1 {
            return self.board.relabel(&inputs, output, reason.clone());
        }
        self.board.merge(&inputs, output, self.format, reason.clone())
    }
}
