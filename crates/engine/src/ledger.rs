//! Keeps the manifest: every change of which files make up the database goes through here, one at a time.

use siltstone_types::IoResultExt;
use siltstone_vfs::FileLock;

use crate::{
    Error, Result,
    db::{Inner, Shared},
    files::{Closing, Current},
    folder::{prepare_current, start_manifest, switch_current, write_current},
    manifest::{
        ManifestWriter,
        format::{Edit, Field},
        state::State,
    },
    sync::{AtomicU64, Ordering},
};

/// The manifest and the state it adds up to. Behind a lock that is held while an edit is synced.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// `None` once the database is closed.
    pub(crate) manifest: Option<ManifestWriter>,
    pub(crate) state: State,
    pub(crate) current: Current,
    pub(crate) lock: Option<Box<dyn FileLock>>,
}

/// Counters that are drawn from without the ledger's lock, and recorded with every edit.
#[derive(Debug)]
pub(crate) struct Counters {
    file_number: AtomicU64,
    epoch: AtomicU64,
}

impl Counters {
    pub(crate) fn new(state: &State) -> Counters {
        Counters {
            file_number: AtomicU64::new(state.next_file_number),
            epoch: AtomicU64::new(state.next_epoch),
        }
    }

    /// A file number that no file ever had.
    pub(crate) fn file_number(&self) -> u64 {
        self.file_number.fetch_add(1, Ordering::Relaxed)
    }

    /// A run epoch above all others.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.fetch_add(1, Ordering::Relaxed)
    }

    fn fields(&self) -> [Field; 2] {
        [
            Field::NextFileNumber(self.file_number.load(Ordering::Relaxed)),
            Field::NextEpoch(self.epoch.load(Ordering::Relaxed)),
        ]
    }
}

impl Inner {
    /// Makes an edit durable and applies it. A failed append is as if it had never been tried: the caller can go back, and try again. After any other
    /// failure nobody knows which of the two states a power cut leaves, and writing stops.
    pub(crate) fn commit_edit(&self, ledger: &mut Ledger, changes: Vec<Field>) -> Result<()> {
        self.poison.check()?;
        let Some(manifest) = &mut ledger.manifest else { return Err(Error::Closed) };
        let mut fields = self.counters.fields().to_vec();
        fields.push(Field::LastSequence(self.publisher.published().get().max(ledger.state.last_sequence)));
        fields.extend(changes);
        let edit = Edit { snapshot: false, fields };
        if let Err(error) = manifest.append(&edit) {
            if manifest.check().is_err() {
                self.stop_writing(&error);
            }
            return Err(error);
        }
        let path = self.shared.layout.manifest(ledger.current.manifest);
        let applied =
            ledger.state.apply(&edit).map_err(|broken| Error::corruption(&path, 0, broken.to_string()));
        let done = applied.and_then(|()| self.rotate_manifest_if_due(ledger));
        done.inspect_err(|error| self.stop_writing(error))
    }

    /// Whether an edit that failed is known not to be in the manifest.
    pub(crate) fn knows_manifest(&self) -> bool {
        self.poison.check().is_ok()
    }

    fn rotate_manifest_if_due(&self, ledger: &mut Ledger) -> Result<()> {
        let bytes = ledger.manifest.as_ref().map_or(0, ManifestWriter::bytes);
        let Shared { settings, fs, layout, .. } = &self.shared;
        if bytes < settings.manifest_bytes_max {
            return Ok(());
        }
        let number = self.counters.file_number();
        for field in self.counters.fields() {
            let edit = Edit { snapshot: false, fields: vec![field] };
            let state = &mut ledger.state;
            state.apply(&edit).map_err(|broken| Error::corruption(layout.dir(), 0, broken.to_string()))?;
        }
        let old = layout.manifest(ledger.current.manifest);
        let current = Current { manifest: number, identity: self.shared.identity, closing: Closing::Open };
        let started = start_manifest(&**fs, layout, number, self.shared.identity, &ledger.state)
            .and_then(|manifest| Ok((manifest, prepare_current(&**fs, layout, &current)?)));
        let (manifest, prepared) = match started {
            Ok(started) => started,
            Err(error) => {
                // The old one is good. The next edit tries again.
                tracing::warn!(%error, "cannot start a new manifest");
                self.remove_file(&layout.manifest(number));
                return Ok(());
            }
        };
        let in_force = switch_current(&**fs, layout, &prepared, ledger.current, current)?;
        if in_force == ledger.current {
            // As above; what was prepared is replaced by the next try.
            self.remove_file(&layout.manifest(number));
            return Ok(());
        }
        ledger.manifest = Some(manifest);
        ledger.current = current;
        self.remove_file(&old);
        Ok(())
    }

    /// Ends the manifest and says that the database is closed.
    pub(crate) fn close_ledger(&self, ledger: &mut Ledger) -> Result<()> {
        let Some(manifest) = ledger.manifest.take() else { return Err(Error::Closed) };
        let manifest_bytes = manifest.finish()?;
        let current = Current { closing: Closing::Closed { manifest_bytes }, ..ledger.current };
        write_current(&*self.shared.fs, &self.shared.layout, &current)
    }

    /// Removes a file that nothing refers to. One that stays is removed at the next open.
    pub(crate) fn remove_file(&self, path: &std::path::Path) {
        if let Err(error) = self.shared.fs.remove(path).on("remove", path) {
            tracing::warn!(%error, "cannot remove a file that is not needed any more");
        }
    }
}
