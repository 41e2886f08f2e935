//! The traits: a namespace of files, a file to read, a file to write.

use std::{
    fmt, io,
    io::IoSlice,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A namespace of files.
///
/// Errors are those of the operating system, kind kept; callers add the operation and the path.
pub trait Fs: fmt::Debug + Send + Sync {
    /// Creates a new file for writing; fails with `AlreadyExists` when the name is taken.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn WriteFile>>;
    /// Opens a file for reading.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn ReadFile>>;
    /// Opens an existing file for writing. Content and length stay: it is for recycling.
    fn open_for_overwrite(&self, path: &Path) -> io::Result<Arc<dyn WriteFile>>;
    /// Gives a file another name, replacing what had it, atomically. Durable after [`Fs::sync_dir`] of the
    /// folders concerned.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Gives a file a second name; fails with `AlreadyExists` when the name is taken.
    fn hard_link(&self, original: &Path, link: &Path) -> io::Result<()>;
    /// Removes a name; the file goes with its last name and its last open handle.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Full paths of what is in a folder, sorted.
    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>>;
    /// What a name stands for; fails with `NotFound` when it stands for nothing.
    fn metadata(&self, path: &Path) -> io::Result<Metadata>;
    /// Creates a folder and the parents it lacks; one that exists is fine.
    fn create_dir_all(&self, dir: &Path) -> io::Result<()>;
    /// Removes an empty folder.
    fn remove_dir(&self, dir: &Path) -> io::Result<()>;
    /// Makes the names in a folder (created, renamed, removed) survive a power cut.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Takes the lock that the file at `path` stands for, creating it when it is missing; fails with
    /// `WouldBlock` when another process, or another opening in this one, holds it. What a dead process left
    /// behind does not hinder.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn FileLock>>;
    /// Bytes that can still be written to the folder's disk.
    fn available_bytes(&self, dir: &Path) -> io::Result<u64>;
    /// How many files this process may have open at a time; `None` when nothing limits it.
    fn open_files_max(&self) -> Option<u64> {
        None
    }
}

/// Reads at any offset, from any number of threads.
pub trait ReadFile: fmt::Debug + Send + Sync {
    /// Reads up to `buf.len()` bytes at `offset`. It may read fewer; 0 means the end of the file (or an empty
    /// `buf`).
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Length of the file now.
    fn len(&self) -> io::Result<u64>;
    /// True for an empty file.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
    /// Says how a range will be read. A hint: it changes no outcome.
    fn advise(&self, offset: u64, len: u64, advice: Advice) -> io::Result<()>;

    /// Fills `buf` from `offset`, however short the single reads are.
    ///
    /// # Errors
    ///
    /// `UnexpectedEof` when the file ends before, and whatever [`ReadFile::read_at`] returns (interruptions
    /// are tried again).
    fn read_exact_at(&self, mut buf: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !buf.is_empty() {
            match self.read_at(buf, offset) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    buf = buf.get_mut(read..).unwrap_or_default();
                    offset += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Writes at any offset. `&self`, so that appending can overlap syncing; that no two writes overlap each
/// other is the caller's business.
pub trait WriteFile: fmt::Debug + Send + Sync {
    /// Writes all of `parts`, one after the other, at `offset`. An error may leave any part of it written.
    fn write_at(&self, parts: &[IoSlice<'_>], offset: u64) -> io::Result<()>;
    /// Makes content and length survive a power cut. Says nothing about the file's name: that is
    /// [`Fs::sync_dir`].
    ///
    /// After an error the unsynced bytes are lost for good; another call that succeeds proves nothing.
    fn sync_data(&self) -> io::Result<()>;
    /// Like [`WriteFile::sync_data`], with all metadata.
    fn sync_all(&self) -> io::Result<()>;
    /// Reserves `offset..offset + len`, zero-filled where the file had no bytes, and extends the length over
    /// it.
    fn allocate(&self, offset: u64, len: u64) -> io::Result<()>;
    /// Cuts the file, or extends it with zeros.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Length of the file now.
    fn len(&self) -> io::Result<u64>;
    /// True for an empty file.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
}

/// Holds a lock until it is dropped.
pub trait FileLock: fmt::Debug + Send + Sync {
    /// Replaces the content of the lock file, which is for people to read (a process id).
    fn set_content(&self, content: &[u8]) -> io::Result<()>;
}

/// What a name stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Metadata {
    /// Length in bytes; 0 for a folder.
    pub len: u64,
    /// True for a folder.
    pub is_dir: bool,
}

/// How a range of a file will be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Advice {
    /// From front to back, once.
    Sequential,
    /// Here and there.
    Random,
    /// Soon.
    WillNeed,
    /// Not again.
    DontNeed,
}
