//! What to do about a failure, where its message does not say so itself.

use std::io::{self, ErrorKind};

use siltstone::Error;
use siltstone_types::Error as StorageError;

/// A failure with its causes, and advice for whoever typed the command.
pub(crate) fn message(error: &anyhow::Error) -> String {
    let causes = error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
    advice(error).map_or_else(|| causes.clone(), |advice| format!("{causes}; {advice}"))
}

fn advice(error: &anyhow::Error) -> Option<&'static str> {
    if let Some(error) = error.downcast_ref::<Error>() {
        return of_engine(error);
    }
    // `dump` reads files without the engine, whose message would say what to do about damage.
    match error.downcast_ref::<StorageError>() {
        Some(StorageError::Corruption { .. }) => return Some("restore it from a copy"),
        Some(other) => return of_engine(&Error::from(other.clone())),
        None => {}
    }
    error.downcast_ref::<io::Error>().and_then(|error| of_io(error.kind()))
}

fn of_engine(error: &Error) -> Option<&'static str> {
    match error {
        Error::Io { source, .. } => {
            of_io(source.kind()).or(Some("look at the cause, and try again when it is gone"))
        }
        Error::InvalidArgument { .. } => Some("nothing was changed; correct it and try again"),
        Error::Corruption { path, .. } if path.ends_with("OPTIONS") => {
            Some("a configuration file with [settings] opens the database without it")
        }
        Error::FormatTooNew { .. } => Some("use the version of siltstone that wrote it"),
        Error::ReadOnly => Some("use a command that writes"),
        // Their messages say it.
        _ => None,
    }
}

fn of_io(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::NotFound => Some("check the path"),
        ErrorKind::PermissionDenied => Some("check who may read and write there"),
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            Some("something else is where a directory is needed: move it, or name another path")
        }
        ErrorKind::IsADirectory => Some("name a file"),
        ErrorKind::ReadOnlyFilesystem => Some("name a place that can be written"),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Some("free some space"),
        ErrorKind::FileTooLarge => Some("raise the limit of file sizes"),
        _ => None,
    }
}
