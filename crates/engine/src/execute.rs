//! Carries out a merge: reads the inputs, leaves out what nobody can see, writes the outputs.

use siltstone_compaction::{Readers, Retain, RetainStatistics, Split, TableId};
use siltstone_memtable::Memtable;
use siltstone_sstable::{CursorOptions, FillCache, TableWriter};
use siltstone_types::{Cursor, InternalKey, IoResultExt};

use crate::{
    Error, Result,
    components::Profile,
    db::Shared,
    iter::{merge::MergeCursor, run::RunCursor, until::Until},
    keyspace::KeyspaceId,
    manifest::format::TableRecord,
    memory::Grant,
    parts::keys::KeyPart,
    planted::Bug,
    rate_limit::Priority,
    read_view::Source,
    sync::Arc,
    table_io::{Bounds, Output, table_record},
    tree::{OpenTable, Tree},
};

/// What a merge made. The tables are synced and in a synced folder; nothing refers to them yet.
#[derive(Debug)]
pub(crate) struct Merged {
    pub(crate) tables: Vec<Arc<OpenTable>>,
    pub(crate) statistics: RetainStatistics,
}

/// What decides which entries survive, and where outputs are cut.
pub(crate) struct Rules<'a> {
    /// The live snapshots, and the time, read after the inputs were fixed.
    pub(crate) readers: &'a Readers,
    /// Whether data that is older than the inputs may exist for a user key.
    pub(crate) older_data_may_exist: &'a dyn Fn(&[u8]) -> bool,
    /// Where outputs are cut.
    pub(crate) split: &'a Split,
}

/// Writes a memtable to a table of level 0.
pub(crate) fn flush_memtable(
    shared: &Shared,
    profile: &Profile,
    memtable: &Arc<dyn Memtable>,
    readers: &Readers,
    grant: &Grant,
    draw: impl FnMut() -> Output,
) -> Result<Merged> {
    let input = Source::Boxed(Arc::clone(memtable).cursor());
    // Older data may exist anywhere below. One table, however large: a run of level 0 is what one memtable held.
    let rules = Rules { readers, older_data_may_exist: &|_| true, split: &Split::new(u64::MAX) };
    let bounds =
        Bounds { entries_max: memtable.entry_count(), oldest_tombstone_unix_ms: readers.now_unix_ms };
    let means = Means { profile, grant, priority: Priority::Flush };
    write(shared, means, (MergeCursor::new(vec![input]), &KeyPart::WHOLE), bounds, &rules, draw)
}

/// What a merge reads.
#[derive(Clone, Copy)]
pub(crate) struct Inputs<'a> {
    pub(crate) tree: &'a Tree,
    /// All of them, whether they have keys of the part or not.
    pub(crate) tables: &'a [TableId],
    pub(crate) keys: &'a KeyPart,
}

/// Merges those keys of tables of a tree that are in a part.
pub(crate) fn merge(
    shared: &Shared,
    profile: &Profile,
    Inputs { tree, tables, keys }: Inputs<'_>,
    rules: &Rules<'_>,
    draw: impl FnMut() -> Output,
) -> Result<Merged> {
    let is_input = |table: &Arc<OpenTable>| tables.contains(&TableId(table.record.number));
    let is_in_part = |table: &&Arc<OpenTable>| keys.overlaps(&table.record.smallest, &table.record.largest);
    let is_read = |table: &Arc<OpenTable>| is_input(table) && is_in_part(&table);
    let runs = tree.runs.iter().filter(|run| run.tables.iter().any(is_read)).count();
    let grant = shared.memory.begin_merge(runs, profile.settings.block_bytes);
    let readahead_bytes = usize::try_from(grant.readahead_bytes).unwrap_or(usize::MAX);
    let options = CursorOptions { fill_cache: FillCache::No, readahead_bytes };
    let (mut sources, mut found) = (Vec::new(), 0);
    // What has expired becomes a tombstone now.
    let mut bounds = Bounds { entries_max: 0, oldest_tombstone_unix_ms: rules.readers.now_unix_ms };
    for run in &tree.runs {
        found += run.tables.iter().filter(|table| is_input(table)).count();
        let inputs: Arc<[_]> = run.tables.iter().filter(|table| is_read(table)).cloned().collect();
        bounds.entries_max += inputs.iter().map(|table| table.record.entries).sum::<u64>();
        let oldest = inputs.iter().filter(|table| table.record.tombstones > 0);
        let oldest = oldest.map(|table| table.record.oldest_tombstone_unix_ms).min();
        bounds.oldest_tombstone_unix_ms = bounds.oldest_tombstone_unix_ms.min(oldest.unwrap_or(u64::MAX));
        if !inputs.is_empty() {
            sources.push(Source::Run(Box::new(RunCursor::new(inputs, options))));
        }
    }
    if found != tables.len() {
        return Err(Error::invalid_argument("a table to be merged is not in the tree"));
    }
    let split = rules.split.clone().at_most(shared.memory.shares.table_file);
    let rules = Rules { split: &split, ..*rules };
    let means = Means { profile, grant: &grant, priority: Priority::Compaction };
    write(shared, means, (MergeCursor::new(sources), keys), bounds, &rules, draw)
}

/// What a job works with.
#[derive(Clone, Copy)]
struct Means<'a> {
    profile: &'a Profile,
    grant: &'a Grant,
    priority: Priority,
}

