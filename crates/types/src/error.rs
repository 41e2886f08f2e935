//! The error of every crate below the engine.

use std::{
    borrow::Cow,
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

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
    /// The disk (or quota) is full. Free some space and try again.
    NoSpace {
        /// What was attempted.
        op: &'static str,
        /// On which file.
        path: PathBuf,
        /// The cause.
        source: Arc<io::Error>,
    },
    /// The bytes are not what the format says they must be. Do not retry; restore the file from a copy.
    Corruption {
        /// Which file.
        path: PathBuf,
        /// Where in it, in bytes from the start.
        offset: u64,
        /// Which rule is broken.
        what: Cow<'static, str>,
    },
    /// The file was written by a newer version. Use that version.
    FormatTooNew {
        /// Which file.
        path: PathBuf,
        /// What this version does not know.
        what: Cow<'static, str>,
    },
    /// The caller asked for something that cannot be. Nothing was changed.
    InvalidArgument {
        /// What is wrong with it, with the limit.
        what: String,
    },
}

/// The result of every crate below the engine.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An operating-system error on a path; a full disk becomes [`Error::NoSpace`].
    pub fn io(op: &'static str, path: &Path, source: io::Error) -> Error {
        let full = matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        let (path, source) = (path.to_owned(), Arc::new(source));
        if full { Error::NoSpace { op, path, source } } else { Error::Io { op, path, source } }
    }

    /// Damage at an offset of a file.
    pub fn corruption(path: &Path, offset: u64, what: impl Into<Cow<'static, str>>) -> Error {
        Error::Corruption { path: path.to_owned(), offset, what: what.into() }
    }

    /// Something in a file that only a newer version knows.
    pub fn format_too_new(path: &Path, what: impl Into<Cow<'static, str>>) -> Error {
        Error::FormatTooNew { path: path.to_owned(), what: what.into() }
    }

    /// True for [`Error::Corruption`].
    pub fn is_corruption(&self) -> bool {
        matches!(self, Error::Corruption { .. })
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
                write!(f, "damaged file: {what} path={} offset={offset}", path.display())
            }
            Error::FormatTooNew { path, what } => {
                write!(f, "written by a newer version: {what} path={}", path.display())
            }
            Error::InvalidArgument { what } => f.write_str(what),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Io { source, .. } | Error::NoSpace { source, .. } => Some(&**source),
            Error::Corruption { .. } | Error::FormatTooNew { .. } | Error::InvalidArgument { .. } => None,
        }
    }
}

/// Says what an [`io::Error`] was about.
pub trait IoResultExt<T> {
    /// Adds the operation and the path.
    fn on(self, op: &'static str, path: &Path) -> Result<T>;
}

impl<T> IoResultExt<T> for io::Result<T> {
    fn on(self, op: &'static str, path: &Path) -> Result<T> {
        self.map_err(|source| Error::io(op, path, source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_apart_from_other_failures() {
        let failed: io::Result<()> = Err(io::ErrorKind::StorageFull.into());
        let full = failed.on("append", Path::new("wal/000001.log")).unwrap_err();
        assert!(matches!(full, Error::NoSpace { op: "append", .. }), "{full:?}");
        assert!(full.to_string().ends_with("path=wal/000001.log"), "{full}");
        let failed: io::Result<()> = Err(io::ErrorKind::PermissionDenied.into());
        assert!(matches!(failed.on("open", Path::new("x")), Err(Error::Io { .. })));
    }
}
