//! Walks over the tables of a run, one after the other.

use siltstone_sstable::{CursorOptions, TableCursor};
use siltstone_types::{Cursor, Error, InternalKey, Result, Slice};

use crate::{heat::Noter, sync::Arc, tree::OpenTable};

/// A cursor over disjoint tables in key order. One table is open at a time.
#[derive(Debug)]
pub(crate) struct RunCursor {
    tables: Arc<[Arc<OpenTable>]>,
    options: CursorOptions,
    at: usize,
    current: Option<TableCursor>,
    failed: Option<Error>,
    /// Told of every table that is asked.
    noter: Option<Noter>,
}

impl RunCursor {
    pub(crate) fn new(tables: Arc<[Arc<OpenTable>]>, options: CursorOptions) -> RunCursor {
        RunCursor { tables, options, at: 0, current: None, failed: None, noter: None }
    }

    /// The same, for a read that asks older runs as well.
    pub(crate) fn noted_by(self, noter: Noter) -> RunCursor {
        RunCursor { noter: Some(noter), ..self }
    }

    /// Opens a cursor on table `at`, unless it is the current one; `None` past the last table.
    fn enter(&mut self, at: usize) -> Result<Option<&mut TableCursor>> {
        let Some(table) = self.tables.get(at) else { return Ok(None) };
        if self.at != at || self.current.is_none() {
            self.current = None;
            self.at = at;
            self.current = Some(table.open()?.cursor(self.options));
        }
        Ok(self.current.as_mut())
    }

    /// Enters table `at` and places its cursor; without such a table the cursor is at its end.
    fn enter_and(
        &mut self,
        at: Option<usize>,
        place: impl FnOnce(&mut TableCursor) -> Result<()>,
    ) -> Result<()> {
        if let (Some(noter), Some(table)) = (&self.noter, at.and_then(|at| self.tables.get(at))) {
            noter.asked(table);
        }
        let entered = match at {
            Some(at) => self.enter(at),
            None => Ok(None),
        };
        let placed = match entered {
            Ok(Some(cursor)) => place(cursor),
            Ok(None) => {
                self.current = None;
                Ok(())
            }
            Err(error) => Err(error),
        };
        self.remember(placed)
    }

    fn start(&mut self, at: Option<usize>, place: impl FnOnce(&mut TableCursor) -> Result<()>) -> Result<()> {
        self.failed = None;
        self.enter_and(at, place)
    }

    fn remember(&mut self, moved: Result<()>) -> Result<()> {
        if let Err(error) = &moved {
            self.current = None;
            self.failed = Some(error.clone());
        }
        moved
    }

    /// Moves on to the tables behind until one has an entry.
    fn skip_forward(&mut self) -> Result<()> {
        while self.current.as_ref().is_some_and(|cursor| !cursor.valid()) {
            self.enter_and(Some(self.at + 1), Cursor::first)?;
        }
        Ok(())
    }

    fn skip_backward(&mut self) -> Result<()> {
        while self.current.as_ref().is_some_and(|cursor| !cursor.valid()) {
            self.enter_and(self.at.checked_sub(1), Cursor::last)?;
        }
        Ok(())
    }

    fn step(&mut self, step: impl FnOnce(&mut TableCursor) -> Result<()>) -> Result<()> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let moved = self.current.as_mut().map_or(Ok(()), step);
        self.remember(moved)
    }

    #[expect(clippy::expect_used, reason = "the contract of Cursor: only asked while valid")]
    fn on(&self) -> &TableCursor {
        self.current.as_ref().expect("a cursor is asked for its entry only while it is valid")
    }
}

impl Cursor for RunCursor {
    fn first(&mut self) -> Result<()> {
        self.start(Some(0), Cursor::first)?;
        self.skip_forward()
    }

    fn last(&mut self) -> Result<()> {
        self.start(self.tables.len().checked_sub(1), Cursor::last)?;
        self.skip_backward()
    }

    fn seek(&mut self, target: InternalKey<'_>) -> Result<()> {
        let at = self.tables.partition_point(|table| *table.record.largest < *target.user_key);
        self.start(Some(at), |cursor| cursor.seek(target))?;
        self.skip_forward()
    }

    fn seek_for_prev(&mut self, target: InternalKey<'_>) -> Result<()> {
        let at = self.tables.partition_point(|table| *table.record.smallest <= *target.user_key);
        self.start(at.checked_sub(1), |cursor| cursor.seek_for_prev(target))?;
        self.skip_backward()
    }

    fn next(&mut self) -> Result<()> {
        self.step(Cursor::next)?;
        self.skip_forward()
    }

    fn prev(&mut self) -> Result<()> {
        self.step(Cursor::prev)?;
        self.skip_backward()
    }

    fn valid(&self) -> bool {
        self.current.as_ref().is_some_and(Cursor::valid)
    }

    fn key(&self) -> InternalKey<'_> {
        self.on().key()
    }

    fn value(&self) -> &[u8] {
        self.on().value()
    }

    fn pin_value(&self) -> Slice {
        self.on().pin_value()
    }
}
