//! A file system in memory that knows what a power cut would leave of it.

mod content;
mod disk;
mod inode;
mod names;
mod power_cut;

use std::{
    collections::BTreeMap,
    fmt, io,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
};

pub use self::content::PAGE_BYTES;
use self::{
    content::Content,
    disk::Disk,
    inode::{Inode, MemFile, MemLock},
    names::{Names, Node, Slot},
    power_cut::Fate,
};
use crate::{FileLock, Fs, Metadata, ReadFile, WriteFile};

/// A file system in memory. Clones share their files; [`MemFs::power_cut`] and its siblings return one that
/// shares nothing.
///
/// It starts with an empty root folder. Relative paths start at the root.
///
/// # What survives a power cut
///
/// 1. The disk writes pages of [`PAGE_BYTES`]. A page that was written since the file's last successful sync
///    is found as it was at that sync, or as any of the writes since then left it, whatever becomes of its
///    neighbours. (Of many writes, the durable state and the latest few are remembered.)
/// 2. The length is found as it was at the last sync, or as any change since then left it, whatever becomes
///    of the pages. What is inside the length and was never written reads as zeros. Bytes that were cut off
///    and come back are the old ones or zeros.
/// 3. A name is found as it was at the last [`Fs::sync_dir`] of its folder; each change since then happened
///    or did not happen. A rename is one change, durable when both folders have been synced after it: of the
///    two names, one is found.
/// 4. A folder that is lost takes along what is in it.
#[derive(Clone)]
pub struct MemFs {
    disk: Arc<Disk>,
}

impl MemFs {
    /// An empty file system.
    pub fn new() -> Self {
        Self { disk: Arc::new(Disk::new(Names::new())) }
    }

    /// What a power cut at this moment could leave, chosen by `seed`: an independent file system with nothing
    /// unsynced and nothing locked. One seed gives one outcome, on every machine.
    #[must_use]
    pub fn power_cut(&self, seed: u64) -> Self {
        self.cut(&mut Fate::seeded(seed))
    }

    /// The power cut that takes everything that is not durable.
    #[must_use]
    pub fn power_cut_worst(&self) -> Self {
        self.cut(&mut Fate::Worst)
    }

    /// The power cut that takes nothing: everything written is found, and is durable.
    #[must_use]
    pub fn power_cut_best(&self) -> Self {
        self.cut(&mut Fate::Best)
    }

    /// What a killed process leaves at this moment: an independent file system with all that was written,
    /// nothing locked and nothing open. What was not durable still is not.
    #[must_use]
    pub fn clone_now(&self) -> Self {
        let names = self.disk.names.write();
        self.copy(names.clone(), Content::clone)
    }

    /// Limits the sum of all file lengths. Writes that do not fit fail with `StorageFull`, after writing what
    /// fits. A limit under what is used frees nothing.
    pub fn set_capacity_bytes(&self, capacity_bytes: u64) {
        self.disk.capacity_bytes.store(capacity_bytes, Ordering::Relaxed);
    }

    /// How many operations were begun on this file system and its files: calls of [`Fs`], [`ReadFile`],
    /// [`WriteFile`] and [`FileLock`].
    pub fn op_count(&self) -> u64 {
        self.disk.op_count.load(Ordering::Relaxed)
    }

    /// Lets the next `count` syncs of files fail as they do on Linux: the error comes once, what was unsynced
    /// stays readable, and later syncs succeed without making it durable. Only what is written again can
    /// become durable.
    pub fn fail_next_syncs(&self, count: u32) {
        self.disk.sync_failures.store(count, Ordering::Relaxed);
    }

    fn cut(&self, fate: &mut Fate) -> Self {
        let names = self.disk.names.write();
        let left = names.after_power_cut(fate);
        self.copy(left, |content| content.after_power_cut(fate))
    }

    /// A file system of its own, with a copy of each file. The caller keeps the names locked, and so the
    /// files quiet.
    fn copy(&self, mut names: Names, mut copy: impl FnMut(&Content) -> Content) -> Self {
        let mut copies: BTreeMap<u64, Arc<Inode>> = BTreeMap::new();
        names.map_files(|file| {
            let new = || Arc::new(Inode::new(file.id, file.with_content(&mut copy)));
            Arc::clone(copies.entry(file.id).or_insert_with(new))
        });
        let mut used: BTreeMap<u64, u64> = BTreeMap::new();
        for file in names.files() {
            file.hold();
            used.insert(file.id, file.len());
        }
        let disk = Disk::new(names);
        disk.count_used(used.values().sum());
        disk.capacity_bytes.store(self.disk.capacity_bytes.load(Ordering::Relaxed), Ordering::Relaxed);
        disk.next_inode.store(self.disk.next_inode.load(Ordering::Relaxed), Ordering::Relaxed);
        Self { disk: Arc::new(disk) }
    }

