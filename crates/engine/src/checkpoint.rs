//! Copies a database while it is in use. The steps are numbered as in `docs/format/files.md`, "Checkpoint".

use std::{
    io::{self, IoSlice},
    path::{Path, PathBuf},
};

use siltstone_types::{IoResultExt, SequenceNumber};

use crate::{
    Db, Error, Result, Settings,
    db::{Inner, Shared},
    files::{Closing, Current, Layout},
    folder::{create_directories, start_manifest, store_settings, write_current},
    manifest::{
        format::LogEnding,
        state::{LogPosition, LogRecord, State},
    },
    obsolete::Hold,
    sync::Arc,
    version::Version,
};

/// Copied at a time.
const COPY_BYTES: usize = 1 << 20;

/// What a checkpoint is made of.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct CheckpointReport {
    /// Tables that got a second name, which takes no space.
    pub tables_linked: u64,
    /// Tables that were copied, because the target is on another file system.
    pub tables_copied: u64,
    /// Bytes that were copied, of tables and of logs.
    pub bytes_copied: u64,
    /// The last write that it holds: all up to it, and none behind it.
    pub sequence: u64,
}

/// What there is to be copied. As long as it lives, none of it is removed.
struct Frozen {
    state: State,
    settings: Settings,
    end: LogPosition,
    last_sequence: SequenceNumber,
    /// Its tables stay because somebody may read them, its logs because their removal waits.
    _version: Arc<Version>,
    _hold: Hold,
}

impl Db {
    /// Makes a copy in another folder, of this moment, that can be opened as a database of its own. Writing goes on meanwhile.
    ///
    /// Tables get a second name (a hard link) where the file system allows it, so a checkpoint takes little time and, at first, little space. It holds a prefix
    /// of history: every write that was acknowledged before the call, and none without all that came before it. It is complete and durable when
    /// this returns; a folder in which it was cut short has no CURRENT, and is no database.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a target that is not empty, or inside the database; `Io` and `NoSpace`, after which what was begun is removed; as for [`Db::flush`] otherwise.
    pub fn checkpoint(&self, target: impl Into<PathBuf>) -> Result<CheckpointReport> {
        self.inner().checkpoint(&Layout::new(target))
    }
}

impl Inner {
    fn checkpoint(&self, target: &Layout) -> Result<CheckpointReport> {
        self.writable()?;
        refuse_target(&self.shared, target)?;
        // 1. Not needed, but links cost less than copies of logs.
        self.flush()?;
        let frozen = self.freeze()?;
        // 3. What is in no table yet was perhaps not synced.
        self.sync_to(frozen.end)?;
        let mut copy = Copy { shared: &self.shared, target, report: CheckpointReport::default() };
        copy.report.sequence = frozen.last_sequence.get();
        let outcome = copy.write(&frozen.state, &frozen.settings);
        if outcome.is_err() {
            copy.abandon(&frozen.state);
        }
        drop(frozen);
        self.shared.obsolete_files.remove_all();
        outcome.map(|()| copy.report)
    }

    /// 2. Fixes what is copied, under the locks that change it.
    fn freeze(&self) -> Result<Frozen> {
        let commit = self.writable()?;
        let log = commit.log.lock();
        let ledger = self.ledger()?.lock();
        let (mut state, end) = (ledger.state.clone(), log.end());
        let left = |number: u64| log.left.iter().find(|(left, _)| *left == number).map(|(_, bytes)| *bytes);
        state.logs = state
            .logs
            .iter()
            .filter_map(|(&number, record)| {
                let finished = match record.finished {
                    Some(finished) => Some(finished),
                    // It goes on; what follows is not part of the copy.
                    None if number == end.log => Some((end.offset, LogEnding::Cut)),
                    // One that nobody needs any more, and one that is not used yet, are not among those that were left.
                    None => left(number).map(|bytes| (bytes, LogEnding::EndRecord)),
                };
                finished.map(|finished| (number, LogRecord { finished: Some(finished) }))
            })
            .collect();
        Ok(Frozen {
            state,
            settings: self.settings(),
            end,
            last_sequence: log.last_sequence,
            _version: self.version(),
            _hold: self.shared.obsolete_files.hold(),
        })
    }
}

