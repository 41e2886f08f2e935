//! Replaces full memtables and full logs by empty ones. Under the log's lock, so that no write falls between.

use siltstone_wal::Predecessors;

use crate::{
    Result,
    commit::{
        Commit,
        log_set::{LogSet, create_log},
    },
    db::Inner,
    manifest::format::Field,
    sync::Arc,
    version::{Generation, KeyspaceVersion, Sealed, Slot},
};

impl Inner {
    /// Before a group is appended.
    pub(crate) fn rotate_if_due(&self, commit: &Commit, log: &mut LogSet) -> Result<()> {
        let settings = &self.shared.settings;
        let mut oldest_in_the_way = None;
        if log.writer.len() >= settings.log_bytes_max {
            self.rotate_log(commit, log)?;
            let first_needed = self.version().first_needed_log().unwrap_or(u64::MAX);
            // The new log will fill up, and so may another, before the flush is done.
            let room = settings.log_bytes_max.saturating_mul(2).min(settings.logs_bytes_max / 2);
            oldest_in_the_way = log.oldest_beyond(settings.logs_bytes_max - room, first_needed);
        }
        let sealed = self.seal(log, |keyspace| {
            let table = &keyspace.active.table;
            let own = &keyspace.profile.settings;
            let is_full = table.bytes() >= own.memtable_bytes_max.min(self.shared.memory.shares.memtable)
                || table.entry_count() >= own.memtable_entries_max;
            // One that is written seldom would keep the logs of all others.
            let is_in_the_way =
                oldest_in_the_way.is_some() && keyspace.active.first_log() <= oldest_in_the_way;
            is_full || is_in_the_way
        });
        if sealed {
            self.schedule_flush();
        }
        Ok(())
    }

    /// Seals the active memtables that are due and hold something. True when there was one.
    pub(crate) fn seal(&self, log: &LogSet, is_due: impl Fn(&KeyspaceVersion) -> bool) -> bool {
        let mut current = self.versions.write();
        // What was logged counts, not what was applied by now.
        let is_due = |keyspace: &KeyspaceVersion| keyspace.active.first_log().is_some() && is_due(keyspace);
        if !current.keyspaces.values().any(is_due) {
            return false;
        }
        let mut next = (**current).clone();
        for keyspace in next.keyspaces.values_mut().filter(|keyspace| is_due(keyspace)) {
            let fresh = Slot::new(keyspace.profile.memtables.create());
            let slot = std::mem::replace(&mut keyspace.active, fresh);
            keyspace.sealed.insert(0, Sealed { slot, last_sequence: log.last_sequence, end: log.end() });
        }
        // Before anything behind it can be published: we hold the log's lock.
        current.generation.supersede(log.last_sequence);
        next.generation = Generation::new();
        *current = Arc::new(next);
        true
    }

    fn rotate_log(&self, commit: &Commit, log: &mut LogSet) -> Result<()> {
        // Waits for one that is being prepared, which takes no longer than to make another.
        let mut next_log = commit.next_log.lock();
        let next = match next_log.take() {
            Some(prepared) => prepared,
            None => self.prepare_log()?,
        };
        // Now, and not with the next sync: of what a killed process leaves, no log behind one without an end is read.
        if let Err(error) = log.writer.end() {
            *next_log = Some(next);
            return Err(error.into());
        }
        let old = std::mem::replace(&mut log.writer, next);
        log.left.push_back((old.number(), old.len()));
        // It is synced by the next sync, before anything in the new log counts as durable.
        commit.sync.rotate(old, &log.writer);
        self.schedule_log_preparation();
        Ok(())
    }

    /// Creates a log and makes it known, before anything is written to it.
    pub(crate) fn prepare_log(&self) -> Result<siltstone_wal::LogWriter> {
        let number = self.counters.file_number();
        let log = create_log(&self.shared, number, Predecessors::Unsynced)?;
        let mut ledger = self.ledger()?.lock();
        self.commit_edit(&mut ledger, vec![Field::LogCreated { number }])?;
        Ok(log)
    }
}
