//! How replies are written: the shell says what it has to say, a printer decides how that looks.

use std::io;

use crate::shell::{catalogue::Entry, facts::Fact};

/// Writes replies, one after the other.
pub(crate) trait Printer {
    /// An answer that is a word of the protocol: `OK`, `QUEUED`, `PONG`, `(not found)`.
    fn word(&mut self, word: &str) -> io::Result<()>;

    /// The value of a key.
    fn value(&mut self, value: &[u8]) -> io::Result<()>;

    /// One row of a scan.
    fn row(&mut self, key: &[u8], value: &[u8]) -> io::Result<()>;

    /// The end of a scan.
    fn end_of_rows(&mut self, count: u64) -> io::Result<()>;

    /// What a command did.
    fn sentence(&mut self, text: &str) -> io::Result<()>;

    /// Several figures.
    fn facts(&mut self, facts: &[Fact]) -> io::Result<()>;

    /// The keyspaces, one of which is in use.
    fn keyspaces(&mut self, names: &[String], used: &str) -> io::Result<()>;

    /// All commands.
    fn commands(&mut self, entries: &[Entry]) -> io::Result<()>;

    /// One command in detail.
    fn command(&mut self, entry: &Entry) -> io::Result<()>;

    /// What went wrong.
    fn error(&mut self, what: &str) -> io::Result<()>;

    /// Hands everything written to whoever reads it.
    fn flush(&mut self) -> io::Result<()>;
}
