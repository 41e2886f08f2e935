//! A file of given bytes.

use std::{io::IoSlice, path::Path};

use siltstone_vfs::{Fs, MemFs};

/// A file system with one file, at [`path`].
pub(super) fn fs_with(bytes: &[u8]) -> MemFs {
    let fs = MemFs::new();
    let written = fs.create(path()).and_then(|file| file.write_at(&[IoSlice::new(bytes)], 0));
    assert!(written.is_ok(), "memory takes every write: {written:?}");
    fs
}

/// Where the file is.
pub(super) fn path() -> &'static Path {
    Path::new("/000003.input")
}
