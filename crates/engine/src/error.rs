//! The error of the engine: few kinds, each of which says what to do next.

use std::{
    borrow::Cow,
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use siltstone_types::Error as StorageError;

/// Why an operation failed. Cheap to clone, so that one failure can be told to everyone it concerns.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused. Look at the cause; the operation can be tried again when it is gone.
    Io {
        /// What was attempted.
        op: &'static str,
        /// On which file.
        path: PathBuf,
        /// The cause.
        source: Arc<io::Error>,
    },
    /// The disk (or quota) is full. Free some space and try again; what was acknowledged is safe.
    NoSpace {
        /// What was attempted.
        op: &'static str,
        /// On which file.
        path: PathBuf,
        /// The cause.
        source: Arc<io::Error>,
    },
    /// A file is damaged. Do not retry: restore it from a copy. Everything else can still be read.
    Corruption {
        /// Which file.
        path: PathBuf,
        /// Where in it, in bytes from the start.
        offset: u64,
        /// Which rule of the format is broken.
        what: Cow<'static, str>,
    },
    /// Another process, or another handle in this one, has the database open. Close that one first.
    Locked {
        /// The lock file.
        path: PathBuf,
        /// The process that holds it, as it wrote there itself.
        holder: Option<u32>,
    },
    /// There is no such database or keyspace. Check the name, or ask for it to be created.
    NotFound {
        /// What was looked for, and where.
        what: String,
    },
    /// The call asked for something that cannot be. Nothing was changed; correct the call.
    InvalidArgument {
        /// What is wrong with it, with the limit.
        what: String,
    },
    /// The database was opened read-only. Open it for writing.
    ReadOnly,
    /// An earlier failure left it unknown what is durable, so writing has stopped; reads go on. Close and open again.
    Poisoned {
        /// The failure.
        cause: Arc<Error>,
    },
    /// A background job panicked: the cause of a [`Error::Poisoned`]. Report it: a component, or the engine, has a bug. Nothing acknowledged is lost.
    Panicked {
        /// What it said.
        message: String,
    },
    /// The database was closed through another handle.
    Closed,
    /// The data was written by a newer version. Use that version; nothing was changed.
    FormatTooNew {
        /// Which file.
        path: PathBuf,
        /// What this version does not know.
        what: Cow<'static, str>,
    },
}

/// The result of every engine operation.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn invalid_argument(what: impl Into<String>) -> Error {
        Error::InvalidArgument { what: what.into() }
    }

    pub(crate) fn corruption(path: &Path, offset: u64, what: impl Into<Cow<'static, str>>) -> Error {
        StorageError::corruption(path, offset, what).into()
    }

    pub(crate) fn format_too_new(path: &Path, what: impl Into<Cow<'static, str>>) -> Error {
        StorageError::format_too_new(path, what).into()
    }
}

impl From<StorageError> for Error {
    fn from(error: StorageError) -> Error {
        match error {
            StorageError::Io { op, path, source } => Error::Io { op, path, source },
            StorageError::NoSpace { op, path, source } => Error::NoSpace { op, path, source },
            StorageError::Corruption { path, offset, what } => Error::Corruption { path, offset, what },
            StorageError::FormatTooNew { path, what } => Error::FormatTooNew { path, what },
            StorageError::InvalidArgument { what } => Error::InvalidArgument { what },
            other => Error::InvalidArgument { what: other.to_string() },
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Io { op, path, .. } => write!(f, "{op} failed path={}", path.display()),
            Error::NoSpace { op, path, .. } => {
                write!(f, "{op} failed because the disk is full; free some space path={}", path.display())
            }
            Error::Corruption { path, offset, what } => {
                write!(
                    f,
                    "damaged file: {what}; restore it from a copy path={} offset={offset}",
                    path.display()
                )
            }
            Error::Locked { path, holder: Some(pid) } => {
                write!(
                    f,
                    "the database is open in process {pid}; close it there first path={}",
                    path.display()
                )
            }
            Error::Locked { path, holder: None } => {
                write!(f, "the database is open elsewhere; close it there first path={}", path.display())
            }
            Error::NotFound { what } | Error::InvalidArgument { what } => f.write_str(what),
            Error::ReadOnly => f.write_str("the database was opened read-only"),
            Error::Poisoned { .. } => f.write_str(
                "writing has stopped after an earlier failure; close the database and open it again",
            ),
            Error::Panicked { message } => write!(f, "a background job panicked: {message}"),
            Error::Closed => f.write_str("the database is closed"),
            Error::FormatTooNew { path, what } => {
                write!(f, "written by a newer version: {what} path={}", path.display())
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Io { source, .. } | Error::NoSpace { source, .. } => Some(&**source),
            Error::Poisoned { cause } => Some(&**cause),
            _ => None,
        }
    }
}
