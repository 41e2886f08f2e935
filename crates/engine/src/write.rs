//! Commits writes, switches memtables, and closes. The four stages of `docs/traits/commit.md` under one lock.

use std::sync::{Arc, atomic::Ordering};

use parking_lot::MutexGuard;
use siltstone_types::{Entry, InternalKey, IoResultExt, SequenceNumber};
use siltstone_vfs::FileLock;
use siltstone_wal::{LogWriter, Payload, Predecessors, Record, WriterOptions};

use crate::{
    Durability, Error, Result, WriteBatch,
    batch::format::Batch,
    db::Inner,
    execute,
    files::{Closing, Current},
    keyspace::KeyspaceId,
    manifest::{
        ManifestWriter,
        format::{Edit, Field},
        state::State,
    },
    open::{Identities, write_current},
    read_view::Version,
    recovery,
    table_io::Output,
    tree::{OpenTable, Tree},
};

/// Everything that only the one writer touches.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) log: LogWriter,
    pub(crate) manifest: Option<ManifestWriter>,
    pub(crate) current: Current,
    pub(crate) state: State,
    pub(crate) identities: Identities,
    pub(crate) lock: Option<Box<dyn FileLock>>,
    /// The failure that stopped writing.
    pub(crate) poison: Option<Error>,
}

impl Writer {
    pub(crate) fn next_number(&mut self) -> u64 {
        self.state.next_file_number += 1;
        self.state.next_file_number - 1
    }

    pub(crate) fn draw_output(&mut self, level: u32, epoch: u64) -> Output {
        Output { number: self.next_number(), level, epoch, unique_id: self.identities.draw() }
    }

    /// Makes an edit durable and applies it. After a failure nobody knows which of the two states a power cut leaves: writing stops.
    pub(crate) fn commit_edit(&mut self, edit: &Edit) -> Result<()> {
        let Some(manifest) = &mut self.manifest else { return Err(Error::Closed) };
        let done = manifest.append(edit).and_then(|()| {
            let path = std::path::Path::new("MANIFEST");
            self.state.apply(edit).map_err(|broken| Error::corruption(path, 0, broken.to_string()))
        });
        done.map_err(|error| self.poison(error))
    }

    /// Makes the log durable. A failure is final: the operating system may have given up the bytes.
    fn sync_log(&mut self) -> Result<()> {
        match self.log.sync() {
            Ok(_) => Ok(()),
            Err(error) => Err(self.poison(error.into())),
        }
    }

    /// Stops writing; returns the failure.
    pub(crate) fn poison(&mut self, error: Error) -> Error {
        tracing::error!(%error, "writing stops until the database is opened again");
        self.poison.get_or_insert(error).clone()
    }

    /// The counters, which go into every edit.
    pub(crate) fn counters(&self, last_sequence: SequenceNumber) -> Vec<Field> {
        vec![
            Field::NextFileNumber(self.state.next_file_number),
            Field::LastSequence(last_sequence.get().max(self.state.last_sequence)),
            Field::NextEpoch(self.state.next_epoch),
        ]
    }
}

