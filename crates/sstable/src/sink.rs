//! Appends to a file in large pieces, and sums up what was appended.

use std::{
    io::IoSlice,
    path::{Path, PathBuf},
    sync::Arc,
};

use siltstone_types::{Error, IoResultExt, Result};
use siltstone_vfs::{Fs, WriteFile};

/// An append-only file. After an error it stays failed, so that a file with a hole is never finished.
#[derive(Debug)]
pub(crate) struct Sink {
    file: Arc<dyn WriteFile>,
    path: PathBuf,
    buffer: Vec<u8>,
    /// What is collected before it is written.
    buffer_bytes_max: usize,
    written: u64,
    crc: u32,
    failed: Option<Error>,
}

impl Sink {
    pub(crate) fn create(fs: &dyn Fs, path: &Path, buffer_bytes_max: usize) -> Result<Sink> {
        let file = fs.create(path).on("create table", path)?;
        let path = path.to_owned();
        Ok(Sink { file, path, buffer: Vec::new(), buffer_bytes_max, written: 0, crc: 0, failed: None })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes appended so far.
    pub(crate) fn position(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    /// Bytes that wait in memory, at most.
    pub(crate) fn buffer_bytes(&self) -> usize {
        self.buffer.capacity()
    }

    /// crc32c of the bytes appended so far.
    pub(crate) fn crc(&self) -> u32 {
        self.crc
    }

    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.check()?;
        self.crc = crc32c::crc32c_append(self.crc, bytes);
        if self.buffer.len() + bytes.len() <= self.buffer_bytes_max {
            self.buffer.extend_from_slice(bytes);
            return Ok(());
        }
        // Large pieces are not copied.
        self.write(bytes)
    }

    /// Writes what is left, and makes the file's content and length durable.
    pub(crate) fn finish(&mut self) -> Result<()> {
        self.check()?;
        self.write(&[])?;
        let synced = self.file.sync_data().on("sync table", &self.path);
        self.keep_error(synced)
    }

    pub(crate) fn check(&self) -> Result<()> {
        self.failed.clone().map_or(Ok(()), Err)
    }

    fn write(&mut self, more: &[u8]) -> Result<()> {
        let parts = [IoSlice::new(&self.buffer), IoSlice::new(more)];
        let written = self.file.write_at(&parts, self.written).on("write table", &self.path);
        self.written = self.position() + more.len() as u64;
        self.buffer.clear();
        self.keep_error(written)
    }

    fn keep_error(&mut self, outcome: Result<()>) -> Result<()> {
        if let Err(error) = &outcome {
            self.failed = Some(error.clone());
        }
        outcome
    }
}
