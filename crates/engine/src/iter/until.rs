//! Shows a source up to a key: what a part of a merge reads.

use siltstone_types::{Cursor, InternalKey, Result, Slice};

/// A cursor that is at its end where the source has the first user key at or behind `end`; no step forward leads past that.
#[derive(Debug)]
pub(crate) struct Until<C> {
    source: C,
    end: Option<Slice>,
}

impl<C: Cursor> Until<C> {
    /// All of `source` when there is no `end`.
    pub(crate) fn new(source: C, end: Option<Slice>) -> Until<C> {
        Until { source, end }
    }
}

impl<C: Cursor> Cursor for Until<C> {
    fn first(&mut self) -> Result<()> {
        self.source.first()
    }

    fn last(&mut self) -> Result<()> {
        let Some(end) = &self.end else { return self.source.last() };
        self.source.seek_for_prev(InternalKey::before(end))
    }

    fn seek(&mut self, target: InternalKey<'_>) -> Result<()> {
        self.source.seek(target)
    }

    fn seek_for_prev(&mut self, target: InternalKey<'_>) -> Result<()> {
        match &self.end {
            Some(end) if *target.user_key >= **end => self.source.seek_for_prev(InternalKey::before(end)),
            _ => self.source.seek_for_prev(target),
        }
    }

    fn next(&mut self) -> Result<()> {
        // A source that is invalid may have failed, and says so again.
        if self.valid() || !self.source.valid() { self.source.next() } else { Ok(()) }
    }

    fn prev(&mut self) -> Result<()> {
        self.source.prev()
    }

    fn valid(&self) -> bool {
        self.source.valid() && self.end.as_ref().is_none_or(|end| *self.source.key().user_key < **end)
    }

    fn key(&self) -> InternalKey<'_> {
        self.source.key()
    }

    fn value(&self) -> &[u8] {
        self.source.value()
    }

    fn pin_value(&self) -> Slice {
        self.source.pin_value()
    }
}
