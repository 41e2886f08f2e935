//! The folder of a database and its small files: the lock, CURRENT, OPTIONS. Creates what is missing, replaces what changes.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use siltstone_types::IoResultExt;
use siltstone_vfs::{FileLock, Fs};

use crate::{
    Error, Result, Settings,
    files::{Closing, Current, FileKind, Identity, Layout},
    keyspace::{DEFAULT_KEYSPACE, KeyspaceId},
    manifest::{
        self, ManifestWriter,
        format::FORMAT_VERSION_FIRST,
        state::{KeyspaceRecord, LogPosition, State},
    },
    options,
};

/// Order 0: the folders, and the names of all that were created.
pub(crate) fn create_directories(fs: &dyn Fs, layout: &Layout) -> Result<()> {
    let exists = |dir: &Path| match fs.metadata(dir) {
        Ok(metadata) => Ok(metadata.is_dir),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    };
    // CURRENT is written when the names of the folders are durable. Without it a process may have died before it had synced them.
    let has_current = fs.metadata(&layout.current()).is_ok();
    let complete = has_current
        && exists(layout.wal_dir()).on("look for the folder", layout.wal_dir())?
        && exists(layout.sst_dir()).on("look for the folder", layout.sst_dir())?;
    if complete {
        return Ok(());
    }
    let mut parents = vec![layout.dir().to_owned()];
    let mut dir = layout.dir();
    while !exists(dir).on("look for the folder", dir)? {
        dir = match dir.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        parents.push(dir.to_owned());
    }
    for dir in [layout.wal_dir(), layout.sst_dir()] {
        fs.create_dir_all(dir).on("create the folder", dir)?;
    }
    // From the inside out: a folder whose content is not durable is of no use by name.
    parents.iter().try_for_each(|dir| fs.sync_dir(dir).on("sync the folder", dir))?;
    if !has_current {
        sync_folders_above(fs, dir)?;
    }
    Ok(())
}

/// Whoever died before may have created any of these folders, too. One that may not be opened was not created by us.
fn sync_folders_above(fs: &dyn Fs, dir: &Path) -> Result<()> {
    for above in dir.ancestors().skip(1) {
        let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
        match fs.sync_dir(above) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(()),
            synced => synced.on("sync the folder", above)?,
        }
    }
    Ok(())
}

pub(crate) fn take_lock(fs: &dyn Fs, layout: &Layout) -> Result<Box<dyn FileLock>> {
    let path = layout.lock();
    match fs.lock(&path) {
        Ok(lock) => Ok(lock),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            let holder = read_file(fs, &path).ok().and_then(|content| String::from_utf8(content).ok());
            let holder = holder.and_then(|content| content.trim().parse().ok());
            Err(Error::Locked { path, holder })
        }
        Err(error) => Err(siltstone_types::Error::io("take the lock", &path, error).into()),
    }
}

pub(crate) fn read_file(fs: &dyn Fs, path: &Path) -> io::Result<Vec<u8>> {
    // CURRENT and LOCK are lines; whatever is longer than OPTIONS may be is not ours.
    const BYTES_MAX: u64 = options::BYTES_MAX as u64;
    let file = fs.open(path)?;
    let len = file.len()?.min(BYTES_MAX);
    let mut content = vec![0; usize::try_from(len).unwrap_or(0)];
    file.read_exact_at(&mut content, 0)?;
    Ok(content)
}

pub(crate) fn require_current(fs: &dyn Fs, layout: &Layout) -> Result<Current> {
    let missing = || Error::NotFound { what: format!("there is no database at {}", layout.dir().display()) };
    match fs.metadata(layout.dir()) {
        Ok(_) => read_current(fs, layout)?.ok_or_else(missing),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(missing()),
        Err(error) => Err(siltstone_types::Error::io("look for the database", layout.dir(), error).into()),
    }
}

/// `None` for a folder that holds no database.
pub(crate) fn read_current(fs: &dyn Fs, layout: &Layout) -> Result<Option<Current>> {
    let path = layout.current();
    match read_file(fs, &path) {
        Ok(content) => Current::decode(&content, &path).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            refuse_orphans(fs, layout)?;
            Ok(None)
        }
        Err(error) => Err(siltstone_types::Error::io("read CURRENT", &path, error).into()),
    }
}

/// A folder without CURRENT may hold what a creation that was cut short left, and nothing else of ours.
pub(crate) fn refuse_orphans(fs: &dyn Fs, layout: &Layout) -> Result<()> {
    for dir in [layout.dir(), layout.wal_dir(), layout.sst_dir()] {
        let paths = match fs.list(dir) {
            Ok(paths) => paths,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(siltstone_types::Error::io("list the folder", dir, error).into()),
        };
        for path in paths {
            if let FileKind::Manifest(2..) | FileKind::Log(_) | FileKind::Table(_) = layout.kind(&path) {
                let what = format!("CURRENT is missing, but {} is there", path.display());
                return Err(Error::corruption(&layout.current(), 0, what));
            }
        }
    }
    Ok(())
}

