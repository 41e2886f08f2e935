//! How large each level may be: derived from the size of the largest, so that little space is wasted however large the tree is.

use crate::{Leveled, Run, board::Board};

/// Sizes and targets of the levels of a tree.
///
/// ```text
/// level      1      2      3      4      5      6
/// target     0      0    base   ...   D/T      D       base is at most `base_bytes`
///            drained      ^ level 0 goes here
/// ```
#[derive(Debug)]
pub(super) struct Shape {
    /// The level that nothing goes down from.
    pub(super) last: usize,
    /// The first level that may hold data for long, besides level 0.
    pub(super) base: usize,
    /// Bytes of file in each level, without what running jobs take away.
    pub(super) bytes: Vec<u64>,
    /// Bytes that each level may hold.
    pub(super) targets: Vec<u64>,
}

impl Shape {
    pub(super) fn new(settings: &Leveled, board: &Board<'_>) -> Shape {
        let last = board.deepest().max(settings.last_level.clamp(1, crate::LEVELS_MAX - 1) as usize);
        let all = |level: usize| {
            board.runs(level).iter().fold(0, |sum: u64, run| sum.saturating_add(run.file_bytes()))
        };
        let largest = (1..=last).map(all).max().unwrap_or(0);
        let ratio = u64::from(settings.ratio.max(2));
        let mut targets = vec![0; last + 1];
        let (mut base, mut target) = (last, largest);
        targets[last] = u64::MAX;
        while target > settings.base_bytes && base > 1 {
            base -= 1;
            target /= ratio;
            targets[base] = target;
        }
        let bytes = (0..=last).map(|level| staying_bytes(board, level)).collect();
        Shape { last, base, bytes, targets }
    }

    /// Where data goes from a level: to the next, or, from one that is to be drained, over empty ones.
    pub(super) fn next(&self, level: usize, board: &Board<'_>) -> usize {
        let deeper = (level + 1..self.base).find(|deeper| !board.runs(*deeper).is_empty());
        deeper.unwrap_or((level + 1).max(self.base))
    }

    /// By how many bytes the level is too large.
    pub(super) fn excess(&self, level: usize) -> u64 {
        self.bytes[level].saturating_sub(self.targets[level])
    }
}

fn staying_bytes(board: &Board<'_>, level: usize) -> u64 {
    let runs = board.runs(level);
    if board.view.running.is_empty() {
        return runs.iter().map(Run::file_bytes).fold(0, u64::saturating_add);
    }
    let tables = runs.iter().flat_map(|run| &run.tables);
    let staying = tables.filter(|table| !board.is_leaving(table, level));
    staying.fold(0, |sum, table| table.file_bytes.saturating_add(sum))
}