fn write(
    shared: &Shared,
    means: Means<'_>,
    (input, keys): (MergeCursor<Source>, &KeyPart),
    bounds: Bounds,
    rules: &Rules<'_>,
    draw: impl FnMut() -> Output,
) -> Result<Merged> {
    let mut input = Until::new(input, keys.end.clone());
    let placed = match &keys.start {
        Some(start) => input.seek(InternalKey::before(start)),
        None => input.first(),
    };
    match placed {
        Err(_) if shared.planted.is(Bug::InputErrorIgnored) => {}
        placed => placed?,
    }
    let (split, writer, done, chunk_bytes) =
        (rules.split.clone(), None, Vec::new(), shared.limiter.chunk_bytes());
    let mut outputs =
        Outputs { shared, means, bounds, split, draw, writer, chunk_bytes, charged_bytes: 0, done };
    let mut retained = Retain::new(input, rules.readers, rules.older_data_may_exist);
    let written = outputs.write_all(&mut retained).and_then(|()| outputs.open_all());
    match written {
        Ok(tables) => Ok(Merged { tables, statistics: retained.statistics() }),
        Err(error) => {
            outputs.abandon();
            Err(error)
        }
    }
}

/// The tables of one job, one after the other.
struct Outputs<'a, D> {
    shared: &'a Shared,
    means: Means<'a>,
    bounds: Bounds,
    split: Split,
    draw: D,
    writer: Option<(Output, Box<TableWriter>)>,
    /// After so many bytes the limiter is asked.
    chunk_bytes: Option<u64>,
    /// For so many bytes of the table under way it was.
    charged_bytes: u64,
    done: Vec<(KeyspaceId, TableRecord)>,
}

impl<D: FnMut() -> Output> Outputs<'_, D> {
    fn write_all(&mut self, retained: &mut Retain<impl Cursor, impl FnMut(&[u8]) -> bool>) -> Result<()> {
        loop {
            let entry = match retained.next_entry() {
                Ok(Some(entry)) => entry,
                Ok(None) => break,
                Err(_) if self.shared.planted.is(Bug::InputErrorIgnored) => break,
                Err(error) => return Err(error.into()),
            };
            let table_bytes = self.writer.as_ref().map_or(0, |(_, writer)| self.table_bytes(writer));
            let ends = self.split.ends_before(entry.key.user_key, table_bytes);
            // Never inside the versions of one key: a read asks one table of a run.
            if ends || self.split.is_full(table_bytes) && self.shared.planted.is(Bug::CutInsideKey) {
                self.finish_table()?;
            }
            let writer = self.writer()?;
            writer.add(entry.key, entry.value)?;
            let file_bytes = writer.estimated_file_bytes();
            self.charge(file_bytes, self.chunk_bytes);
        }
        self.finish_table()
    }

    /// Waits until the limit allows what was written of the table, once it is a chunk.
    fn charge(&mut self, file_bytes: u64, chunk_bytes: Option<u64>) {
        let Some(chunk_bytes) = chunk_bytes else { return };
        let bytes = file_bytes.saturating_sub(self.charged_bytes);
        if bytes >= chunk_bytes {
            self.charged_bytes = file_bytes;
            self.shared.limiter.pass(bytes, self.means.priority);
        }
    }

    /// The size of the table under way. One that has used up its memory counts as larger than any may be.
    fn table_bytes(&self, writer: &TableWriter) -> u64 {
        if writer.memory_bytes() as u64 >= self.means.grant.builder_bytes_max {
            return u64::MAX;
        }
        // Nothing may be written yet, but the table has begun.
        writer.estimated_file_bytes().max(1)
    }

    /// The table that is being written; begins one when there is none.
    fn writer(&mut self) -> Result<&mut TableWriter> {
        if self.writer.is_none() {
            let output = (self.draw)();
            self.writer = Some((
                output,
                Box::new(self.shared.start_table(
                    self.means.profile,
                    self.means.grant,
                    &output,
                    self.bounds,
                )?),
            ));
        }
        let (_, writer) = self.writer.as_mut().ok_or_else(|| Error::invalid_argument("no table is open"))?;
        Ok(writer)
    }

    fn finish_table(&mut self) -> Result<()> {
        if let Some((output, writer)) = self.writer.take() {
            // In the list before it is finished, so that a failure removes it.
            let summary = writer.finish().inspect_err(|_| self.remove(output.number))?;
            let record = table_record(&output, &summary);
            self.charge(record.file_bytes, self.chunk_bytes.map(|_| 1));
            self.charged_bytes = 0;
            self.done.push((output.keyspace, record));
        }
        Ok(())
    }

    fn open_all(&mut self) -> Result<Vec<Arc<OpenTable>>> {
        if self.done.is_empty() {
            return Ok(Vec::new());
        }
        let dir = self.shared.layout.sst_dir();
        self.shared.fs.sync_dir(dir).on("sync the folder", dir)?;
        let tables: Vec<_> =
            self.done.iter().map(|(keyspace, record)| self.shared.table(*keyspace, record.clone())).collect();
        // Opening checks what was written, before anything is given up for it.
        tables.iter().try_for_each(|table| table.open().map(|_| ()))?;
        Ok(tables)
    }

    /// Removes what was written. What cannot be removed now is removed at the next open.
    fn abandon(&mut self) {
        let open = self.writer.take().map(|(output, _)| output.number);
        for number in self.done.iter().map(|(_, record)| record.number).chain(open) {
            self.remove(number);
        }
    }

    fn remove(&self, number: u64) {
        let _ = self.shared.fs.remove(&self.shared.layout.table(number));
    }
}
