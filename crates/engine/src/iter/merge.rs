//! Merges sorted sources into one.

use siltstone_types::{Cursor, Error, InternalKey, Result, Slice};

/// Which way the sources were last moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Direction {
    Forward,
    Backward,
}

/// A cursor over the union of its sources.
///
/// The sources stand on their own entries; a binary heap orders them by those. Moving forward, every source but the top one stands on its
/// first entry behind the current one, moving backward on its last entry before it; a change of direction repositions them.
/// Equal internal keys come from sources in the order in which they were given.
#[derive(Debug)]
pub(crate) struct MergeCursor<C> {
    sources: Vec<C>,
    // Indices of the valid sources, as a heap: the first is the current one.
    heap: Vec<usize>,
    direction: Direction,
    failed: Option<Error>,
}

impl<C: Cursor> MergeCursor<C> {
    /// Merges sources, newest first.
    pub(crate) fn new(sources: Vec<C>) -> MergeCursor<C> {
        let heap = Vec::with_capacity(sources.len());
        MergeCursor { sources, heap, direction: Direction::Forward, failed: None }
    }

    /// Positions every source anew.
    fn position(&mut self, direction: Direction, place: impl Fn(&mut C) -> Result<()>) -> Result<()> {
        self.failed = None;
        self.heap.clear();
        self.direction = direction;
        let placed = self.sources.iter_mut().try_for_each(place);
        self.settle(placed)
    }

    /// Positions anew the sources that a seek to `target` moves. Where the target lies ahead, in the direction in which the sources were last moved, those that
    /// stand at or behind it already stand on their first entry there: many versions of a key in one source cost the others nothing.
    fn position_at(
        &mut self,
        target: InternalKey<'_>,
        direction: Direction,
        place: impl Fn(&mut C) -> Result<()>,
    ) -> Result<()> {
        let is_short_of = |source: &C| match direction {
            Direction::Forward => source.key() < target,
            Direction::Backward => source.key() > target,
        };
        let lies_ahead = self.failed.is_none()
            && self.direction == direction
            && self.heap.first().is_some_and(|&top| is_short_of(&self.sources[top]));
        if !lies_ahead {
            return self.position(direction, place);
        }
        let mut behind = self.sources.iter_mut().filter(|source| source.valid() && is_short_of(source));
        let placed = behind.try_for_each(|source| match direction {
            // Most often the target is behind the versions of one key, of which a source that is not the newest has one.
            Direction::Forward => source.seek_ahead(target),
            Direction::Backward => {
                source.prev()?;
                if source.valid() && is_short_of(source) { place(source) } else { Ok(()) }
            }
        });
        self.settle(placed)
    }

    /// Rebuilds the heap after the sources moved, unless that failed.
    fn settle(&mut self, moved: Result<()>) -> Result<()> {
        self.heap.clear();
        if let Err(error) = moved {
            self.failed = Some(error.clone());
            return Err(error);
        }
        self.heap.extend((0..self.sources.len()).filter(|&i| self.sources[i].valid()));
        for at in (0..self.heap.len() / 2).rev() {
            self.sift_down(at);
        }
        Ok(())
    }

    /// Moves the current source one entry in the current direction.
    fn step(&mut self) -> Result<()> {
        let Some(&top) = self.heap.first() else { return Ok(()) };
        let source = &mut self.sources[top];
        let moved = match self.direction {
            Direction::Forward => source.next(),
            Direction::Backward => source.prev(),
        };
        if moved.is_err() {
            return self.settle(moved);
        }
        if !self.sources[top].valid() {
            self.heap.swap_remove(0);
        }
        self.sift_down(0);
        Ok(())
    }

    /// Puts every source on the other side of the current entry, the current one excepted.
    fn turn(&mut self, direction: Direction) -> Result<()> {
        let Some(&top) = self.heap.first() else { return Ok(()) };
        let (user_key, tag) = (self.sources[top].key().user_key.to_vec(), self.sources[top].key().tag);
        let current = InternalKey { user_key: &user_key, tag };
        self.direction = direction;
        let others = self.sources.iter_mut().enumerate().filter(|(i, _)| *i != top);
        let moved = others.map(|(_, source)| source).try_for_each(|source| match direction {
            Direction::Forward => {
                source.seek(current)?;
                if source.valid() && source.key() == current { source.next() } else { Ok(()) }
            }
            Direction::Backward => {
                source.seek_for_prev(current)?;
                if source.valid() && source.key() == current { source.prev() } else { Ok(()) }
            }
        });
        self.settle(moved)
    }

    fn advance(&mut self, direction: Direction) -> Result<()> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        if self.direction != direction {
            self.turn(direction)?;
        }
        self.step()
    }

    /// True when source `a` comes before source `b` in the current direction.
    fn before(&self, a: usize, b: usize) -> bool {
        let order = self.sources[a].key().cmp(&self.sources[b].key()).then(a.cmp(&b));
        match self.direction {
            Direction::Forward => order.is_lt(),
            Direction::Backward => order.is_gt(),
        }
    }

    fn sift_down(&mut self, mut at: usize) {
        loop {
            let left = 2 * at + 1;
            if left >= self.heap.len() {
                return;
            }
            let right = left + 1;
            let child = if right < self.heap.len() && self.before(self.heap[right], self.heap[left]) {
                right
            } else {
                left
            };
            if !self.before(self.heap[child], self.heap[at]) {
                return;
            }
            self.heap.swap(at, child);
            at = child;
        }
    }

    fn current(&self) -> &C {
        &self.sources[self.heap[0]]
    }
}

impl<C: Cursor> Cursor for MergeCursor<C> {
    fn first(&mut self) -> Result<()> {
        self.position(Direction::Forward, Cursor::first)
    }

    fn last(&mut self) -> Result<()> {
        self.position(Direction::Backward, Cursor::last)
    }

    fn seek(&mut self, target: InternalKey<'_>) -> Result<()> {
        self.position_at(target, Direction::Forward, |source| source.seek(target))
    }

    fn seek_for_prev(&mut self, target: InternalKey<'_>) -> Result<()> {
        self.position_at(target, Direction::Backward, |source| source.seek_for_prev(target))
    }

    fn next(&mut self) -> Result<()> {
        self.advance(Direction::Forward)
    }

    fn prev(&mut self) -> Result<()> {
        self.advance(Direction::Backward)
    }

    fn valid(&self) -> bool {
        !self.heap.is_empty()
    }

    fn key(&self) -> InternalKey<'_> {
        self.current().key()
    }

    fn value(&self) -> &[u8] {
        self.current().value()
    }

    fn pin_value(&self) -> Slice {
        self.current().pin_value()
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests;
