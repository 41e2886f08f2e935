//! Reads and checks the blocks of one file.
#![deny(clippy::indexing_slicing)]

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use siltstone_types::{Error, IoResultExt, Result, Slice};
use siltstone_vfs::ReadFile;

use crate::{
    Broken, CodecId, Codecs, Handle,
    format::{BLOCK_BYTES_MAX, FOOTER_BYTES, Place, Role, TRAILER_BYTES, Trailer},
};

/// A table's file, with what is needed to check its blocks.
#[derive(Debug)]
pub(crate) struct BlockFile {
    pub(crate) file: Arc<dyn ReadFile>,
    pub(crate) path: PathBuf,
    pub(crate) file_bytes: u64,
    pub(crate) id_crc: u32,
    pub(crate) codecs: Codecs,
}

impl BlockFile {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads a block from the file; returns its raw bytes.
    pub(crate) fn read(&self, handle: Handle, role: Role) -> Result<Slice> {
        self.open(&self.read_stored(handle)?, handle, role)
    }

    /// Checks and decompresses a block, given its stored bytes and its trailer.
    pub(crate) fn open(&self, bytes: &Slice, handle: Handle, role: Role) -> Result<Slice> {
        self.try_open(bytes, handle, role).map_err(|broken| broken.at(&self.path, handle.offset))
    }

    /// The trailer of a block, whose crc is checked, but which is not decompressed.
    pub(crate) fn trailer(&self, handle: Handle, role: Role) -> Result<Trailer> {
        Trailer::check(&self.read_stored(handle)?, role, Place::new(self.id_crc, handle.offset))
            .map_err(|broken| broken.at(&self.path, handle.offset))
    }

    /// Stored bytes and trailer.
    fn read_stored(&self, handle: Handle) -> Result<Slice> {
        let stored_bytes =
            self.check_handle(handle).map_err(|broken| broken.at(&self.path, handle.offset))?;
        self.read_bytes(handle.offset, stored_bytes + TRAILER_BYTES)
    }

    /// Reads exactly `len` bytes.
    pub(crate) fn read_bytes(&self, offset: u64, len: usize) -> Result<Slice> {
        let read = Slice::build(len, |bytes| self.file.read_exact_at(bytes, offset));
        match read {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(Error::corruption(&self.path, offset, "table rule 4: the file has become shorter"))
            }
            read => read.on("read table", &self.path),
        }
    }

    /// Rule 8, and a bound on what is allocated.
    fn check_handle(&self, handle: Handle) -> std::result::Result<usize, Broken> {
        let end = handle.end().and_then(|end| end.checked_add(FOOTER_BYTES as u64));
        if end.is_none_or(|end| end > self.file_bytes) {
            return Err(Broken::Rule(8, "the block does not lie before the footer"));
        }
        let stored_bytes = handle.stored_bytes as usize;
        if stored_bytes > BLOCK_BYTES_MAX {
            return Err(Broken::Rule(11, "the block's stored length is above the limit"));
        }
        Ok(stored_bytes)
    }

    fn try_open(&self, bytes: &Slice, handle: Handle, role: Role) -> std::result::Result<Slice, Broken> {
        let trailer = Trailer::check(bytes, role, Place::new(self.id_crc, handle.offset))?;
        let stored_bytes = handle.stored_bytes as usize;
        if trailer.codec == CodecId::NONE {
            return Ok(bytes.slice(..stored_bytes));
        }
        let codec = self.codecs.check(trailer, stored_bytes)?;
        let stored = bytes.get(..stored_bytes).unwrap_or_default();
        Slice::build(trailer.raw_bytes as usize, |raw| codec.decompress(stored, raw))
            .map_err(|_| Broken::Rule(12, "the block does not decompress to its raw length"))
    }
}
