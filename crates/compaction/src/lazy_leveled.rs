//! Tiers above one large run: little is written, and most of the data is in one place.

use crate::{
    CompactionStrategy, Cuts, Debt, Job, KeyRange, LEVELS_MAX, Output, Place, Reason, Run, TreeView,
    board::{Board, Format, Table, are_disjoint, file_bytes, number},
    tombstones::Tombstones,
    unite::Unite,
};

/// Lets runs gather in each level until there are [`ratio`](LazyLeveled::ratio) of them, and keeps one run in
/// the last level, which holds most of the data.
///
/// Rules, by the reason that jobs state:
///
/// 1. `level-runs`: the last level has several runs, as another strategy leaves them: they become one.
/// 2. `level-full`: a level above has `ratio` runs: they become one run of the next level. When they are large
///    enough, they are merged into the run of the last level instead, with all that is in between: when they
///    have at least three quarters of its `ratio`th part.
/// 3. `tombstones`: a table holds old tombstones: its run and all that is older go to the last level. A table
///    of the last level with old tombstones, or a large share of them, is rewritten without, unless a snapshot
///    needs them.
///
/// Merges of disjoint tables without tombstones are moves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LazyLeveled {
    /// Runs of a level that are merged together, and so how many times larger a run of the next level is; 2 if
    /// less is given.
    pub ratio: u32,
    /// The deepest level, from 1 to 63. A tree that is deeper already stays so.
    pub last_level: u32,
    /// A merge takes at most so many runs of a level; 2 if less is given.
    pub merge_runs_max: usize,
    /// Size at which a table of the result is ended, in bytes.
    pub table_bytes_max: u64,
    /// A table of the last level with at least this share of tombstones among its entries is rewritten; above
    /// 100: never.
    pub tombstone_percent_min: u32,
    /// A table that holds a tombstone of this age is compacted; `u64::MAX`: never.
    pub tombstone_age_ms_max: u64,
}

impl Default for LazyLeveled {
    fn default() -> LazyLeveled {
        LazyLeveled {
            ratio: 4,
            last_level: 6,
            merge_runs_max: 32,
            table_bytes_max: 32 << 20,
            tombstone_percent_min: 50,
            tombstone_age_ms_max: u64::MAX,
        }
    }
}

impl CompactionStrategy for LazyLeveled {
    fn name(&self) -> &'static str {
        "lazy-leveled"
    }

    fn plan(&self, view: &TreeView<'_>) -> Option<Job> {
        Planner::new(self, Board::new(view)).plan()
    }

    fn debt(&self, view: &TreeView<'_>) -> Debt {
        let planner = Planner::new(self, Board::idle(view));
        if planner.plan().is_none() {
            return Debt::ZERO;
        }
        let debt = planner.debt();
        Debt { bytes: debt.bytes.max(1), ..debt }
    }
}

/// Tables are moved unless they are smaller than this part of a full one on average: many tiny flushes would
/// become many tiny tables.
const MOVED_PART_MIN: u64 = 64;

/// One look at one tree.
struct Planner<'a> {
    settings: &'a LazyLeveled,
    board: Board<'a>,
    last: usize,
    ratio: usize,
}

