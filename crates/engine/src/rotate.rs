//! Replaces full memtables and full logs by empty ones. Under the log's lock, so that no write falls between.

use siltstone_wal::Predecessors;

use crate::{
    Error, Result,
    commit::{
        Commit,
        log_set::{LogSet, create_log},
    },
    db::Inner,
    manifest::format::{Field, LogEnding},
    version::{Generation, KeyspaceVersion, Sealed, Slot},
};

impl Inner {
    /// Before a group is appended.
    pub(crate) fn rotate_if_due(&self, commit: &Commit, log: &mut LogSet) -> Result<()> {
        let settings = &self.shared.settings;
        let mut oldest_in_the_way = None;
        if log.writer.len() >= settings.log_bytes_max || log.writer.check().is_err() {
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
        // What was logged counts, not what was applied by now.
        let is_due = |keyspace: &KeyspaceVersion| keyspace.active.first_log().is_some() && is_due(keyspace);
        // Before each group, and nearly always in vain. Only who holds the log's lock seals, or writes to another memtable.
        if !self.versions.load().keyspaces.values().any(is_due) {
            return false;
        }
        self.versions.replace(|current| {
            if !current.keyspaces.values().any(is_due) {
                return None;
            }
            let mut next = current.clone();
            for keyspace in next.keyspaces.values_mut().filter(|keyspace| is_due(keyspace)) {
                let fresh = Slot::new(keyspace.profile.memtables.create());
                let slot = std::mem::replace(&mut keyspace.active, fresh);
                keyspace.sealed.insert(0, Sealed { slot, last_sequence: log.last_sequence, end: log.end() });
            }
            // Before anything behind it can be published: we hold the log's lock.
            current.generation.supersede(log.last_sequence);
            next.generation = Generation::new();
            Some(next)
        })
    }

    fn rotate_log(&self, commit: &Commit, log: &mut LogSet) -> Result<()> {
        // Waits for one that is being prepared, which takes no longer than to make another.
        let mut next_log = commit.next_log.lock();
        let next = match next_log.take() {
            Some(prepared) => prepared,
            None => self.prepare_log()?,
        };
        let is_given_up = log.writer.check().is_err();
        // Now, and not with the next sync: of what a killed process leaves, no log behind one without an end is read.
        let ended = if is_given_up { self.give_up_log(log) } else { log.writer.end().map_err(Error::from) };
        if let Err(error) = ended {
            *next_log = Some(next);
            return Err(error);
        }
        let old = std::mem::replace(&mut log.writer, next);
        log.left.push_back((old.number(), old.len()));
        // It is synced by the next sync, before anything in the new log counts as durable. One that was given up is synced already.
        commit.sync.rotate((!is_given_up).then(|| old.syncer()), &log.writer);
        self.schedule_log_preparation();
        Ok(())
    }

    /// Records where a log ends that cannot be ended: an append failed, and what it may have left could not be cut off.
    fn give_up_log(&self, log: &LogSet) -> Result<()> {
        let end = log.end();
        tracing::warn!(log = end.log, bytes = end.offset, "a log is given up after a failed append");
        // First, because a log whose end is known is read strictly.
        self.sync_to(end)?;
        let mut ledger = self.ledger()?.lock();
        let finished = Field::LogFinished { number: end.log, bytes: end.offset, ending: LogEnding::Cut };
        self.commit_edit(&mut ledger, log.numbers_left_behind().into_iter().chain([finished]).collect())
    }

    /// Creates a log and makes it known, before anything is written to it.
    pub(crate) fn prepare_log(&self) -> Result<siltstone_wal::LogWriter> {
        let number = self.counters.file_number();
        let log = create_log(&self.shared, number, Predecessors::Unsynced)?;
        let mut ledger = self.ledger()?.lock();
        if let Err(error) = self.commit_edit(&mut ledger, vec![Field::LogCreated { number }]) {
            // It is tried again with another number. A log that a manifest may name stays.
            if self.knows_manifest() {
                self.remove_file(&self.shared.layout.log(number));
            }
            return Err(error);
        }
        Ok(log)
    }
}
