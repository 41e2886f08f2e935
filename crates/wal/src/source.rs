//! A window that moves over a file: the only buffer of a reader.
#![deny(clippy::indexing_slicing)]

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use siltstone_types::{IoResultExt, Result};
use siltstone_vfs::{Advice, Fs, ReadFile};

/// Bytes asked for at a time.
pub(crate) const CHUNK_BYTES: usize = 1 << 20;

#[derive(Debug)]
pub(crate) struct Source {
    file: Arc<dyn ReadFile>,
    path: PathBuf,
    /// Length of the file when it was opened; what is added later is not read.
    file_bytes: u64,
    window: Vec<u8>,
    /// Offset of the window in the file.
    window_at: u64,
}

impl Source {
    pub(crate) fn open(fs: &dyn Fs, path: &Path) -> Result<Source> {
        let file = fs.open(path).on("open a log", path)?;
        let file_bytes = file.len().on("measure a log", path)?;
        // A hint, whose failure changes nothing.
        let _ = file.advise(0, file_bytes, Advice::Sequential);
        Ok(Source { file, path: path.to_owned(), file_bytes, window: Vec::new(), window_at: 0 })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn file_bytes(&self) -> u64 {
        self.file_bytes
    }

    /// Takes the file for one that ends at `length`, if it is longer.
    pub(crate) fn end_at(&mut self, length: u64) {
        self.file_bytes = self.file_bytes.min(length);
        let keep = usize::try_from(self.file_bytes.saturating_sub(self.window_at)).unwrap_or(usize::MAX);
        self.window.truncate(keep);
    }

    /// The bytes from `offset` that are at hand, after reading so that they are at least `wanted`, or reach
    /// to the end of the file.
    pub(crate) fn load(&mut self, offset: u64, wanted: usize) -> Result<&[u8]> {
        let rest = usize::try_from(self.file_bytes.saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = wanted.min(rest);
        if self.loaded(offset).len() < wanted {
            self.move_to(offset);
            self.fill(wanted, rest)?;
        }
        Ok(self.loaded(offset))
    }

    /// The bytes from `offset` that are at hand.
    pub(crate) fn loaded(&self, offset: u64) -> &[u8] {
        let skip = offset.checked_sub(self.window_at).and_then(|skip| usize::try_from(skip).ok());
        skip.and_then(|skip| self.window.get(skip..)).unwrap_or_default()
    }

    /// Lets the window begin at `offset`, keeping the bytes that it has from there.
    fn move_to(&mut self, offset: u64) {
        let kept = self.loaded(offset).len();
        self.window.drain(..self.window.len() - kept);
        self.window_at = offset;
        // A long record has its own allocation only while it is needed.
        if self.window.capacity() > 2 * CHUNK_BYTES {
            self.window.shrink_to(CHUNK_BYTES);
        }
    }

    fn fill(&mut self, wanted: usize, rest: usize) -> Result<()> {
        let mut have = self.window.len();
        // At most the rest of the file, which is all that a length on disk can make us allocate.
        let target = wanted.max(CHUNK_BYTES).min(rest);
        self.window.reserve_exact(target.saturating_sub(have));
        self.window.resize(target, 0);
        while have < wanted {
            let free = self.window.get_mut(have..).unwrap_or_default();
            match self.file.read_at(free, self.window_at + have as u64) {
                Ok(read) if read > 0 => have += read,
                Ok(_) => return self.fail(have, io::ErrorKind::UnexpectedEof.into()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return self.fail(have, error),
            }
        }
        self.window.truncate(have);
        Ok(())
    }

    fn fail(&mut self, have: usize, error: io::Error) -> Result<()> {
        self.window.truncate(have);
        Err(error).on("read a log", &self.path)
    }
}
