//! Keeps one sorted run for each level: few runs are read and little space is wasted, and more is written.

mod level0;
mod push;
mod shape;
mod triggers;

use self::shape::Shape;
use crate::{
    CompactionStrategy, Cuts, Debt, Job, KeyRange, Reason, TreeView,
    board::{Board, Format, Table},
};

/// Keeps one sorted run in each level below level 0, each `ratio` times as large as the one above.
///
/// Sizes are derived from the largest level: the last level holds everything, the one above it may hold a
/// `ratio`th of that, and so on, up to the first that may hold no more than
/// [`base_bytes`](Leveled::base_bytes). That one is the *base*, where level 0 goes to. Levels between level 0
/// and the base are drained. So a small tree is level 0 and the last level, and gains levels from there.
///
/// Rules, by the reason that jobs state; the first two groups compete by how far they are over their limit:
///
/// 1. `level-runs`: a level has several runs, as another strategy leaves them: they become one.
/// 2. `level0-runs`: level 0 has [`level0_runs`](Leveled::level0_runs): tables that overlap, directly or
///    through others, go to the base together. `level-size`: a level has more bytes than its target: the table
///    that overlaps least of the next level, in proportion, goes there.
/// 3. `level0-busy`: level 0 has too many runs and its way down is taken: its newest runs become one.
/// 4. `tombstones`: a table has a large share of tombstones, or old ones: it goes down, and when it is at the
///    bottom it is rewritten without them, unless a snapshot needs them.
/// 5. `hot-range`: reads keep asking several runs for the same keys: the newest of these goes down.
///
/// Tables that overlap nothing in the next level are moved, not rewritten, and at once to the last level when
/// they overlap nothing at all.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Leveled {
    /// How many times larger each level is than the one above; 2 if less is given.
    pub ratio: u32,
    /// Bytes that the level which level 0 goes to may hold, at most.
    pub base_bytes: u64,
    /// The deepest level, from 1 to 63. A tree that is deeper already stays so.
    pub last_level: u32,
    /// Size at which a table of the result is ended, in bytes.
    pub table_bytes_max: u64,
    /// Runs of level 0 at which they go down.
    pub level0_runs: usize,
    /// Runs of level 0 that are merged with each other while their way down is taken: at least so many, 2 if
    /// less is given. `usize::MAX`: never.
    pub level0_merge_runs_min: usize,
    /// Whether tables that overlap nothing are moved. Rewriting them instead only makes sense to compare.
    pub moves: bool,
    /// Where tables of a result may end early. A table is not moved to where it overlaps more of the next
    /// level than `overlap_bytes_max`; and runs of a level are united in merges of about this size.
    pub cuts: Cuts,
    /// A table with at least this share of tombstones among its entries is compacted; above 100: never.
    pub tombstone_percent_min: u32,
    /// So is one that holds a tombstone of this age; `u64::MAX`: never.
    pub tombstone_age_ms_max: u64,
    /// A range with so many reads that asked several runs is compacted; `u64::MAX`: never.
    pub hot_reads_min: u64,
}

impl Default for Leveled {
    fn default() -> Leveled {
        Leveled {
            ratio: 10,
            base_bytes: 64 << 20,
            last_level: 6,
            table_bytes_max: 32 << 20,
            level0_runs: 4,
            level0_merge_runs_min: 4,
            moves: true,
            cuts: Cuts { boundary_percent_min: 50, overlap_bytes_max: 25 * (32 << 20) },
            tombstone_percent_min: 50,
            tombstone_age_ms_max: u64::MAX,
            hot_reads_min: 1000,
        }
    }
}

impl CompactionStrategy for Leveled {
    fn name(&self) -> &'static str {
        "leveled"
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

/// One look at one tree.
struct Planner<'a> {
    settings: &'a Leveled,
    board: Board<'a>,
    shape: Shape,
}

/// A level that something must be done about.
#[derive(Clone, Copy, Debug)]
struct Due {
    level: usize,
    what: What,
    /// How far it is over its limit, in thousandths of it.
    urgency: u64,
}

#[derive(Clone, Copy, Debug)]
enum What {
    /// Level 0 has too many runs.
    Level0,
    /// The level has more than one run.
    Runs,
    /// The level is too large.
    Size,
}