    fn change_names<T>(&self, change: impl FnOnce(&mut Names) -> io::Result<T>) -> io::Result<T> {
        self.disk.op_count.fetch_add(1, Ordering::Relaxed);
        change(&mut self.disk.names.write())
    }

    fn handle(&self, inode: Arc<Inode>) -> MemFile {
        MemFile::new(Arc::clone(&self.disk), inode)
    }

    fn create_at(&self, names: &mut Names, slot: Slot) -> Arc<Inode> {
        let inode =
            Arc::new(Inode::new(self.disk.next_inode.fetch_add(1, Ordering::Relaxed), Content::default()));
        inode.hold();
        names.set(slot, Some(Node::File(Arc::clone(&inode))));
        inode
    }
}

impl Default for MemFs {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemFs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemFs").field("op_count", &self.op_count()).finish_non_exhaustive()
    }
}

impl Fs for MemFs {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn WriteFile>> {
        self.change_names(|names| {
            let slot = free_slot(names, path)?;
            let inode = self.create_at(names, slot);
            Ok(Arc::new(self.handle(inode)) as Arc<dyn WriteFile>)
        })
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn ReadFile>> {
        let inode = self.disk.begin().find_file(path)?;
        Ok(Arc::new(self.handle(inode)))
    }

    fn open_for_overwrite(&self, path: &Path) -> io::Result<Arc<dyn WriteFile>> {
        let inode = self.disk.begin().find_file(path)?;
        Ok(Arc::new(self.handle(inode)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change_names(|names| {
            let from = names.slot(from)?.ok_or(io::ErrorKind::InvalidInput)?;
            let node = names.at(&from).cloned().ok_or(io::ErrorKind::NotFound)?;
            let to = names.slot(to)?.ok_or(io::ErrorKind::InvalidInput)?;
            let replaced = names.at(&to).cloned();
            match (&node, &replaced) {
                (Node::File(a), Some(Node::File(b))) if Arc::ptr_eq(a, b) => return Ok(()),
                (Node::Dir(a), Some(Node::Dir(b))) if a == b => return Ok(()),
                (Node::File(_), Some(Node::Dir(_))) => return Err(io::ErrorKind::IsADirectory.into()),
                (Node::Dir(_), Some(Node::File(_))) => return Err(io::ErrorKind::NotADirectory.into()),
                (_, Some(Node::Dir(dir))) if names.list(*dir).next().is_some() => {
                    return Err(io::ErrorKind::DirectoryNotEmpty.into());
                }
                _ => {}
            }
            names.rename(node, from, to)?;
            if let Some(Node::File(file)) = replaced {
                file.release(&self.disk);
            }
            Ok(())
        })
    }

    fn hard_link(&self, original: &Path, link: &Path) -> io::Result<()> {
        self.change_names(|names| {
            let Node::File(file) = names.find(original)? else {
                return Err(io::ErrorKind::PermissionDenied.into());
            };
            let slot = free_slot(names, link)?;
            file.hold();
            names.set(slot, Some(Node::File(file)));
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.change_names(|names| {
            let file = names.find_file(path)?;
            let slot = names.slot(path)?.ok_or(io::ErrorKind::IsADirectory)?;
            names.set(slot, None);
            file.release(&self.disk);
            Ok(())
        })
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        let names = self.disk.begin();
        let id = names.find_dir(dir)?;
        Ok(names.list(id).map(|name| dir.join(name)).collect())
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        Ok(match self.disk.begin().find(path)? {
            Node::File(file) => Metadata { len: file.len(), is_dir: false },
            Node::Dir(_) => Metadata { len: 0, is_dir: true },
        })
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.change_names(|names| names.create_dir_all(dir))
    }

    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        self.change_names(|names| {
            let id = names.find_dir(dir)?;
            let slot = names.slot(dir)?.ok_or(io::ErrorKind::ResourceBusy)?;
            if names.list(id).next().is_some() {
                return Err(io::ErrorKind::DirectoryNotEmpty.into());
            }
            names.set(slot, None);
            Ok(())
        })
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.change_names(|names| {
            let id = names.find_dir(dir)?;
            names.sync_dir(id);
            Ok(())
        })
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn FileLock>> {
        let file = self.change_names(|names| {
            let inode = match names.find_file(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let slot = free_slot(names, path)?;
                    self.create_at(names, slot)
                }
                found => found?,
            };
            Ok(self.handle(inode))
        })?;
        MemLock::new(file)
            .map(|lock| Box::new(lock) as Box<dyn FileLock>)
            .ok_or_else(|| io::ErrorKind::WouldBlock.into())
    }

    fn available_bytes(&self, dir: &Path) -> io::Result<u64> {
        self.disk.begin().find(dir)?;
        Ok(self.disk.available_bytes())
    }
}

/// The slot that `path` names, which must be empty.
fn free_slot(names: &Names, path: &Path) -> io::Result<Slot> {
    let slot = names.slot(path)?.ok_or(io::ErrorKind::AlreadyExists)?;
    if names.at(&slot).is_some() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    Ok(slot)
}