impl Inner {
    /// The writer, unless writing has stopped.
    pub(crate) fn lock_writer(&self) -> Result<MutexGuard<'_, Writer>> {
        let writer = self.writer()?.lock();
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::Closed);
        }
        match &writer.poison {
            Some(cause) => Err(Error::Poisoned { cause: Arc::new(cause.clone()) }),
            None => Ok(writer),
        }
    }

    pub(crate) fn write(&self, batch: &WriteBatch, durability: Durability) -> Result<()> {
        let payload = batch.payload()?;
        // Outside of the lock: the checksum of the payload.
        let payload = Payload::new(payload);
        let mut writer = self.lock_writer()?;
        if batch.is_empty() {
            return Ok(());
        }
        // Before this write rather than behind the last one, so that a table that cannot be written fails a write that is not in the log.
        self.make_room(&mut writer)?;
        let first = self
            .published()
            .checked_add(1)
            .filter(|first| first.checked_add(u64::from(batch.len())).is_some())
            .ok_or_else(|| Error::invalid_argument("all sequence numbers are used up"))?;

        // 1. Append.
        let appended = writer.log.append(&[Record { tag: first.get(), payload }]);
        if let Err(error) = appended {
            let error = Error::from(error);
            return Err(if writer.log.check().is_err() { writer.poison(error) } else { error });
        }
        // 2. Apply.
        let decoded = Batch::decode(batch.payload()?, first)
            .map_err(|broken| writer.poison(Error::invalid_argument(broken.to_string())))?;
        let version = Arc::clone(&self.version.read());
        if let Some(memtable) = version.memtables.first() {
            memtable.insert_batch(&mut decoded.entries().map(|(sequence, entry)| Entry {
                key: InternalKey::new(entry.key, sequence, entry.kind),
                value: entry.value,
            }));
        }
        // 3. Sync.
        if durability == Durability::Sync {
            writer.sync_log()?;
        }
        // 4. Publish.
        self.published.store(decoded.last().get(), Ordering::Release);
        Ok(())
    }

    pub(crate) fn sync(&self) -> Result<()> {
        self.lock_writer()?.sync_log()
    }

    /// Flushes when the memtable has reached its limit.
    fn make_room(&self, writer: &mut Writer) -> Result<()> {
        let version = Arc::clone(&self.version.read());
        let Some(memtable) = version.memtables.first() else { return Ok(()) };
        let settings = &self.shared.settings;
        let full = memtable.bytes() >= settings.memtable_bytes_max
            || memtable.entry_count() >= settings.memtable_entries_max;
        if full {
            self.flush_memtable(writer)?;
            self.compact_if_due(writer);
        }
        Ok(())
    }

    pub(crate) fn flush(&self) -> Result<()> {
        self.flush_memtable(&mut *self.lock_writer()?)
    }

    /// Writes the memtable to a table and starts a new log. A failure before the manifest's edit leaves everything as it was.
    pub(crate) fn flush_memtable(&self, writer: &mut Writer) -> Result<()> {
        let version = Arc::clone(&self.version.read());
        let Some(memtable) = version.memtables.first().filter(|memtable| memtable.entry_count() > 0) else {
            return Ok(());
        };
        // A table must not get ahead of the log.
        writer.sync_log()?;
        let epoch = writer.state.next_epoch;
        let draw = || writer.draw_output(0, epoch);
        let flushed = execute::flush_memtable(&self.shared, memtable, &self.snapshots.live(), draw)?;
        let log = self.start_log(writer)?;
        let (old_log, new_log) = (writer.log.number(), log.number());
        writer.state.next_epoch = epoch + 1;
        let mut fields = writer.counters(self.published());
        fields.extend([
            Field::LogCreated { number: new_log },
            Field::LogPosition { keyspace: KeyspaceId::DEFAULT.0, log: new_log, offset: 0 },
            Field::LogRemoved { number: old_log },
        ]);
        fields.extend(flushed.tables.iter().map(|table| table.added()));
        writer.commit_edit(&Edit { snapshot: false, fields })?;
        writer.log = log;
        self.install(&version, &[], flushed.tables, vec![self.shared.memtables.create()]);
        self.remove_file(&self.shared.layout.log(old_log));
        Ok(())
    }

    /// Creates a log that nothing refers to yet.
    fn start_log(&self, writer: &mut Writer) -> Result<LogWriter> {
        let number = writer.next_number();
        let id = recovery::log_id(number, self.shared.identity);
        // Its predecessor was synced, and is given up with the edit that makes this one known.
        let options = WriterOptions { predecessors: Predecessors::Synced, ..WriterOptions::default() };
        let log = LogWriter::create(&*self.shared.fs, &self.shared.layout.log(number), id, options)?;
        let wal_dir = self.shared.layout.wal_dir();
        self.shared.fs.sync_dir(wal_dir).on("sync the folder", wal_dir)?;
        Ok(log)
    }

    /// Makes a version without `removed` and with `added` tables the one that reads see.
    pub(crate) fn install(
        &self,
        old: &Version,
        removed: &[u64],
        added: Vec<Arc<OpenTable>>,
        memtables: Vec<Arc<dyn siltstone_memtable::Memtable>>,
    ) {
        let kept = old.tree.tables().filter(|table| !removed.contains(&table.record.number)).cloned();
        let tree = Tree::new(kept.chain(added));
        *self.version.write() = Arc::new(Version { memtables, tree });
    }

    /// Removes a file that nothing refers to. One that stays is removed at the next open.
    pub(crate) fn remove_file(&self, path: &std::path::Path) {
        if let Err(error) = self.shared.fs.remove(path) {
            tracing::warn!(path = %path.display(), %error, "cannot remove a file that is not needed any more");
        }
    }

    pub(crate) fn close(&self) -> Result<()> {
        let mut writer = self.writer()?.lock();
        if self.closed.swap(true, Ordering::AcqRel) {
            return Err(Error::Closed);
        }
        let closed = match &writer.poison {
            Some(cause) => Err(Error::Poisoned { cause: Arc::new(cause.clone()) }),
            None => self.close_cleanly(&mut writer),
        };
        // Whatever happened, another process may open the database now.
        writer.lock = None;
        closed
    }

    /// Order 5 of `docs/format/files.md`.
    fn close_cleanly(&self, writer: &mut Writer) -> Result<()> {
        self.flush_memtable(writer)?;
        let log = writer.log.number();
        let mut fields = writer.counters(self.published());
        fields.push(Field::LogRemoved { number: log });
        writer.commit_edit(&Edit { snapshot: false, fields })?;
        let Some(manifest) = writer.manifest.take() else { return Err(Error::Closed) };
        let manifest_bytes = manifest.finish()?;
        let current = Current { closing: Closing::Closed { manifest_bytes }, ..writer.current };
        write_current(&*self.shared.fs, &self.shared.layout, &current)?;
        self.remove_file(&self.shared.layout.log(log));
        Ok(())
    }
}