impl<'a> Planner<'a> {
    fn new(settings: &'a Leveled, board: Board<'a>) -> Planner<'a> {
        let shape = Shape::new(settings, &board);
        Planner { settings, board, shape }
    }

    fn plan(&self) -> Option<Job> {
        let mut due = self.due();
        due.sort_by_key(|due| std::cmp::Reverse(due.urgency));
        let job = due.iter().find_map(|due| match due.what {
            What::Level0 => self.level0_down(due),
            What::Runs => self.unite(due.level),
            What::Size => self.push(due.level),
        });
        job.or_else(|| self.drop_tombstones()).or_else(|| self.cool())
    }

    fn due(&self) -> Vec<Due> {
        let runs = self.board.runs(0).iter();
        let free = runs.filter(|run| run.tables.iter().any(|table| !self.board.is_busy(table))).count();
        let level0_runs = self.settings.level0_runs.max(1);
        let mut due = Vec::new();
        if free >= level0_runs {
            let urgency = (free as u64).saturating_mul(1000) / level0_runs as u64;
            due.push(Due { level: 0, what: What::Level0, urgency });
        }
        for level in 1..=self.shape.last {
            let count = self.board.runs(level).len() as u64;
            if count > 1 {
                due.push(Due { level, what: What::Runs, urgency: count.saturating_mul(1000) });
            } else if self.shape.excess(level) > 0 && count == 1 {
                let target = u128::from(self.shape.targets[level].max(1));
                let urgency = u128::from(self.shape.bytes[level]) * 1000 / target;
                // A level that is to be drained is in nobody's way.
                let urgency =
                    if level < self.shape.base { 1000 } else { u64::try_from(urgency).unwrap_or(u64::MAX) };
                due.push(Due { level, what: What::Size, urgency });
            }
        }
        due
    }

    fn format(&self) -> Format {
        Format { table_bytes_max: self.settings.table_bytes_max, cuts: self.settings.cuts }
    }

    /// The tables go to the next level, merged with what they overlap there. They are all that overlaps them
    /// in their level, or older there than what does.
    fn merge_down(&self, tables: &[Table<'a>], hull: &KeyRange, level: usize, reason: Reason) -> Option<Job> {
        let next = self.shape.next(level, &self.board);
        if self.board.runs(next).len() > 1 || !self.board.is_clear(hull, level, next) {
            return None;
        }
        let mut inputs = tables.to_vec();
        inputs.extend(self.board.overlapping(next, hull));
        self.board.merge(&inputs, self.board.place(next), self.format(), reason)
    }

    /// The level that a table can be moved to from its own, where no other table overlaps it.
    fn destination(&self, range: &KeyRange, level: usize) -> Option<usize> {
        let next = self.shape.next(level, &self.board);
        let overlaps = |level: usize| self.board.overlapping(level, range).next().is_some();
        if !self.settings.moves || self.board.runs(next).len() > 1 || overlaps(next) {
            return None;
        }
        let last = self.shape.last;
        if self.board.runs(last).len() <= 1 && !(next + 1..=last).any(overlaps) {
            return Some(last);
        }
        let mut deeper = (next + 1..=last).filter(|level| !self.board.runs(*level).is_empty());
        let below = deeper.next().map_or(0, |level| {
            self.board
                .overlapping(level, range)
                .fold(0, |sum: u64, table| sum.saturating_add(table.file_bytes))
        });
        (below <= self.settings.cuts.overlap_bytes_max).then_some(next)
    }

    /// Moves those of the tables that can go where the first of them goes that can be moved. `None` when none
    /// can. Enough is when so many bytes are moved.
    fn move_down(
        &self,
        tables: impl Iterator<Item = Table<'a>>,
        level: usize,
        enough_bytes: u64,
        reason: &Reason,
    ) -> Option<Job> {
        let (mut to, mut picked, mut bytes) = (None, Vec::new(), 0);
        for table in tables.filter(|table| !self.board.is_busy(table)) {
            if bytes >= enough_bytes && !picked.is_empty() {
                break;
            }
            let Some(destination) = self.destination(&table.range, level) else { continue };
            if *to.get_or_insert(destination) == destination
                && self.board.is_clear(&table.range, level, destination)
            {
                picked.push(table);
                bytes = table.file_bytes.saturating_add(bytes);
            }
        }
        self.board.relabel(&picked, self.board.place(to?), reason.clone())
    }

    /// What is left to do, estimated level by level: what a level has too much is merged with as much of the
    /// next as it overlaps on average, and may be too much there.
    fn debt(&self) -> Debt {
        let mut debt = Debt::ZERO;
        let bytes = |level: usize| self.shape.bytes[level];
        let level0_runs = self.board.runs(0).len();
        let mut arriving = vec![0_u64; self.shape.last + 1];
        if level0_runs >= self.settings.level0_runs.max(1) {
            let next = self.shape.next(0, &self.board);
            debt.bytes = bytes(0).saturating_add(bytes(next));
            debt.level0_runs = level0_runs as u64;
            debt.runs = debt.level0_runs - u64::from(self.board.runs(next).is_empty());
            arriving[next] = bytes(0);
        }
        for level in 1..self.shape.last {
            let size = bytes(level).saturating_add(arriving[level]);
            let excess = size.saturating_sub(self.shape.targets[level]);
            if excess > 0 {
                let next = self.shape.next(level, &self.board);
                let overlapped = u128::from(excess) * u128::from(bytes(next)) / u128::from(size.max(1));
                let overlapped = u64::try_from(overlapped).unwrap_or(u64::MAX);
                debt.bytes = debt.bytes.saturating_add(excess).saturating_add(overlapped);
                arriving[next] = arriving[next].saturating_add(excess);
            }
        }
        for level in 1..=self.shape.last {
            let more = (self.board.runs(level).len() as u64).saturating_sub(1);
            debt.runs += more;
            debt.bytes = if more > 0 { debt.bytes.saturating_add(bytes(level)) } else { debt.bytes };
        }
        debt
    }
}
