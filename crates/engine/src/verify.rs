//! Reads every byte of every file and checks it.

use std::path::{Path, PathBuf};

use siltstone_sstable::{Expected, VerifyOptions};
use siltstone_types::IoResultExt;
use siltstone_vfs::Fs;
use siltstone_wal::{Expect, LogId, LogReader, ReadMode};

use crate::{
    Db, Error, Result,
    db::{Inner, Shared},
    files::{Closing, FileKind},
    folder::{self, require_current},
    manifest, recovery,
};

/// A file that is damaged.
#[derive(Clone, Debug)]
pub struct Damage {
    /// Which file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub error: Error,
}

/// What [`Db::verify`] found.
#[derive(Clone, Default, Debug)]
#[non_exhaustive]
pub struct VerifyReport {
    /// Files read.
    pub files: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// The damaged ones.
    pub damages: Vec<Damage>,
    /// Files in the directory that are none of ours.
    pub foreign: Vec<PathBuf>,
}

impl VerifyReport {
    /// Counts a file, and notes what was found wrong with it.
    fn file(&mut self, path: PathBuf, checked: Result<u64>) {
        self.files += 1;
        match checked {
            Ok(bytes) => self.bytes += bytes,
            Err(error) => self.damages.push(Damage { path, error }),
        }
    }
}

impl Db {
    /// Checks every rule of the formats and every checksum, for every file: CURRENT, OPTIONS, the manifest, the logs, the tables.
    ///
    /// # Errors
    ///
    /// `Closed`, and `Io` for a directory that cannot be listed. Damage is in the report.
    pub fn verify(&self) -> Result<VerifyReport> {
        let view = self.inner().view()?;
        let shared = &self.inner().shared;
        let mut report = VerifyReport::default();
        self.inner().verify_logs(&mut report);
        for table in view.version.keyspaces.values().flat_map(|keyspace| keyspace.tree.tables()) {
            let path = shared.layout.table(table.record.number);
            let options = VerifyOptions {
                expect: Some(Expected {
                    unique_id: table.record.unique_id,
                    file_bytes: table.record.file_bytes,
                }),
                file_crc: Some(table.record.file_crc),
                ..VerifyOptions::default()
            };
            let checked = siltstone_sstable::verify(&*shared.fs, &path, &options).map_err(Error::from);
            report.file(path, checked.map(|_| table.record.file_bytes));
        }
        for dir in [shared.layout.dir(), shared.layout.wal_dir(), shared.layout.sst_dir()] {
            for path in shared.fs.list(dir).on("list the folder", dir)? {
                let is_folder = path == shared.layout.wal_dir() || path == shared.layout.sst_dir();
                if !is_folder && shared.layout.kind(&path) == FileKind::Foreign {
                    report.foreign.push(path);
                }
            }
        }
        Ok(report)
    }
}

impl Inner {
    /// What leads to the tables: CURRENT, the manifest that it names, and the logs that this one names.
    fn verify_logs(&self, report: &mut VerifyReport) {
        let Shared { fs, layout, identity, obsolete_files, .. } = &self.shared;
        let fs = &**fs;
        // Of the logs that are in use, none goes meanwhile; of the one that is appended to, this much is there.
        let _hold = obsolete_files.hold();
        let end = self.write_side.as_ref().map(|side| side.commit.log.lock().end());
        // No edit meanwhile.
        let ledger = self.write_side.as_ref().map(|side| side.ledger.lock());
        let read = require_current(fs, layout).map(|current| {
            let path = layout.manifest(current.manifest);
            report.file(layout.current(), Ok(current.encode().len() as u64));
            let expect = Expect::Log(manifest::log_id(current.manifest, current.identity));
            let (mode, written) =
                match (current.closing, ledger.as_ref().and_then(|ledger| ledger.manifest.as_ref())) {
                    (Closing::Closed { manifest_bytes }, _) => (ReadMode::Strict, manifest_bytes),
                    (Closing::Open, Some(manifest)) => (ReadMode::CrashTail, manifest.bytes()),
                    (Closing::Open, None) => (ReadMode::CrashTail, 0),
                };
            let read = manifest::read(fs, &path, expect, mode, |_, _| ());
            let (state, bytes) = match read {
                Ok((state, read)) => (Some(state), whole(&path, read.bytes, written)),
                Err(error) => (None, Err(error)),
            };
            report.file(path, bytes);
            state
        });
        drop(ledger);
        let options = folder::read_settings(fs, layout, *identity);
        let options =
            options.and_then(|_| Ok(fs.metadata(&layout.options()).on("measure", &layout.options())?.len));
        report.file(layout.options(), options);
        match read {
            Ok(Some(state)) => {
                for &number in state.logs.keys() {
                    let written = end.filter(|end| end.log == number).map_or(0, |end| end.offset);
                    let path = layout.log(number);
                    let id = recovery::log_id(number, *identity);
                    let checked = verify_log(fs, &path, id, written);
                    report.file(path, checked);
                }
            }
            Ok(None) => {}
            Err(error) => report.file(layout.current(), Err(error)),
        }
    }
}

/// Reads a log, of which at least `written` bytes are there. Returns how many are.
fn verify_log(fs: &dyn Fs, path: &Path, id: LogId, written: u64) -> Result<u64> {
    let mut reader = LogReader::open(fs, path, Expect::Log(id), ReadMode::CrashTail)?;
    while reader.next()?.is_some() {}
    whole(path, reader.report().bytes, written)
}

/// At least what was written can be read.
fn whole(path: &Path, bytes: u64, written: u64) -> Result<u64> {
    if bytes < written {
        let what = format!("{written} bytes were written, and {bytes} of them can be read");
        return Err(Error::corruption(path, bytes, what));
    }
    Ok(bytes)
}
