//! A file system that forgets to sync: what an engine that forgets it would do.

use std::{
    collections::BTreeMap,
    io::{self, IoSlice},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use siltstone_vfs::{FileLock, Fs, MemFs, Metadata, ReadFile, WriteFile};

/// What is forgotten.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Plant {
    /// The folder of tables is not synced after a new one.
    TableFolder,
    /// The folder of the database is not synced after CURRENT was renamed.
    CurrentFolder,
    /// The manifest is not synced.
    Manifest,
    /// An older log is not synced when a newer one has been written to.
    OlderLog,
    /// The manifest's edit is synced only after the log that it gives up was removed.
    EditAfterRemoval,
}

impl Plant {
    /// All of them.
    pub const ALL: [Plant; 5] =
        [Plant::TableFolder, Plant::CurrentFolder, Plant::Manifest, Plant::OlderLog, Plant::EditAfterRemoval];
}

#[derive(Default, Debug)]
struct Seen {
    renamed_current: bool,
    /// How often each log was written to, by path: paths of logs order as their numbers do.
    log_writes: BTreeMap<PathBuf, u64>,
    /// The sync that is due.
    due: Option<Arc<dyn WriteFile>>,
}

/// The file system of a [`Plant`].
#[derive(Clone, Debug)]
pub(crate) struct Swallow {
    disk: MemFs,
    plant: Plant,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug)]
struct SwallowFile {
    fs: Swallow,
    path: PathBuf,
    file: Arc<dyn WriteFile>,
}

fn is_log(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "log")
}

fn is_manifest(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("MANIFEST-"))
}

impl Swallow {
    pub(crate) fn new(disk: MemFs, plant: Plant) -> Swallow {
        Swallow { disk, plant, seen: Arc::default() }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn catch_up(&self) -> io::Result<()> {
        let due = self.seen().due.take();
        due.map_or(Ok(()), |file| file.sync_all())
    }

    fn wrap(&self, path: &Path, file: Arc<dyn WriteFile>) -> Arc<dyn WriteFile> {
        Arc::new(SwallowFile { fs: self.clone(), path: path.to_owned(), file })
    }
}

impl Fs for Swallow {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn WriteFile>> {
        self.catch_up()?;
        Ok(self.wrap(path, self.disk.create(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn ReadFile>> {
        self.disk.open(path)
    }

    fn open_for_overwrite(&self, path: &Path) -> io::Result<Arc<dyn WriteFile>> {
        Ok(self.wrap(path, self.disk.open_for_overwrite(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.catch_up()?;
        self.seen().renamed_current = to.ends_with("CURRENT");
        self.disk.rename(from, to)
    }

    fn hard_link(&self, original: &Path, link: &Path) -> io::Result<()> {
        self.disk.hard_link(original, link)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        if !is_log(path) {
            self.catch_up()?;
        }
        self.disk.remove(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        self.disk.list(dir)
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        self.disk.metadata(path)
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.disk.create_dir_all(dir)
    }

    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.remove_dir(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.catch_up()?;
        let forgets = match self.plant {
            Plant::TableFolder => dir.ends_with("sst"),
            Plant::CurrentFolder => std::mem::take(&mut self.seen().renamed_current),
            Plant::Manifest | Plant::OlderLog | Plant::EditAfterRemoval => false,
        };
        if forgets { Ok(()) } else { self.disk.sync_dir(dir) }
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn FileLock>> {
        self.disk.lock(path)
    }

    fn available_bytes(&self, dir: &Path) -> io::Result<u64> {
        self.disk.available_bytes(dir)
    }
}

impl SwallowFile {
    /// Whether a sync is left out, or put off.
    fn forgets(&self) -> bool {
        match self.fs.plant {
            Plant::Manifest => is_manifest(&self.path),
            Plant::EditAfterRemoval if is_manifest(&self.path) => {
                self.fs.seen().due = Some(Arc::clone(&self.file));
                true
            }
            Plant::OlderLog if is_log(&self.path) => {
                // The first write of a log is its header.
                let seen = self.fs.seen();
                seen.log_writes.iter().any(|(path, writes)| *path > self.path && *writes > 1)
            }
            _ => false,
        }
    }
}

impl WriteFile for SwallowFile {
    fn write_at(&self, parts: &[IoSlice<'_>], offset: u64) -> io::Result<()> {
        self.fs.catch_up()?;
        if is_log(&self.path) {
            *self.fs.seen().log_writes.entry(self.path.clone()).or_default() += 1;
        }
        self.file.write_at(parts, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.forgets() { Ok(()) } else { self.file.sync_data() }
    }

    fn sync_all(&self) -> io::Result<()> {
        if self.forgets() { Ok(()) } else { self.file.sync_all() }
    }

    fn allocate(&self, offset: u64, len: u64) -> io::Result<()> {
        self.file.allocate(offset, len)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }
}
