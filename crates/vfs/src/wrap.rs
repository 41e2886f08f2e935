//! What every wrapper does: turns calls into operations and lets a layer decide what becomes of them.

use std::{
    fmt,
    io::{self, IoSlice},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{Advice, FileLock, Fs, Metadata, Op, ReadFile, WriteFile};

/// Stands between a file system and its user, and sees every operation.
pub trait Layer: fmt::Debug + Send + Sync + 'static {
    /// Decides what becomes of `op`. `run` performs it on the file system below; its result need not be the
    /// one that is returned.
    fn around<T>(&self, op: Op<'_>, run: impl FnOnce() -> io::Result<T>) -> io::Result<T>;

    /// The same for a read, which may be given less of `buf`.
    fn around_read(
        &self,
        op: Op<'_>,
        buf: &mut [u8],
        run: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        self.around(op, || run(buf))
    }

    /// The same for a write, which may be given other parts.
    fn around_write(
        &self,
        op: Op<'_>,
        parts: &[IoSlice<'_>],
        run: impl FnOnce(&[IoSlice<'_>]) -> io::Result<()>,
    ) -> io::Result<()> {
        self.around(op, || run(parts))
    }
}

/// A file system with a [`Layer`] before it. Clones share both.
///
/// Every method is one operation to the layer. What the trait builds from others (`read_exact_at`,
/// `is_empty`) is as many operations as it makes calls. Dropping a handle or a lock is none.
pub struct WrapFs<L> {
    inner: Arc<dyn Fs>,
    layer: Arc<L>,
}

impl<L: Layer> WrapFs<L> {
    /// Puts `layer` before `inner`.
    pub fn with_layer(inner: Arc<dyn Fs>, layer: L) -> Self {
        Self { inner, layer: Arc::new(layer) }
    }

    /// The layer.
    pub fn layer(&self) -> &L {
        &self.layer
    }

    fn around<T>(&self, op: Op<'_>, run: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        self.layer.around(op, run)
    }

    fn handle<F>(&self, path: &Path, file: F) -> Wrapped<L, F> {
        Wrapped { layer: Arc::clone(&self.layer), path: path.to_owned(), file }
    }
}

impl<L> Clone for WrapFs<L> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), layer: Arc::clone(&self.layer) }
    }
}

impl<L: fmt::Debug> fmt::Debug for WrapFs<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WrapFs").field("layer", &self.layer).field("inner", &self.inner).finish()
    }
}

impl<L: Layer> Fs for WrapFs<L> {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn WriteFile>> {
        let file = self.around(Op::Create { path }, || self.inner.create(path))?;
        Ok(Arc::new(self.handle(path, file)))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn ReadFile>> {
        let file = self.around(Op::Open { path }, || self.inner.open(path))?;
        Ok(Arc::new(self.handle(path, file)))
    }

    fn open_for_overwrite(&self, path: &Path) -> io::Result<Arc<dyn WriteFile>> {
        let file = self.around(Op::OpenForOverwrite { path }, || self.inner.open_for_overwrite(path))?;
        Ok(Arc::new(self.handle(path, file)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.around(Op::Rename { from, to }, || self.inner.rename(from, to))
    }

    fn hard_link(&self, original: &Path, link: &Path) -> io::Result<()> {
        self.around(Op::HardLink { original, link }, || self.inner.hard_link(original, link))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.around(Op::Remove { path }, || self.inner.remove(path))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        self.around(Op::List { dir }, || self.inner.list(dir))
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        self.around(Op::Metadata { path }, || self.inner.metadata(path))
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.around(Op::CreateDirAll { dir }, || self.inner.create_dir_all(dir))
    }

    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        self.around(Op::RemoveDir { dir }, || self.inner.remove_dir(dir))
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.around(Op::SyncDir { dir }, || self.inner.sync_dir(dir))
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn FileLock>> {
        let lock = self.around(Op::Lock { path }, || self.inner.lock(path))?;
        Ok(Box::new(self.handle(path, lock)))
    }

    fn open_files_max(&self) -> Option<u64> {
        self.inner.open_files_max()
    }

    fn available_bytes(&self, dir: &Path) -> io::Result<u64> {
        self.around(Op::AvailableBytes { dir }, || self.inner.available_bytes(dir))
    }
}

/// A handle of the file system below.
struct Wrapped<L, F> {
    layer: Arc<L>,
    path: PathBuf,
    file: F,
}

impl<L, F: fmt::Debug> fmt::Debug for Wrapped<L, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wrapped").field("path", &self.path).field("file", &self.file).finish_non_exhaustive()
    }
}

impl<L: Layer> ReadFile for Wrapped<L, Arc<dyn ReadFile>> {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let op = Op::ReadAt { path: &self.path, offset, len: buf.len() as u64 };
        self.layer.around_read(op, buf, |buf| self.file.read_at(buf, offset))
    }

    fn len(&self) -> io::Result<u64> {
        self.layer.around(Op::Len { path: &self.path }, || self.file.len())
    }

    fn advise(&self, offset: u64, len: u64, advice: Advice) -> io::Result<()> {
        let op = Op::Advise { path: &self.path, offset, len };
        self.layer.around(op, || self.file.advise(offset, len, advice))
    }
}

impl<L: Layer> WriteFile for Wrapped<L, Arc<dyn WriteFile>> {
    fn write_at(&self, parts: &[IoSlice<'_>], offset: u64) -> io::Result<()> {
        let len = parts.iter().map(|part| part.len() as u64).sum();
        let op = Op::WriteAt { path: &self.path, offset, len };
        self.layer.around_write(op, parts, |parts| self.file.write_at(parts, offset))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.layer.around(Op::SyncData { path: &self.path }, || self.file.sync_data())
    }

    fn sync_all(&self) -> io::Result<()> {
        self.layer.around(Op::SyncAll { path: &self.path }, || self.file.sync_all())
    }

    fn allocate(&self, offset: u64, len: u64) -> io::Result<()> {
        let op = Op::Allocate { path: &self.path, offset, len };
        self.layer.around(op, || self.file.allocate(offset, len))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.layer.around(Op::SetLen { path: &self.path, len }, || self.file.set_len(len))
    }

    fn len(&self) -> io::Result<u64> {
        self.layer.around(Op::Len { path: &self.path }, || self.file.len())
    }
}

impl<L: Layer> FileLock for Wrapped<L, Box<dyn FileLock>> {
    fn set_content(&self, content: &[u8]) -> io::Result<()> {
        let op = Op::SetLockContent { path: &self.path, len: content.len() as u64 };
        self.layer.around(op, || self.file.set_content(content))
    }
}