/// A folder that does not exist, or that is empty.
fn refuse_target(shared: &Shared, target: &Layout) -> Result<()> {
    let dir = target.dir();
    if dir.starts_with(shared.layout.dir()) {
        let what = format!(
            "a checkpoint cannot be inside its database: choose another folder than {}",
            dir.display()
        );
        return Err(Error::InvalidArgument { what });
    }
    match shared.fs.list(dir) {
        Ok(found) if found.is_empty() => Ok(()),
        Ok(_) => {
            let what = format!("{} is not empty: choose another folder for the checkpoint", dir.display());
            Err(Error::InvalidArgument { what })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(siltstone_types::Error::io("list the folder", dir, error).into()),
    }
}

struct Copy<'a> {
    shared: &'a Shared,
    target: &'a Layout,
    report: CheckpointReport,
}

impl Copy<'_> {
    fn write(&mut self, state: &State, settings: &Settings) -> Result<()> {
        let Copy { shared: Shared { fs, layout, identity, .. }, target, .. } = *self;
        let fs = &**fs;
        // 4. Tables and logs, then their names.
        create_directories(fs, target)?;
        for number in tables(state) {
            self.link(&layout.table(number), &target.table(number))?;
        }
        for (&number, log) in &state.logs {
            let bytes = log.finished.map_or(0, |(bytes, _)| bytes);
            self.copy(&layout.log(number), &target.log(number), bytes)?;
        }
        for dir in [target.sst_dir(), target.wal_dir()] {
            fs.sync_dir(dir).on("sync the folder", dir)?;
        }
        // 5. A manifest, and CURRENT, which makes it a database.
        let number = state.next_file_number;
        let state = State { next_file_number: number + 1, ..state.clone() };
        let manifest_bytes = start_manifest(fs, target, number, *identity, &state)?.finish()?;
        store_settings(fs, target, *identity, settings)?;
        let closing = Closing::Closed { manifest_bytes };
        write_current(fs, target, &Current { manifest: number, identity: *identity, closing })
    }

    /// A second name where that is possible, otherwise a copy.
    fn link(&mut self, from: &Path, to: &Path) -> Result<()> {
        match self.shared.fs.hard_link(from, to) {
            Ok(()) => {
                self.report.tables_linked += 1;
                Ok(())
            }
            Err(error) if is_unsupported(error.kind()) => {
                let bytes = self.shared.fs.metadata(from).on("measure", from)?.len;
                self.copy(from, to, bytes)?;
                self.report.tables_copied += 1;
                Ok(())
            }
            Err(error) => Err(siltstone_types::Error::io("link", to, error).into()),
        }
    }

    /// Copies the first bytes of a file, durably.
    fn copy(&mut self, from: &Path, to: &Path, bytes: u64) -> Result<()> {
        let source = self.shared.fs.open(from).on("open", from)?;
        let copy = self.shared.fs.create(to).on("create", to)?;
        let mut buffer = vec![0; COPY_BYTES];
        let mut at = 0;
        while at < bytes {
            let len = usize::try_from(bytes - at).map_or(COPY_BYTES, |rest| rest.min(COPY_BYTES));
            let part = buffer.get_mut(..len).unwrap_or_default();
            source.read_exact_at(part, at).on("read", from)?;
            copy.write_at(&[IoSlice::new(part)], at).on("write", to)?;
            at += len as u64;
        }
        copy.sync_all().on("sync", to)?;
        self.report.bytes_copied += bytes;
        Ok(())
    }

    /// Removes what was begun: CURRENT first, which makes it no database. What cannot be removed is in the way of the next try, which says so.
    fn abandon(&self, state: &State) {
        let Copy { shared, target, .. } = self;
        let manifest = target.manifest(state.next_file_number);
        let small = [target.current(), target.options(), manifest];
        let temporary = [target.current(), target.options()].map(|path| path.with_extension("tmp"));
        let logs = state.logs.keys().map(|&number| target.log(number));
        let files = tables(state).map(|number| target.table(number)).chain(logs);
        for path in small.into_iter().chain(temporary).chain(files) {
            // Not all of them are there.
            let _ = shared.fs.remove(&path);
        }
        for dir in [target.sst_dir(), target.wal_dir(), target.dir()] {
            let _ = shared.fs.remove_dir(dir);
        }
    }
}

fn tables(state: &State) -> impl Iterator<Item = u64> {
    state.keyspaces.values().flat_map(|keyspace| keyspace.tables.keys().copied())
}

/// What file systems say that have no hard links, or none from here to there.
fn is_unsupported(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{CrossesDevices, PermissionDenied, TooManyLinks, Unsupported};
    matches!(kind, CrossesDevices | PermissionDenied | TooManyLinks | Unsupported)
}
