//! Standard output, with errors that say that it was standard output.

use std::{
    fmt,
    io::{self, BufWriter, StdoutLock, Write},
};

/// Standard output, buffered: flush it before the command is done.
#[derive(Debug)]
pub(crate) struct Output(BufWriter<StdoutLock<'static>>);

impl Output {
    pub(crate) fn new() -> Output {
        Output(BufWriter::with_capacity(64 << 10, io::stdout().lock()))
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(named)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(named)
    }
}

/// What went wrong with standard output.
#[derive(Debug)]
struct Failure(io::Error);

/// The kind stays, because a closed pipe is no failure (`status.rs`).
fn named(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), Failure(error))
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "writing to standard output failed: {}; what was printed is not complete", self.0)
    }
}

impl std::error::Error for Failure {}
