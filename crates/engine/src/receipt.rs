//! What a write returns: proof of its place, and a way to wait until it is durable.

use std::fmt;

use crate::{Db, Result, manifest::state::LogPosition};

/// A write that was acknowledged. A buffered one can be made durable later, alone or together with others.
pub struct Receipt {
    db: Db,
    /// Everything below is durable once the write is.
    end: LogPosition,
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receipt").field("end", &self.end).finish_non_exhaustive()
    }
}

impl Receipt {
    pub(crate) fn new(db: Db, end: LogPosition) -> Receipt {
        Receipt { db, end }
    }

    /// Returns when the write, and all before it, would survive a power cut.
    ///
    /// # Errors
    ///
    /// Those of [`Db::sync`].
    pub fn wait_durable(&self) -> Result<()> {
        self.db.inner().sync_to(self.end)
    }
}
