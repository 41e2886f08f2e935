//! The lending form of iteration: a position that moves both ways.

use std::fmt;

use siltstone_types::Slice;

use crate::{
    Result,
    keyspace::KeyspaceId,
    read_view::{ReadView, SourceCursor},
};

/// A position among the entries of a keyspace, as they were when it was made. Keys and values are lent, not copied, until it moves.
///
/// A new cursor stands nowhere; moving off either end makes it invalid, and so does an error, which `next` and `prev` return again until it is positioned anew.
pub struct DbCursor {
    cursor: SourceCursor,
}

impl fmt::Debug for DbCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DbCursor").field("valid", &self.valid()).finish_non_exhaustive()
    }
}

impl DbCursor {
    pub(crate) fn new(view: &ReadView, keyspace: KeyspaceId) -> Result<DbCursor> {
        Ok(DbCursor { cursor: view.cursor(keyspace)? })
    }

    /// Moves to the first entry.
    ///
    /// # Errors
    ///
    /// `Corruption` for a damaged block, `Io`; so for all movements.
    pub fn first(&mut self) -> Result<()> {
        Ok(self.cursor.first()?)
    }

    /// Moves to the last entry.
    ///
    /// # Errors
    ///
    /// See [`DbCursor::first`].
    pub fn last(&mut self) -> Result<()> {
        Ok(self.cursor.last()?)
    }

    /// Moves to the first entry at or after `key`.
    ///
    /// # Errors
    ///
    /// See [`DbCursor::first`].
    pub fn seek(&mut self, key: impl AsRef<[u8]>) -> Result<()> {
        Ok(self.cursor.seek(key.as_ref())?)
    }

    /// Moves to the last entry at or before `key`.
    ///
    /// # Errors
    ///
    /// See [`DbCursor::first`].
    pub fn seek_for_prev(&mut self, key: impl AsRef<[u8]>) -> Result<()> {
        Ok(self.cursor.seek_for_prev(key.as_ref())?)
    }

    /// Moves one entry on.
    ///
    /// # Errors
    ///
    /// See [`DbCursor::first`].
    #[expect(clippy::should_implement_trait, reason = "entries are lent, which an iterator cannot do")]
    pub fn next(&mut self) -> Result<()> {
        Ok(self.cursor.next()?)
    }

    /// Moves one entry back.
    ///
    /// # Errors
    ///
    /// See [`DbCursor::first`].
    pub fn prev(&mut self) -> Result<()> {
        Ok(self.cursor.prev()?)
    }

    /// True when it stands on an entry.
    pub fn valid(&self) -> bool {
        self.cursor.valid()
    }

    /// The key, lent.
    ///
    /// # Panics
    ///
    /// When the cursor is not valid; so for the value.
    pub fn key(&self) -> &[u8] {
        assert!(self.valid(), "a cursor is asked for its entry only while it is valid");
        self.cursor.key()
    }

    /// The value, lent.
    pub fn value(&self) -> &[u8] {
        assert!(self.valid(), "a cursor is asked for its entry only while it is valid");
        self.cursor.value()
    }

    /// The value, for as long as the slice lives.
    pub fn pin_value(&self) -> Slice {
        assert!(self.valid(), "a cursor is asked for its entry only while it is valid");
        self.cursor.pin_value()
    }
}
