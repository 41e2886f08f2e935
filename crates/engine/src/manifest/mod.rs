//! The manifest: which files make up the database. Prose: `docs/format/manifest.md`.

pub mod format;
pub mod state;
#[cfg(test)]
mod tests;

use std::path::Path;

use siltstone_types::Error as StorageError;
use siltstone_vfs::Fs;
use siltstone_wal::{
    Expect, LogId, LogReader, LogWriter, Payload, Predecessors, Purpose, ReadMode, ReadReport, Record,
    WriterOptions,
};

use crate::{
    Error, Result,
    files::Identity,
    manifest::{
        format::{Broken, Edit},
        state::State,
    },
};

/// The identity of a manifest's file.
pub(crate) fn log_id(number: u64, identity: Identity) -> LogId {
    LogId { purpose: Purpose::MANIFEST, number, identity }
}

/// Appends edits to a manifest, each synced before the call returns.
#[derive(Debug)]
pub(crate) struct ManifestWriter {
    log: LogWriter,
    next_edit: u64,
}

impl ManifestWriter {
    /// Starts a manifest with the whole state. The caller syncs the directory.
    pub(crate) fn create(fs: &dyn Fs, path: &Path, id: LogId, state: &State) -> Result<ManifestWriter> {
        // Earlier manifests are not needed by this one, so there is none whose end it could vouch for.
        let options = WriterOptions { predecessors: Predecessors::Synced, ..WriterOptions::default() };
        let log = LogWriter::create(fs, path, id, options)?;
        let mut writer = ManifestWriter { log, next_edit: 1 };
        writer.append(&state.to_edit())?;
        Ok(writer)
    }

    /// Appends an edit and makes it durable. An edit that failed is not there, also after a power cut, unless [`ManifestWriter::check`] fails from then on.
    pub(crate) fn append(&mut self, edit: &Edit) -> Result<()> {
        let payload = edit.encode();
        self.log.append(&[Record { tag: self.next_edit, payload: Payload::new(&payload) }])?;
        self.log.sync()?;
        self.next_edit += 1;
        Ok(())
    }

    /// Whether the manifest can still be used.
    ///
    /// # Errors
    ///
    /// The failure since which nobody knows where it ends.
    pub(crate) fn check(&self) -> Result<()> {
        Ok(self.log.check()?)
    }

    /// Length so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.log.len()
    }

    /// Ends the manifest; returns its length in bytes.
    pub(crate) fn finish(self) -> Result<u64> {
        Ok(self.log.finish()?.length)
    }
}

/// Reads a manifest. `visit` sees every edit after it was applied.
///
/// # Errors
///
/// Corruption at the record that breaks a rule; *format too new* for what a later version wrote.
pub fn read(
    fs: &dyn Fs,
    path: &Path,
    expect: Expect,
    mode: ReadMode,
    mut visit: impl FnMut(u64, &Edit),
) -> Result<(State, ReadReport)> {
    let mut reader = LogReader::open(fs, path, expect, mode)?;
    let mut state: Option<State> = None;
    let mut edits = 0;
    while let Some(record) = reader.next()? {
        let offset = record.offset;
        let refuse = |broken: &Broken| match broken {
            Broken::TooNew(what) => StorageError::format_too_new(path, what.clone()),
            damaged => StorageError::corruption(path, offset, damaged.to_string()),
        };
        edits += 1;
        if record.tag != edits {
            let what = format!("edit {} where edit {edits} is due (manifest rule 2)", record.tag);
            return Err(Error::corruption(path, offset, what));
        }
        let edit = Edit::decode(record.payload).map_err(|broken| refuse(&broken))?;
        match &mut state {
            None => state = Some(State::from_snapshot(&edit).map_err(|broken| refuse(&broken))?),
            Some(state) => state.apply(&edit).map_err(|broken| refuse(&broken))?,
        }
        visit(offset, &edit);
    }
    let report = reader.report().clone();
    match state {
        Some(state) => Ok((state, report)),
        None => Err(Error::corruption(path, 0, "the manifest holds no snapshot (manifest rule 2)")),
    }
}
