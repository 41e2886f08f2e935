//! The one way into the data: what a read sees, fixed when it begins.

use std::{fmt, sync::Arc};

use siltstone_memtable::Memtable;
use siltstone_sstable::CursorOptions;
use siltstone_types::{Cursor, InternalKey, KeyHash, Lookup, SequenceNumber, Slice, limits::check_key};

use crate::{
    Result,
    iter::{merge::MergeCursor, run::RunCursor, visible::VisibleCursor},
    tree::Tree,
};

/// Memtables and tables at one moment. Never changes; a flush or a compaction makes a new one.
pub(crate) struct Version {
    /// The one that is written to, then the ones that wait for their flush, newest first.
    pub(crate) memtables: Vec<Arc<dyn Memtable>>,
    pub(crate) tree: Tree,
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Version({} memtables, {} runs)", self.memtables.len(), self.tree.runs.len())
    }
}

/// A version and a sequence number. Every read goes through one, so that gets, ranges and snapshots cannot disagree.
#[derive(Clone, Debug)]
pub(crate) struct ReadView {
    pub(crate) version: Arc<Version>,
    pub(crate) at: SequenceNumber,
}

/// What the engine merges.
pub(crate) enum Source {
    Run(Box<RunCursor>),
    Boxed(Box<dyn Cursor>),
}

pub(crate) type SourceCursor = VisibleCursor<MergeCursor<Source>>;

impl ReadView {
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Slice>> {
        check_key(key)?;
        let hash = KeyHash::of(key);
        for memtable in &self.version.memtables {
            if let Some(found) = memtable.get(key, hash, self.at) {
                return Ok(found.into_value());
            }
        }
        for run in &self.version.tree.runs {
            let Some(table) = run.table_for(key) else { continue };
            if let Some(found) = table.table.get(key, hash, self.at)? {
                return Ok(Lookup::into_value(found));
            }
        }
        Ok(None)
    }

    pub(crate) fn cursor(&self) -> SourceCursor {
        let memtables =
            self.version.memtables.iter().map(|memtable| Source::Boxed(Arc::clone(memtable).cursor()));
        let runs = self.version.tree.runs.iter();
        let runs = runs.map(|run| {
            Source::Run(Box::new(RunCursor::new(Arc::clone(&run.tables), CursorOptions::default())))
        });
        VisibleCursor::new(MergeCursor::new(memtables.chain(runs).collect()), self.at)
    }
}

/// Calls a method of whichever source it is.
macro_rules! each_source {
    ($source:expr, $cursor:ident => $call:expr) => {
        match $source {
            Source::Run($cursor) => $call,
            Source::Boxed($cursor) => $call,
        }
    };
}

impl Cursor for Source {
    fn first(&mut self) -> siltstone_types::Result<()> {
        each_source!(self, cursor => cursor.first())
    }
    fn last(&mut self) -> siltstone_types::Result<()> {
        each_source!(self, cursor => cursor.last())
    }
    fn seek(&mut self, target: InternalKey<'_>) -> siltstone_types::Result<()> {
        each_source!(self, cursor => cursor.seek(target))
    }
    fn seek_for_prev(&mut self, target: InternalKey<'_>) -> siltstone_types::Result<()> {
        each_source!(self, cursor => cursor.seek_for_prev(target))
    }
    fn next(&mut self) -> siltstone_types::Result<()> {
        each_source!(self, cursor => cursor.next())
    }
    fn prev(&mut self) -> siltstone_types::Result<()> {
        each_source!(self, cursor => cursor.prev())
    }
    fn valid(&self) -> bool {
        each_source!(self, cursor => cursor.valid())
    }
    fn key(&self) -> InternalKey<'_> {
        each_source!(self, cursor => cursor.key())
    }
    fn value(&self) -> &[u8] {
        each_source!(self, cursor => cursor.value())
    }
    fn pin_value(&self) -> Slice {
        each_source!(self, cursor => cursor.pin_value())
    }
}
