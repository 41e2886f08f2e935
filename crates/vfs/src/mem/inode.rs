//! Files apart from their names, and the handles that are open on them.

use std::{
    fmt,
    io::{self, IoSlice},
    sync::Arc,
};

use parking_lot::Mutex;

use super::{content::Content, disk::Disk};
use crate::{Advice, FileLock, ReadFile, WriteFile};

/// A file, whatever its names.
#[derive(Debug)]
pub(super) struct Inode {
    pub(super) id: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    content: Content,
    /// Names and handles. With the last of them the file's bytes are free, even if a power cut could still
    /// bring a name back.
    uses: usize,
}

impl Inode {
    pub(super) fn new(id: u64, content: Content) -> Self {
        Self { id, state: Mutex::new(State { content, uses: 0 }) }
    }

    pub(super) fn len(&self) -> u64 {
        self.state.lock().content.len()
    }

    /// Lends the content for the length of `work`.
    pub(super) fn with_content<T>(&self, work: impl FnOnce(&Content) -> T) -> T {
        work(&self.state.lock().content)
    }

    /// Counts one more name or handle.
    pub(super) fn hold(&self) {
        self.state.lock().uses += 1;
    }

    /// Counts one name or handle less.
    pub(super) fn release(&self, disk: &Disk) {
        let mut state = self.state.lock();
        state.uses = state.uses.saturating_sub(1);
        if state.uses == 0 {
            disk.give_back(state.content.len());
        }
    }
}

/// A handle, for reading or for writing.
pub(super) struct MemFile {
    disk: Arc<Disk>,
    inode: Arc<Inode>,
}

impl MemFile {
    pub(super) fn new(disk: Arc<Disk>, inode: Arc<Inode>) -> Self {
        inode.hold();
        Self { disk, inode }
    }

    fn len_now(&self) -> u64 {
        let _world = self.disk.begin();
        self.inode.len()
    }

    fn sync(&self) -> io::Result<()> {
        let _world = self.disk.begin();
        let content = &mut self.inode.state.lock().content;
        if self.disk.takes_sync_failure() {
            content.fail_sync();
            return Err(io::Error::other("the disk failed to sync"));
        }
        content.sync();
        Ok(())
    }
}

impl Drop for MemFile {
    fn drop(&mut self) {
        self.inode.release(&self.disk);
    }
}

impl fmt::Debug for MemFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemFile")
            .field("inode", &self.inode.id)
            .field("len", &self.inode.len())
            .finish_non_exhaustive()
    }
}

impl ReadFile for MemFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let _world = self.disk.begin();
        Ok(self.inode.with_content(|content| content.read(buf, offset)))
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.len_now())
    }

    fn advise(&self, _offset: u64, _len: u64, _advice: Advice) -> io::Result<()> {
        drop(self.disk.begin());
        Ok(())
    }
}

impl WriteFile for MemFile {
    fn write_at(&self, parts: &[IoSlice<'_>], offset: u64) -> io::Result<()> {
        let _world = self.disk.begin();
        let len: u64 = parts.iter().map(|part| part.len() as u64).sum();
        let end = end_of(offset, len)?;
        let content = &mut self.inode.state.lock().content;
        if len == 0 {
            return Ok(());
        }
        let taken = self.disk.take_up_to(end.saturating_sub(content.len()));
        let missing = end.saturating_sub(content.len()) - taken;
        // A disk that runs full takes what fits. Where not even the hole before the bytes fits, it takes
        // nothing.
        let fitting = len.saturating_sub(missing);
        if fitting == 0 {
            self.disk.give_back(taken);
        }
        content.write(parts, fitting, offset);
        if missing == 0 { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
    }

    fn sync_data(&self) -> io::Result<()> {
        self.sync()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync()
    }

    fn allocate(&self, offset: u64, len: u64) -> io::Result<()> {
        let _world = self.disk.begin();
        let end = end_of(offset, len)?;
        let content = &mut self.inode.state.lock().content;
        if len != 0 {
            self.disk.take(end.saturating_sub(content.len()))?;
            content.grow(end);
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let _world = self.disk.begin();
        end_of(len, 0)?;
        let content = &mut self.inode.state.lock().content;
        self.disk.take(len.saturating_sub(content.len()))?;
        self.disk.give_back(content.len().saturating_sub(len));
        content.set_len(len);
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.len_now())
    }
}

/// File offsets are signed on every system there is.
fn end_of(offset: u64, len: u64) -> io::Result<u64> {
    let end = offset.checked_add(len).filter(|&end| i64::try_from(end).is_ok());
    end.ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

/// A lock that is held.
pub(super) struct MemLock {
    file: MemFile,
}

impl MemLock {
    /// `None` when the file is locked already.
    pub(super) fn new(file: MemFile) -> Option<Self> {
        let is_free = file.disk.locked.lock().insert(file.inode.id);
        is_free.then(|| Self { file })
    }
}

impl fmt::Debug for MemLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MemLock").field(&self.file).finish()
    }
}

impl FileLock for MemLock {
    fn set_content(&self, content: &[u8]) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.write_at(&[IoSlice::new(content)], 0)
    }
}

impl Drop for MemLock {
    fn drop(&mut self) {
        self.file.disk.locked.lock().remove(&self.file.inode.id);
    }
}
