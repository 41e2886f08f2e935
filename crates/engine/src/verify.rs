//! Reads every byte of every file and checks it.

use std::path::PathBuf;

use siltstone_types::IoResultExt;

use crate::{Db, Error, Result, files::FileKind};

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

impl Db {
    /// Checks every rule of the format, and the checksum of the whole file, for every table; CURRENT, manifest and logs were checked when the
    /// database was opened.
    ///
    /// # Errors
    ///
    /// `Closed`, and `Io` for a directory that cannot be listed. Damage is in the report.
    pub fn verify(&self) -> Result<VerifyReport> {
        let view = self.inner().view()?;
        let shared = &self.inner().shared;
        let mut report = VerifyReport::default();
        for table in view.version.keyspaces.values().flat_map(|keyspace| keyspace.tree.tables()) {
            let path = shared.layout.table(table.record.number);
            report.files += 1;
            report.bytes += table.record.file_bytes;
            let options = siltstone_sstable::VerifyOptions {
                expect: Some(siltstone_sstable::Expected {
                    unique_id: table.record.unique_id,
                    file_bytes: table.record.file_bytes,
                }),
                file_crc: Some(table.record.file_crc),
                ..siltstone_sstable::VerifyOptions::default()
            };
            if let Err(error) = siltstone_sstable::verify(&*shared.fs, &path, &options) {
                report.damages.push(Damage { path, error: error.into() });
            }
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
