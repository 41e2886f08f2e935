//! Writes sealed memtables to tables of level 0, in the order in which they were sealed.

use crate::{
    Result,
    components::Profile,
    db::Inner,
    execute,
    keyspace::KeyspaceId,
    manifest::format::Field,
    planted::Bug,
    sync::Arc,
    table_io::Output,
    tree::Tree,
    version::{KeyspaceVersion, Sealed, Slot, Version},
};

impl Inner {
    /// Flushes every sealed memtable whose writes are all published.
    pub(crate) fn flush_sealed(&self) -> Result<()> {
        // One at a time, so that a keyspace's memtables become tables in their order.
        let _turn = self.background.flush_turn.lock();
        while let Some((id, profile, sealed)) = self.next_flushable() {
            let flushed = self.flush_one(id, &profile, &sealed);
            self.shared.limiter.flush_ended();
            if let Err(error) = flushed {
                tracing::warn!(%error, "a flush failed");
                self.retry_later();
                return Err(error);
            }
            // Here, on the flush lane, and not later: writers wait for the memory.
            drop(sealed);
            self.schedule_compactions();
            self.note_pressure();
            self.background.succeeded();
            self.shared.obsolete_files.remove_all();
        }
        Ok(())
    }

    /// Among the oldest sealed memtables of all keyspaces, the one that holds the oldest log.
    fn next_flushable(&self) -> Option<(KeyspaceId, Arc<Profile>, Sealed)> {
        let published = self.publisher.published();
        let version = self.version();
        let oldest = version.keyspaces.iter().filter_map(|(id, keyspace)| {
            let newest_first = self.shared.planted.is(Bug::NewerMemtableFirst);
            let sealed = if newest_first { keyspace.sealed.first() } else { keyspace.sealed.last() };
            Some((*id, Arc::clone(&keyspace.profile), sealed?.clone()))
        });
        let ready = oldest.filter(|(_, _, sealed)| sealed.last_sequence <= published);
        ready.min_by_key(|(_, _, sealed)| sealed.slot.first_log())
    }

    fn flush_one(&self, id: KeyspaceId, profile: &Profile, sealed: &Sealed) -> Result<()> {
        let commit = self.commit_side()?;
        let started = self.shared.clock.monotonic();
        // A table must not get ahead of the logs: one half of a batch could survive without the other.
        self.sync_to(sealed.end)?;
        let (readers, planted) = (self.snapshots.readers(&*self.shared.clock), &self.shared.planted);
        let readers = if planted.is(Bug::SnapshotListTooOld) { planted.earlier(readers) } else { readers };
        let epoch = self.counters.epoch();
        let draw = || self.draw_output(id, 0, epoch);
        let grant = self.shared.memory.begin_flush();
        let flushed =
            execute::flush_memtable(&self.shared, profile, &sealed.slot.table, &readers, &grant, draw)?;
        drop(grant);

        let current_log = commit.log.lock().writer.number();
        let mut ledger = self.ledger()?.lock();
        let is_flushed = |other: &Arc<Slot>| Arc::ptr_eq(other, &sealed.slot);
        let version = self.version();
        let slots = version.keyspaces.values().flat_map(KeyspaceVersion::memtables);
        let needed = slots.filter(|slot| !is_flushed(slot)).filter_map(|slot| slot.first_log()).min();
        let first_needed = needed.unwrap_or(current_log).min(current_log);
        let obsolete: Vec<u64> = ledger.state.logs.range(..first_needed).map(|(number, _)| *number).collect();
        // A keyspace that was dropped meanwhile has no use for the tables.
        let is_alive = ledger.state.keyspaces.contains_key(&id.0);
        let mut fields: Vec<_> = obsolete.iter().map(|&number| Field::LogRemoved { number }).collect();
        if is_alive {
            fields.extend(flushed.tables.iter().map(|table| table.added()));
            fields.push(Field::LogPosition {
                keyspace: id.0,
                log: sealed.end.log,
                offset: sealed.end.offset,
            });
        }
        if let Err(error) = self.commit_edit(&mut ledger, fields) {
            // It is tried again with other tables. Where a manifest may name these, they stay for the next open to decide.
            if self.knows_manifest() {
                flushed.tables.iter().for_each(|table| table.make_obsolete());
            }
            return Err(error);
        }
        if is_alive {
            let now_unix_ms = self.shared.clock.now_unix_ms();
            self.install(|version| {
                if let Some(keyspace) = version.keyspace_mut(id) {
                    keyspace.sealed.retain(|other| !is_flushed(&other.slot));
                    let tables = keyspace.tree.tables().cloned().chain(flushed.tables.iter().cloned());
                    keyspace.set_tree(Tree::new(tables), now_unix_ms);
                }
            });
        } else {
            flushed.tables.iter().for_each(|table| table.make_obsolete());
        }
        drop(ledger);
        self.shared.memory.keep(&sealed.slot.table);
        self.metrics.flushes.add(1);
        let bytes = flushed.tables.iter().map(|table| table.record.file_bytes).sum();
        self.metrics.flush_bytes.add(bytes);
        let (ended, user_bytes) = (self.shared.clock.monotonic(), self.metrics.user_bytes.get());
        self.background.gauge.flushed(bytes, started, ended, user_bytes);
        obsolete.iter().for_each(|&number| self.shared.obsolete_files.add_log(number));
        Ok(())
    }

    /// Makes a changed copy of the version the one that reads see.
    pub(crate) fn install(&self, change: impl FnOnce(&mut Version)) {
        self.versions.replace(|current| {
            let mut next = current.clone();
            change(&mut next);
            Some(next)
        });
    }

    pub(crate) fn draw_output(&self, keyspace: KeyspaceId, level: u32, epoch: u64) -> Output {
        let unique_id = self.identities.lock().draw();
        Output { keyspace, number: self.counters.file_number(), level, epoch, unique_id }
    }

    /// Seals every memtable and flushes it.
    pub(crate) fn flush(&self) -> Result<()> {
        let commit = self.writable()?;
        let last = {
            let log = commit.log.lock();
            self.seal(&log, |_| true);
            log.last_sequence
        };
        // Writes that are under way are published by their own threads; without threads there are none.
        if self.publisher.wait_for(last).is_err() {
            self.poison.check()?;
        }
        self.flush_sealed()
    }
}