/// Creates a database that is empty and closed.
pub(crate) fn create_empty(
    fs: &dyn Fs,
    layout: &Layout,
    identity: Identity,
    settings: &Settings,
    strategy: &str,
) -> Result<Current> {
    let path = layout.manifest(1);
    // What a creation that was cut short left.
    match fs.remove(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(siltstone_types::Error::io("remove", &path, error).into());
        }
        _ => {}
    }
    let default = KeyspaceRecord {
        name: DEFAULT_KEYSPACE.to_owned(),
        strategy: strategy.to_owned(),
        position: LogPosition::default(),
        tables: BTreeMap::new(),
    };
    let state = State {
        format_version: FORMAT_VERSION_FIRST,
        next_file_number: 2,
        last_sequence: 0,
        next_keyspace: 1,
        next_epoch: 1,
        keyspaces: BTreeMap::from([(KeyspaceId::DEFAULT.0, default)]),
        logs: BTreeMap::new(),
    };
    let manifest_bytes = start_manifest(fs, layout, 1, identity, &state)?.finish()?;
    replace_file(fs, layout, &layout.options(), options::encode(settings, identity)?.as_bytes())?;
    let current = Current { manifest: 1, identity, closing: Closing::Closed { manifest_bytes } };
    write_current(fs, layout, &current)?;
    Ok(current)
}

pub(crate) fn start_manifest(
    fs: &dyn Fs,
    layout: &Layout,
    number: u64,
    identity: Identity,
    state: &State,
) -> Result<ManifestWriter> {
    let id = manifest::log_id(number, identity);
    let writer = ManifestWriter::create(fs, &layout.manifest(number), id, state)?;
    fs.sync_dir(layout.dir()).on("sync the folder", layout.dir())?;
    Ok(writer)
}

/// Replaces CURRENT. After an error nobody knows which one a power cut leaves: the caller stops writing.
pub(crate) fn write_current(fs: &dyn Fs, layout: &Layout, current: &Current) -> Result<()> {
    prepare_current(fs, layout, current)?.replace(fs, layout)
}

/// The first half of replacing CURRENT: whatever fails here has changed nothing.
pub(crate) fn prepare_current(fs: &dyn Fs, layout: &Layout, current: &Current) -> Result<Replacement> {
    Replacement::prepare(fs, &layout.current(), current.encode().as_bytes())
}

/// Gives a small file another content, all of it or nothing: a temporary file, synced, takes its name, and the folder is synced.
pub(crate) fn replace_file(fs: &dyn Fs, layout: &Layout, path: &Path, content: &[u8]) -> Result<()> {
    Replacement::prepare(fs, path, content)?.replace(fs, layout)
}

/// New content for a small file, durable under a temporary name.
#[must_use = "the file is as it was until it is replaced"]
pub(crate) struct Replacement {
    temporary: PathBuf,
    path: PathBuf,
}

impl Replacement {
    fn prepare(fs: &dyn Fs, path: &Path, content: &[u8]) -> Result<Replacement> {
        let temporary = path.with_extension("tmp");
        match fs.remove(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(siltstone_types::Error::io("remove", &temporary, error).into());
            }
            _ => {}
        }
        let file = fs.create(&temporary).on("create", &temporary)?;
        file.write_at(&[io::IoSlice::new(content)], 0).on("write", &temporary)?;
        file.sync_all().on("sync", &temporary)?;
        Ok(Replacement { temporary, path: path.to_owned() })
    }

    /// After an error nobody knows which content a power cut leaves.
    fn replace(self, fs: &dyn Fs, layout: &Layout) -> Result<()> {
        fs.rename(&self.temporary, &self.path).on("rename", &self.temporary)?;
        fs.sync_dir(layout.dir()).on("sync the folder", layout.dir())?;
        Ok(())
    }
}

/// Replaces CURRENT with what was prepared, and tells which of the two is in force from now on, through a power cut too.
///
/// A rename that fails may have been done or not. The file says which, and syncing the folder makes that durable.
///
/// # Errors
///
/// When it cannot be found out: nobody knows which one a power cut leaves.
pub(crate) fn switch_current(
    fs: &dyn Fs,
    layout: &Layout,
    prepared: &Replacement,
    old: Current,
    new: Current,
) -> Result<Current> {
    let renamed = fs.rename(&prepared.temporary, &prepared.path).on("rename", &prepared.temporary);
    let in_force = match renamed {
        Ok(()) => new,
        Err(error) => match read_current(fs, layout) {
            Ok(Some(found)) if found == old || found == new => {
                tracing::warn!(%error, "CURRENT names manifest {}", found.manifest);
                found
            }
            _ => return Err(error.into()),
        },
    };
    fs.sync_dir(layout.dir()).on("sync the folder", layout.dir())?;
    Ok(in_force)
}

pub(crate) fn read_settings(fs: &dyn Fs, layout: &Layout, identity: Identity) -> Result<Settings> {
    let path = layout.options();
    match read_file(fs, &path) {
        Ok(content) => options::decode(&content, identity, &path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(Error::corruption(&path, 0, "OPTIONS is missing; give settings to open without it"))
        }
        Err(error) => Err(siltstone_types::Error::io("read", &path, error).into()),
    }
}

/// Writes OPTIONS, unless it says the same already. Whatever it was before, the settings in use are what counts.
pub(crate) fn store_settings(
    fs: &dyn Fs,
    layout: &Layout,
    identity: Identity,
    settings: &Settings,
) -> Result<()> {
    match read_settings(fs, layout, identity) {
        Ok(stored) if stored == *settings => return Ok(()),
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "OPTIONS is written anew"),
    }
    replace_file(fs, layout, &layout.options(), options::encode(settings, identity)?.as_bytes())
}
