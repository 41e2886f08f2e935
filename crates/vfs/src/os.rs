//! The operating system's file system.
#![expect(clippy::disallowed_methods, reason = "this is the one file through which the others reach std::fs")]

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, IoSlice},
    num::NonZeroU64,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;
use rustix::fs::{FallocateFlags, OFlags};

use crate::{Advice, FileLock, Fs, Metadata, ReadFile, WriteFile};

/// The file system of the operating system (Linux).
///
/// It has no state: all values of it are alike.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsFs;

impl OsFs {
    /// The file system of the operating system.
    pub fn new() -> Self {
        Self
    }
}

impl Fs for OsFs {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn WriteFile>> {
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        Ok(Arc::new(OsFile(file)))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn ReadFile>> {
        Ok(Arc::new(OsFile(File::open(path)?)))
    }

    fn open_for_overwrite(&self, path: &Path) -> io::Result<Arc<dyn WriteFile>> {
        let file = OpenOptions::new().write(true).open(path)?;
        Ok(Arc::new(OsFile(file)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn hard_link(&self, original: &Path, link: &Path) -> io::Result<()> {
        fs::hard_link(original, link)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        let mut paths = fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
        paths.sort_unstable();
        Ok(paths)
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        let metadata = fs::metadata(path)?;
        let is_dir = metadata.is_dir();
        Ok(Metadata { len: if is_dir { 0 } else { metadata.len() }, is_dir })
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir_all(dir)
    }

    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        fs::remove_dir(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        // Without O_DIRECTORY, syncing a file in place of a folder would pass unnoticed.
        let flags = i32::try_from(OFlags::DIRECTORY.bits()).map_err(io::Error::other)?;
        OpenOptions::new().read(true).custom_flags(flags).open(dir)?.sync_all()
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn FileLock>> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let path = fs::canonicalize(path)?;
        if !LOCKED.lock().insert(path.clone()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        // From here on, dropping the guard gives the path back, even when the file turns out to be locked
        // elsewhere.
        let lock = OsLock { file, path };
        match lock.file.try_lock() {
            Ok(()) => Ok(Box::new(lock)),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn open_files_max(&self) -> Option<u64> {
        rustix::process::getrlimit(rustix::process::Resource::Nofile).current
    }

    fn available_bytes(&self, dir: &Path) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(dir)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

#[derive(Debug)]
struct OsFile(File);

impl ReadFile for OsFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buf, offset)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn advise(&self, offset: u64, len: u64, advice: Advice) -> io::Result<()> {
        // To the kernel, a length of 0 means "to the end of the file".
        let Some(len) = NonZeroU64::new(len) else { return Ok(()) };
        let advice = match advice {
            Advice::Sequential => rustix::fs::Advice::Sequential,
            Advice::Random => rustix::fs::Advice::Random,
            Advice::WillNeed => rustix::fs::Advice::WillNeed,
            Advice::DontNeed => rustix::fs::Advice::DontNeed,
        };
        Ok(rustix::fs::fadvise(&self.0, offset, Some(len), advice)?)
    }
}

impl WriteFile for OsFile {
    fn write_at(&self, parts: &[IoSlice<'_>], offset: u64) -> io::Result<()> {
        match parts {
            [part] => self.0.write_all_at(part, offset),
            parts => write_parts_at(&self.0, parts, offset),
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.0.sync_all()
    }

    fn allocate(&self, offset: u64, len: u64) -> io::Result<()> {
        let end = offset.checked_add(len).ok_or(io::ErrorKind::InvalidInput)?;
        if len == 0 {
            return Ok(());
        }
        match rustix::fs::fallocate(&self.0, FallocateFlags::empty(), offset, len) {
            // The file system cannot reserve; the length can still be had.
            Err(rustix::io::Errno::OPNOTSUPP) if WriteFile::len(self)? < end => self.0.set_len(end),
            Ok(()) | Err(rustix::io::Errno::OPNOTSUPP) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn len(&self) -> io::Result<u64> {
        ReadFile::len(self)
    }
}

/// Writes all slices in as few calls as the kernel lets us: rustix hands it the first 1024 of a longer list.
fn write_parts_at(file: &File, parts: &[IoSlice<'_>], offset: u64) -> io::Result<()> {
    write_parts(parts, offset, |window, offset| Ok(rustix::io::pwritev(file, window, offset)?))
}

/// Hands out the slices until all is written. `write` takes as much as it likes from the front of what it is
/// given, and says how much that was.
fn write_parts(
    mut parts: &[IoSlice<'_>],
    mut offset: u64,
    mut write: impl FnMut(&[IoSlice<'_>], u64) -> io::Result<usize>,
) -> io::Result<()> {
    // Bytes of the first slice that are written already.
    let mut skipped = 0;
    while let Some((first, rest)) = parts.split_first() {
        let left = first.get(skipped..).unwrap_or_default();
        if left.is_empty() {
            // A call in which nothing is left to write would return 0, like a full disk.
            (parts, skipped) = (rest, 0);
            continue;
        }
        // What a short write left of a slice goes out alone: the slices are not ours to shorten.
        let tail = [IoSlice::new(left)];
        let window = if skipped == 0 { parts } else { &tail };
        let written = match write(window, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => written,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        offset += written as u64;
        skipped += written;
        while let Some((first, rest)) = parts.split_first()
            && first.len() <= skipped
        {
            (parts, skipped) = (rest, skipped - first.len());
        }
    }
    Ok(())
}

/// Canonical paths of the files this process has locked. The kernel's locks exclude other openings in this
/// process on local file systems only: where they are emulated with record locks (NFS), a process never
/// excludes itself.
static LOCKED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

#[derive(Debug)]
struct OsLock {
    file: File,
    path: PathBuf,
}

impl FileLock for OsLock {
    fn set_content(&self, content: &[u8]) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.write_all_at(content, 0)
    }
}

impl Drop for OsLock {
    fn drop(&mut self) {
        // Closing is not enough: a child process that inherited the descriptor would keep the lock alive. An
        // error has no one to go to, and closing releases the lock when there is no such child.
        drop(self.file.unlock());
        LOCKED.lock().remove(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_slices_than_the_kernel_takes_are_all_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let bytes: Vec<u8> = (0..5000_u32).flat_map(u32::to_le_bytes).collect();
        let mut parts = vec![IoSlice::new(&[])];
        parts.extend(bytes.chunks(3).map(IoSlice::new));
        parts.push(IoSlice::new(&[]));
        OsFs.create(&path).unwrap().write_at(&parts, 7).unwrap();

        let written = fs::read(&path).unwrap();
        assert_eq!(written[..7], [0; 7]);
        assert!(written[7..] == bytes);
    }

    #[test]
    fn short_and_interrupted_writes_are_gone_on_with() {
        let bytes: Vec<u8> = (0..=255).collect();
        for part_len in [1, 2, 3, 7, 50] {
            for taken_max in [1, 2, 5, 6, 7, 8, 100] {
                let (mut written, mut calls) = (Vec::new(), 0);
                let mut parts: Vec<IoSlice<'_>> = bytes.chunks(part_len).map(IoSlice::new).collect();
                parts.insert(2, IoSlice::new(&[]));
                let take_some = |window: &[IoSlice<'_>], offset: u64| {
                    assert_eq!(offset, 1000 + written.len() as u64);
                    calls += 1;
                    if calls % 3 == 0 {
                        return Err(io::ErrorKind::Interrupted.into());
                    }
                    let given: Vec<u8> = window.iter().flat_map(|part| part.to_vec()).collect();
                    let taken = given.len().min(taken_max);
                    written.extend_from_slice(&given[..taken]);
                    Ok(taken)
                };
                write_parts(&parts, 1000, take_some).unwrap();
                assert!(written == bytes, "part_len={part_len} taken_max={taken_max}");
            }
        }
    }

    #[test]
    fn a_disk_that_takes_nothing_is_an_error() {
        let error = write_parts(&[IoSlice::new(b"x")], 0, |_, _| Ok(0)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WriteZero);
    }

    #[test]
    fn only_empty_slices_write_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let file = OsFs.create(&path).unwrap();
        file.write_at(&[IoSlice::new(&[]), IoSlice::new(&[])], 9).unwrap();
        file.write_at(&[], 9).unwrap();
        assert_eq!(file.len().unwrap(), 0);
    }

    #[test]
    fn a_lock_left_in_a_file_by_a_dead_process_does_not_hinder() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("LOCK");
        fs::write(&path, "4711").unwrap();
        let lock = OsFs.lock(&path).unwrap();
        lock.set_content(b"12").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"12");
    }

    #[test]
    fn another_name_of_a_locked_file_is_locked_too() {
        let dir = tempfile::tempdir().unwrap();
        let lock = OsFs.lock(&dir.path().join("LOCK")).unwrap();
        std::os::unix::fs::symlink(dir.path(), dir.path().join("elsewhere")).unwrap();
        let error = OsFs.lock(&dir.path().join("elsewhere/LOCK")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        drop(lock);
        OsFs.lock(&dir.path().join("elsewhere/LOCK")).unwrap();
    }
}
