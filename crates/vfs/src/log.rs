//! Operations as lines of text, for golden orders of system calls.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;

use crate::{Fs, Layer, Op, WrapFs};

/// A file system that writes a line for each operation, when it returns.
///
/// ```text
/// create-dir-all .                              rename CURRENT.tmp CURRENT
/// create 000001.log                             hard-link 000001.sst backup/000001.sst
/// open 000001.sst                               remove 000001.log
/// open-for-overwrite 000001.log                 remove-dir backup
/// write 000001.log 4096+512                     sync-dir .
/// sync-data 000001.log                          lock LOCK
/// sync-all 000001.log                           set-lock-content LOCK 5
/// allocate 000001.log 0+65536                   list .
/// set-len 000001.log 4608                       metadata CURRENT
/// read 000001.log 0+32768                       available-bytes .
/// advise 000001.sst 0+4096                      len 000001.log
/// ```
///
/// `4096+512` is an offset and a length in bytes. A failed operation has the kind of its error behind it, as
/// in `create 000001.log ! AlreadyExists`. The format is stable: goldens depend on it.
///
/// Operations that change nothing ([`OpKind::is_read`](crate::OpKind::is_read)) are left out, unless
/// [`LogFs::with_reads`] made the wrapper.
pub type LogFs = WrapFs<LogLayer>;

impl LogFs {
    /// Logs what changes something. Paths are shown relative to `root`, which itself is `.`; paths outside it
    /// are shown in full.
    pub fn new(inner: Arc<dyn Fs>, root: impl Into<PathBuf>, log: OpLog) -> Self {
        Self::with_layer(inner, LogLayer { root: root.into(), log, logs_reads: false })
    }

    /// Logs everything.
    pub fn with_reads(inner: Arc<dyn Fs>, root: impl Into<PathBuf>, log: OpLog) -> Self {
        Self::with_layer(inner, LogLayer { root: root.into(), log, logs_reads: true })
    }
}

/// Where the lines go. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct OpLog {
    lines: Arc<Mutex<Vec<String>>>,
}

impl OpLog {
    /// An empty log.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a line, for marks between operations.
    pub fn push(&self, line: impl Into<String>) {
        self.lines.lock().push(line.into());
    }

    /// A copy of the lines.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().clone()
    }

    /// The lines, which are gone from the log afterwards.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.lines.lock())
    }
}

/// The layer of [`LogFs`].
#[derive(Debug)]
pub struct LogLayer {
    root: PathBuf,
    log: OpLog,
    logs_reads: bool,
}

impl Layer for LogLayer {
    fn around<T>(&self, op: Op<'_>, run: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let result = run();
        if self.logs_reads || !op.kind().is_read() {
            let line = Line { op, root: &self.root };
            self.log.push(match &result {
                Ok(_) => line.to_string(),
                Err(error) => format!("{line} ! {:?}", error.kind()),
            });
        }
        result
    }
}

struct Line<'a> {
    op: Op<'a>,
    root: &'a Path,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |path: &Path| match path.strip_prefix(self.root) {
            Ok(rest) if rest.as_os_str().is_empty() => ".".to_owned(),
            Ok(rest) => rest.display().to_string(),
            Err(_) => path.display().to_string(),
        };
        match self.op {
            Op::Create { path } => write!(f, "create {}", show(path)),
            Op::Open { path } => write!(f, "open {}", show(path)),
            Op::OpenForOverwrite { path } => write!(f, "open-for-overwrite {}", show(path)),
            Op::Rename { from, to } => write!(f, "rename {} {}", show(from), show(to)),
            Op::HardLink { original, link } => write!(f, "hard-link {} {}", show(original), show(link)),
            Op::Remove { path } => write!(f, "remove {}", show(path)),
            Op::List { dir } => write!(f, "list {}", show(dir)),
            Op::Metadata { path } => write!(f, "metadata {}", show(path)),
            Op::CreateDirAll { dir } => write!(f, "create-dir-all {}", show(dir)),
            Op::RemoveDir { dir } => write!(f, "remove-dir {}", show(dir)),
            Op::SyncDir { dir } => write!(f, "sync-dir {}", show(dir)),
            Op::Lock { path } => write!(f, "lock {}", show(path)),
            Op::AvailableBytes { dir } => write!(f, "available-bytes {}", show(dir)),
            Op::ReadAt { path, offset, len } => write!(f, "read {} {offset}+{len}", show(path)),
            Op::Advise { path, offset, len } => write!(f, "advise {} {offset}+{len}", show(path)),
            Op::WriteAt { path, offset, len } => write!(f, "write {} {offset}+{len}", show(path)),
            Op::SyncData { path } => write!(f, "sync-data {}", show(path)),
            Op::SyncAll { path } => write!(f, "sync-all {}", show(path)),
            Op::Allocate { path, offset, len } => write!(f, "allocate {} {offset}+{len}", show(path)),
            Op::SetLen { path, len } => write!(f, "set-len {} {len}", show(path)),
            Op::Len { path } => write!(f, "len {}", show(path)),
            Op::SetLockContent { path, len } => write!(f, "set-lock-content {} {len}", show(path)),
        }
    }
}
