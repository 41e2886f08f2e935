//! Drops the oldest tables, and never rewrites any: for data that loses its worth with age.

use std::sync::Arc;

use crate::{
    Action, CompactionStrategy, Debt, Job, Reason, TableMeta, TreeView,
    board::{Board, Table, file_bytes},
    tree::runs_by_age,
};

/// Drops the oldest tables when there are too many bytes, or when they are too old. Nothing is merged, so a
/// read may have to ask as many runs as there were flushes.
///
/// The oldest table is the one of the oldest run whose last sequence number is lowest. Tables are dropped whole
/// and in this order, none is passed over: what is left is always the newest part of what was written. A table
/// that a live snapshot can see, because the snapshot is at or above the first sequence number of the table,
/// is not dropped, and so is nothing behind it in the order.
///
/// A table is as old as its file: one that was merged under another strategy begins anew.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fifo {
    /// Bytes of file that stay, at most; `u64::MAX`: no limit.
    pub bytes_max: u64,
    /// Age at which a table is dropped, in milliseconds; `u64::MAX`: never.
    pub age_ms_max: u64,
}

/// No limits: data is dropped by those that somebody gave, and by no others.
impl Default for Fifo {
    fn default() -> Fifo {
        Fifo { bytes_max: u64::MAX, age_ms_max: u64::MAX }
    }
}

impl Fifo {
    /// The tables to drop now, oldest first, and why.
    fn pick<'a>(&self, board: &Board<'a>) -> Option<(Vec<Table<'a>>, Reason)> {
        let tables = oldest_first(board);
        let all = file_bytes(&tables);
        let mut bytes = all;
        let mut picked = Vec::new();
        for table in tables {
            let is_due = bytes > self.bytes_max || self.is_old(table, board.view.now_unix_ms);
            if !is_due || board.is_busy(table) || is_seen(table, &board.view) {
                break;
            }
            bytes -= table.file_bytes;
            picked.push(table);
        }
        let oldest = picked.first()?;
        let reason = if all > self.bytes_max {
            Reason::new("total-bytes", format!("all tables have {all} bytes, {} may stay", self.bytes_max))
        } else {
            let text = format!("table {} is older than {} ms", oldest.id, self.age_ms_max);
            Reason::new("table-age", text)
        };
        Some((picked, reason))
    }

    fn is_old(&self, table: &TableMeta, now_unix_ms: u64) -> bool {
        self.age_ms_max < u64::MAX && now_unix_ms.saturating_sub(table.created_unix_ms) >= self.age_ms_max
    }
}

/// All tables, in the order in which they go.
fn oldest_first<'a>(board: &Board<'a>) -> Vec<Table<'a>> {
    let mut runs: Vec<_> = runs_by_age(board.levels()).map(|(_, run)| run).collect();
    runs.reverse();
    let by_age = runs.into_iter().flat_map(|run| {
        let mut tables: Vec<&Arc<TableMeta>> = run.tables.iter().collect();
        tables.sort_unstable_by_key(|table| (table.last_sequence, table.id));
        tables
    });
    by_age.collect()
}

/// True when a live snapshot can see something in the table.
fn is_seen(table: &TableMeta, view: &TreeView<'_>) -> bool {
    view.snapshots.iter().any(|snapshot| *snapshot >= table.first_sequence)
}

impl CompactionStrategy for Fifo {
    fn name(&self) -> &'static str {
        "fifo"
    }

    fn plan(&self, view: &TreeView<'_>) -> Option<Job> {
        let board = Board::new(view);
        let (tables, reason) = self.pick(&board)?;
        board.begin(Action::Drop, &tables, reason)
    }

    fn debt(&self, view: &TreeView<'_>) -> Debt {
        let board = Board::idle(view);
        let Some((tables, _)) = self.pick(&board) else { return Debt::ZERO };
        let goes = |table: &Arc<TableMeta>| tables.iter().any(|gone| gone.id == table.id);
        let gone = runs_by_age(board.levels()).filter(|(_, run)| run.tables.iter().all(goes));
        let levels: Vec<u32> = gone.map(|(at, _)| at.level).collect();
        Debt {
            bytes: file_bytes(&tables).max(1),
            runs: levels.len() as u64,
            level0_runs: levels.iter().filter(|level| **level == 0).count() as u64,
        }
    }
}
