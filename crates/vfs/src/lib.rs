//! File systems behind one trait. (README follows.)

mod fs;

pub use fs::{Advice, FileLock, Fs, Metadata, ReadFile, WriteFile};