impl<'a> Planner<'a> {
    fn new(settings: &'a LazyLeveled, board: Board<'a>) -> Planner<'a> {
        let last = board.deepest().max(settings.last_level.clamp(1, LEVELS_MAX - 1) as usize);
        Planner { settings, board, last, ratio: settings.ratio.max(2) as usize }
    }

    fn format(&self) -> Format {
        Format { table_bytes_max: self.settings.table_bytes_max, cuts: Cuts::BY_SIZE }
    }

    fn plan(&self) -> Option<Job> {
        let unite =
            Unite { board: &self.board, format: self.format(), moves: true, whole_bytes_max: u64::MAX };
        let tiers = || (0..self.last).find_map(|level| self.level_full(level));
        unite.step(self.last).or_else(tiers).or_else(|| self.old_tombstones()).or_else(|| self.rewrite())
    }

    /// The level has too many runs.
    fn level_full(&self, level: usize) -> Option<Job> {
        let runs = self.board.runs(level);
        let staying =
            runs.iter().filter(|run| !run.tables.iter().all(|table| self.board.is_leaving(table, level)));
        let count = staying.count();
        if count < self.ratio {
            return None;
        }
        let text = format!("level {level} has {count} runs, {} are enough", self.ratio);
        let reason = Reason::new("level-full", text);
        let free = runs.iter().rev().take_while(|run| self.board.is_free(run)).count();
        let oldest = &runs[runs.len() - free.min(self.settings.merge_runs_max.max(2))..];
        let bytes = oldest.iter().fold(0, |sum: u64, run| sum.saturating_add(run.file_bytes()));
        if self.is_for_last(level, bytes)
            && let Some(job) = self.to_last_level(level, oldest, &reason)
        {
            return Some(job);
        }
        // Also when the last level is busy: what comes in meanwhile is kept in few runs.
        let deeper = (level + 1 < self.last).then(|| self.one_deeper(level, oldest, &reason)).flatten();
        deeper.or_else(|| self.oldest_table_down(level, &reason))
    }

    /// True when runs of the level with so many bytes together are worth rewriting the last level.
    fn is_for_last(&self, level: usize, bytes: u64) -> bool {
        let last =
            self.board.runs(self.last).iter().fold(0, |sum: u64, run| sum.saturating_add(run.file_bytes()));
        level + 1 == self.last || u128::from(bytes) * self.ratio as u128 * 4 >= u128::from(last) * 3
    }

    /// The runs become one run of the next level; fewer of them, if all are too large a job.
    fn one_deeper(&self, level: usize, oldest: &'a [Run], reason: &Reason) -> Option<Job> {
        let output = Output { level: number(level + 1), place: Place::NewRun };
        (0..oldest.len().saturating_sub(1)).find_map(|newest| {
            let inputs: Vec<Table<'a>> = oldest[newest..].iter().flat_map(|run| &run.tables).collect();
            self.merge_or_move(&inputs, &[], output, reason)
        })
    }

    /// The runs, and all that is in the levels between, become part of the last level.
    fn to_last_level(&self, level: usize, oldest: &'a [Run], reason: &Reason) -> Option<Job> {
        let between = (level + 1..self.last).flat_map(|level| self.board.runs(level));
        let inputs: Vec<Table<'a>> = oldest.iter().chain(between).flat_map(|run| &run.tables).collect();
        self.down(&inputs, reason)
    }

    /// The tables, which are all that overlaps them above the last level, or older there, go to the last level.
    fn down(&self, inputs: &[Table<'a>], reason: &Reason) -> Option<Job> {
        if self.board.runs(self.last).len() > 1 {
            return None;
        }
        let hull = KeyRange::hull(inputs.iter().map(|table| &table.range))?;
        let overlapped: Vec<Table<'a>> = self.board.overlapping(self.last, &hull).collect();
        self.merge_or_move(inputs, &overlapped, self.board.place(self.last), reason)
    }

    fn merge_or_move(
        &self,
        tables: &[Table<'a>],
        overlapped: &[Table<'a>],
        output: Output,
        reason: &Reason,
    ) -> Option<Job> {
        let average = file_bytes(tables) / (tables.len() as u64).max(1);
        let is_movable = average.saturating_mul(MOVED_PART_MIN) >= self.settings.table_bytes_max
            && tables.iter().all(|table| table.tombstones == 0);
        // What is overlapped by the hull of all need not be by any of them.
        if is_movable && are_disjoint(&[tables, overlapped].concat()) {
            return self.board.relabel(tables, output, reason.clone());
        }
        self.board.merge(&[tables, overlapped].concat(), output, self.format(), reason.clone())
    }

    /// A single table of the oldest run above the last level goes there: the smallest step there is.
    fn oldest_table_down(&self, level: usize, reason: &Reason) -> Option<Job> {
        let oldest = (level..self.last).rev().find_map(|level| self.board.runs(level).last())?;
        oldest.tables.iter().find_map(|table| self.down(&[table], reason))
    }

    fn tombstones(&self) -> Tombstones<'a> {
        Tombstones {
            percent_min: self.settings.tombstone_percent_min,
            age_ms_max: self.settings.tombstone_age_ms_max,
            view: self.board.view,
        }
    }

    /// Old tombstones above the last level go there, with all that is older.
    fn old_tombstones(&self) -> Option<Job> {
        let limits = self.tombstones();
        (0..self.last).find_map(|level| {
            let runs = self.board.runs(level);
            let has_old = |run: &Run| run.tables.iter().any(|table| limits.are_old(table));
            let newest = runs.iter().position(has_old)?;
            let table = runs[newest].tables.iter().find(|table| limits.are_old(table))?;
            let reason = limits.reason(table);
            let job = self.to_last_level(level, &runs[newest..], &reason);
            job.or_else(|| self.oldest_table_down(level, &reason))
        })
    }

    /// Tombstones of the last level are left out.
    fn rewrite(&self) -> Option<Job> {
        let [run] = self.board.runs(self.last) else { return None };
        let limits = self.tombstones();
        let output = Output { level: number(self.last), place: Place::ReplaceNewest };
        let mut due = run.tables.iter().filter(|table| limits.are_due(table) && limits.can_go(table));
        due.find_map(|table| self.board.merge(&[table], output, self.format(), limits.reason(table)))
    }

    /// As if nothing were left out, and everything overlapped: an upper bound.
    fn debt(&self) -> Debt {
        let sizes = |level: usize| self.board.runs(level).iter().map(Run::file_bytes);
        let mut levels: Vec<(u64, usize)> = (0..=self.last)
            .map(|level| (sizes(level).fold(0, u64::saturating_add), self.board.runs(level).len()))
            .collect();
        let before: usize = levels.iter().map(|(_, runs)| runs).sum();
        let mut bytes = 0_u64;
        if let Some((size, runs)) = levels.last_mut().filter(|(_, runs)| *runs > 1) {
            (bytes, *runs) = (*size, 1);
        }
        for level in 0..self.last {
            let (size, runs) = levels[level];
            if runs < self.ratio {
                continue;
            }
            let goes_to_last = self.is_for_last(level, size);
            let to = if goes_to_last { self.last } else { level + 1 };
            let taken = if goes_to_last { level..self.last } else { level..level + 1 };
            let moved = levels[taken.clone()].iter().fold(0, |sum: u64, (size, _)| sum.saturating_add(*size));
            levels[taken].fill((0, 0));
            let (size, runs) = levels[to];
            (bytes, levels[to]) = if goes_to_last {
                (bytes.saturating_add(moved).saturating_add(size), (moved.saturating_add(size), 1))
            } else {
                (bytes.saturating_add(moved), (moved.saturating_add(size), runs + 1))
            };
        }
        let after: usize = levels.iter().map(|(_, runs)| runs).sum();
        let gone = self.board.runs(0).len().saturating_sub(levels[0].1);
        Debt { bytes, runs: before.saturating_sub(after) as u64, level0_runs: gone as u64 }
    }
}
