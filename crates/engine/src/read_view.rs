//! The one way into the data: what a read sees, fixed when it begins.

use siltstone_sstable::CursorOptions;
use siltstone_types::{Cursor, InternalKey, KeyHash, Lookup, SequenceNumber, Slice, limits::check_key};

use crate::{
    Error, Result,
    explain::GetTrace,
    heat::{self, Noter},
    iter::{merge::MergeCursor, run::RunCursor, visible::VisibleCursor},
    keyspace::KeyspaceId,
    sync::{Arc, Loaded},
    tree::Run,
    version::{KeyspaceVersion, Version},
};

/// A version and a sequence number. Every read goes through one, so that gets, ranges and snapshots cannot disagree.
#[derive(Debug)]
pub(crate) struct ReadView {
    pub(crate) version: Loaded<Arc<Version>>,
    pub(crate) at: SequenceNumber,
    /// By which time it judges what has expired; `None` until that is known to matter.
    pub(crate) now_unix_ms: Option<u64>,
    /// One that is not in the version any more, but that the reader's snapshot sees.
    pub(crate) dropped: Option<(KeyspaceId, Arc<KeyspaceVersion>)>,
}

/// What the engine merges.
pub(crate) enum Source {
    Run(Box<RunCursor>),
    Boxed(Box<dyn Cursor>),
}

pub(crate) type SourceCursor = VisibleCursor<MergeCursor<Source>>;

impl ReadView {
    fn keyspace(&self, id: KeyspaceId) -> Result<&KeyspaceVersion> {
        let not_found =
            || Error::NotFound { what: format!("keyspace {} does not exist, or was dropped", id.0) };
        let dropped =
            self.dropped.as_ref().filter(|(dropped, _)| *dropped == id).map(|(_, keyspace)| &**keyspace);
        self.version.keyspace(id).or(dropped).ok_or_else(not_found)
    }

    /// The same view, which judges all that it meets by one time.
    pub(crate) fn at_one_time(self) -> ReadView {
        ReadView { now_unix_ms: Some(self.time_unix_ms()), ..self }
    }

    fn time_unix_ms(&self) -> u64 {
        self.now_unix_ms.unwrap_or_else(|| self.version.expiry.time_of_read_unix_ms())
    }

    /// What an answer says to this view. The clock is read only for an entry that expires.
    fn judge(&self, found: Lookup) -> Option<Slice> {
        found.into_value_at(|| self.now_unix_ms.unwrap_or_else(|| self.version.expiry.now_unix_ms()))
    }

    /// A lookup that is counted.
    pub(crate) fn get(&self, id: KeyspaceId, key: &[u8]) -> Result<Option<Slice>> {
        let mut counts = self.version.metrics.get();
        let found = self.get_traced(id, key, &mut counts)?;
        if counts.asked_several_runs() {
            let newest = || self.keyspace(id).ok()?.tree.runs.iter().find_map(|run| run.table_for(key));
            heat::note(&self.version.metrics, id, || newest().map(|table| &**table));
        }
        Ok(found)
    }

    pub(crate) fn get_traced<T: GetTrace>(
        &self,
        id: KeyspaceId,
        key: &[u8],
        trace: &mut T,
    ) -> Result<Option<Slice>> {
        check_key(key)?;
        let keyspace = self.keyspace(id)?;
        let hash = KeyHash::of(key);
        for slot in keyspace.memtables() {
            let found = slot.table.get(key, hash, self.at);
            trace.memtable(slot, found.is_some());
            if let Some(found) = found {
                return Ok(self.judge(found));
            }
        }
        for run in &keyspace.tree.runs {
            let Some(table) = run.table_for(key) else { continue };
            trace.table(table);
            let found = table.with_file(|file| file.get_traced(key, hash, self.at, trace))?;
            trace.answered(found.is_some());
            if let Some(found) = found {
                return Ok(self.judge(found));
            }
        }
        Ok(None)
    }

    pub(crate) fn cursor(&self, id: KeyspaceId) -> Result<SourceCursor> {
        let keyspace = self.keyspace(id)?;
        let memtables = keyspace.memtables().map(|slot| Source::Boxed(Arc::clone(&slot.table).cursor()));
        let runs = &keyspace.tree.runs;
        let run = |(at, run): (usize, &Run)| {
            let cursor = RunCursor::new(Arc::clone(&run.tables), CursorOptions::default());
            let is_oldest = at + 1 == runs.len();
            let noter = || Noter { metrics: Arc::clone(&self.version.metrics), keyspace: id };
            Source::Run(Box::new(if is_oldest { cursor } else { cursor.noted_by(noter()) }))
        };
        let runs = runs.iter().enumerate().map(run);
        let source = MergeCursor::new(memtables.chain(runs).collect());
        Ok(VisibleCursor::new(source, self.at, self.time_unix_ms()))
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
    fn seek_ahead(&mut self, target: InternalKey<'_>) -> siltstone_types::Result<()> {
        each_source!(self, cursor => cursor.seek_ahead(target))
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
