//! File systems behind one trait. (README follows.)

mod fs;
mod mem;
mod os;

pub use fs::{Advice, FileLock, Fs, Metadata, ReadFile, WriteFile};
pub use mem::{MemFs, PAGE_BYTES};
pub use os::OsFs;
