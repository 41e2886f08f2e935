//! `LevelDB` behind the trait, through the C interface of the library that the system has.

use std::{
    ffi::{CStr, CString, c_char, c_int, c_void},
    fs,
    os::unix::ffi::OsStrExt as _,
    path::Path,
    ptr::{self, NonNull},
    slice,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use siltstone::{Clock as _, OsClock};
use siltstone_benches::{
    cell::Cell,
    store::{Cursor, Store, View, Write},
};

use crate::quiet;

/// What the library keeps behind its pointers.
#[repr(C)]
struct Opaque {
    private: [u8; 0],
}

type Handle = *mut Opaque;

// Those of `leveldb/c.h` of version 1.23 that are used. A `char**` takes a message that was allocated, or stays null.
#[expect(unsafe_code, reason = "there is no other interface to a library in C")]
#[link(name = "leveldb")]
unsafe extern "C" {
    fn leveldb_open(options: Handle, name: *const c_char, error: *mut *mut c_char) -> Handle;
    fn leveldb_close(db: Handle);
    fn leveldb_write(db: Handle, options: Handle, batch: Handle, error: *mut *mut c_char);
    fn leveldb_put(
        db: Handle,
        options: Handle,
        key: *const c_char,
        key_len: usize,
        value: *const c_char,
        value_len: usize,
        error: *mut *mut c_char,
    );
    fn leveldb_delete(
        db: Handle,
        options: Handle,
        key: *const c_char,
        key_len: usize,
        error: *mut *mut c_char,
    );
    fn leveldb_get(
        db: Handle,
        options: Handle,
        key: *const c_char,
        key_len: usize,
        value_len: *mut usize,
        error: *mut *mut c_char,
    ) -> *mut c_char;
    fn leveldb_create_iterator(db: Handle, options: Handle) -> Handle;
    fn leveldb_iter_destroy(iter: Handle);
    fn leveldb_iter_valid(iter: Handle) -> u8;
    fn leveldb_iter_seek_to_first(iter: Handle);
    fn leveldb_iter_seek_to_last(iter: Handle);
    fn leveldb_iter_seek(iter: Handle, key: *const c_char, key_len: usize);
    fn leveldb_iter_next(iter: Handle);
    fn leveldb_iter_prev(iter: Handle);
    fn leveldb_iter_key(iter: Handle, len: *mut usize) -> *const c_char;
    fn leveldb_iter_value(iter: Handle, len: *mut usize) -> *const c_char;
    fn leveldb_iter_get_error(iter: Handle, error: *mut *mut c_char);
    fn leveldb_writebatch_create() -> Handle;
    fn leveldb_writebatch_destroy(batch: Handle);
    fn leveldb_writebatch_put(
        batch: Handle,
        key: *const c_char,
        key_len: usize,
        value: *const c_char,
        value_len: usize,
    );
    fn leveldb_writebatch_delete(batch: Handle, key: *const c_char, key_len: usize);
    fn leveldb_options_create() -> Handle;
    fn leveldb_options_destroy(options: Handle);
    fn leveldb_options_set_create_if_missing(options: Handle, value: u8);
    fn leveldb_options_set_write_buffer_size(options: Handle, bytes: usize);
    fn leveldb_options_set_max_file_size(options: Handle, bytes: usize);
    fn leveldb_options_set_block_size(options: Handle, bytes: usize);
    fn leveldb_options_set_cache(options: Handle, cache: Handle);
    fn leveldb_options_set_filter_policy(options: Handle, policy: Handle);
    fn leveldb_options_set_compression(options: Handle, codec: c_int);
    fn leveldb_cache_create_lru(bytes: usize) -> Handle;
    fn leveldb_cache_destroy(cache: Handle);
    fn leveldb_filterpolicy_create_bloom(bits_per_key: c_int) -> Handle;
    fn leveldb_filterpolicy_destroy(policy: Handle);
    fn leveldb_readoptions_create() -> Handle;
    fn leveldb_readoptions_destroy(options: Handle);
    fn leveldb_readoptions_set_verify_checksums(options: Handle, value: u8);
    fn leveldb_writeoptions_create() -> Handle;
    fn leveldb_writeoptions_destroy(options: Handle);
    fn leveldb_writeoptions_set_sync(options: Handle, value: u8);
    fn leveldb_free(pointer: *mut c_void);
    safe fn leveldb_major_version() -> c_int;
    safe fn leveldb_minor_version() -> c_int;
}

/// Calls functions of the library. Every handle that is passed was made by the matching function, was not destroyed, and is destroyed once, by the owner's `Drop`; every pointer to
/// bytes is passed with their length, and the library copies what it keeps.
macro_rules! call {
    ($function:ident($($argument:expr),*)) => {{
        #[expect(unsafe_code, reason = "there is no other interface to a library in C")]
        // SAFETY: see the macro. The library synchronises everything that threads share but iterators and batches, which are not shared.
        let result = unsafe { $function($($argument),*) };
        result
    }};
}

/// That of the library that was found.
pub(crate) fn version() -> String {
    format!("{}.{}", leveldb_major_version(), leveldb_minor_version())
}

/// A handle of the library with the function that destroys it.
struct Owned(Handle, unsafe extern "C" fn(Handle));

impl Drop for Owned {
    fn drop(&mut self) {
        let destroy = self.1;
        call!(destroy(self.0));
    }
}

/// A database. Fields are dropped from the first to the last: the database before what it uses.
pub(crate) struct LevelDb {
    db: Owned,
    writes: Owned,
    loads: Owned,
    reads: Owned,
    _options: Owned,
    _cache: Owned,
    _filter: Option<Owned>,
}

#[expect(unsafe_code, reason = "the compiler does not look behind pointers")]
// SAFETY: `leveldb/db.h` says that threads may share a database without synchronisation; options are only read.
unsafe impl Sync for LevelDb {}

impl LevelDb {
    fn write<'a>(&self, writes: impl IntoIterator<Item = Write<'a>>, options: &Owned) -> Result<()> {
        let batch = Owned(call!(leveldb_writebatch_create()), leveldb_writebatch_destroy);
        for write in writes {
            match write {
                Write::Put(key, value) => {
                    call!(leveldb_writebatch_put(batch.0, bytes(key), key.len(), bytes(value), value.len()));
                }
                Write::Delete(key) => call!(leveldb_writebatch_delete(batch.0, bytes(key), key.len())),
            }
        }
        checked(|error| call!(leveldb_write(self.db.0, options.0, batch.0, error)))
    }
}

fn bytes(bytes: &[u8]) -> *const c_char {
    bytes.as_ptr().cast()
}

/// Calls with room for a message, which is an error if there is one then.
fn checked<T>(call: impl FnOnce(*mut *mut c_char) -> T) -> Result<T> {
    let mut message = ptr::null_mut();
    let result = call(&raw mut message);
    if message.is_null() {
        return Ok(result);
    }
    #[expect(unsafe_code, reason = "there is no other interface to a library in C")]
    // SAFETY: the library has put a string there that ends with a zero, and does not touch it any more.
    let words = unsafe { CStr::from_ptr(message) }.to_string_lossy().into_owned();
    call!(leveldb_free(message.cast()));
    bail!("leveldb: {words}")
}

/// Bytes that the library lends.
fn lent<'a>(pointer: *const c_char, len: usize) -> &'a [u8] {
    if pointer.is_null() {
        return &[];
    }
    #[expect(unsafe_code, reason = "there is no other interface to a library in C")]
    // SAFETY: the library says so many bytes are there. Callers give them the lifetime of what they borrowed to get them.
    unsafe {
        slice::from_raw_parts(pointer.cast(), len)
    }
}

impl Store for LevelDb {
    type View<'a> = &'a LevelDb;

    fn open(cell: &Cell, dir: &Path) -> Result<LevelDb> {
        fs::create_dir_all(dir)?;
        let name = CString::new(dir.as_os_str().as_bytes()).context("the folder's name has a zero in it")?;
        let options = Owned(call!(leveldb_options_create()), leveldb_options_destroy);
        let cache_bytes = usize::try_from(cell.cache_bytes.0)?;
        let cache = Owned(call!(leveldb_cache_create_lru(cache_bytes)), leveldb_cache_destroy);
        call!(leveldb_options_set_create_if_missing(options.0, 1));
        call!(leveldb_options_set_write_buffer_size(options.0, usize::try_from(cell.memtable_bytes.0)?));
        call!(leveldb_options_set_max_file_size(options.0, usize::try_from(cell.table_bytes.0)?));
        call!(leveldb_options_set_block_size(options.0, usize::try_from(cell.block_bytes.0)?));
        call!(leveldb_options_set_cache(options.0, cache.0));
        call!(leveldb_options_set_compression(options.0, c_int::from(cell.compression.0 != "none")));
        #[expect(clippy::cast_possible_truncation, reason = "bits are at most 64")]
        let bits = cell.filter_bits.round() as c_int;
        let filter = (bits > 0)
            .then(|| Owned(call!(leveldb_filterpolicy_create_bloom(bits)), leveldb_filterpolicy_destroy));
        if let Some(filter) = &filter {
            call!(leveldb_options_set_filter_policy(options.0, filter.0));
        }
        let write_options = || Owned(call!(leveldb_writeoptions_create()), leveldb_writeoptions_destroy);
        let (writes, loads) = (write_options(), write_options());
        call!(leveldb_writeoptions_set_sync(writes.0, u8::from(cell.syncs())));
        let reads = Owned(call!(leveldb_readoptions_create()), leveldb_readoptions_destroy);
        // The others verify blocks that they read from files, and so does the engine.
        call!(leveldb_readoptions_set_verify_checksums(reads.0, 1));
        let db = checked(|error| call!(leveldb_open(options.0, name.as_ptr(), error)))?;
        let db = Owned(NonNull::new(db).context("leveldb gave no database")?.as_ptr(), leveldb_close);
        Ok(LevelDb { db, writes, loads, reads, _options: options, _cache: cache, _filter: filter })
    }

    fn put(&self, key: &[u8], value: &[u8]) -> Result<()> {
        let (db, options) = (self.db.0, self.writes.0);
        checked(|error| {
            call!(leveldb_put(db, options, bytes(key), key.len(), bytes(value), value.len(), error));
        })
    }

    fn delete(&self, key: &[u8]) -> Result<()> {
        checked(|error| call!(leveldb_delete(self.db.0, self.writes.0, bytes(key), key.len(), error)))
    }

    fn write_batch<'a>(&self, writes: impl IntoIterator<Item = Write<'a>>) -> Result<()> {
        self.write(writes, &self.writes)
    }

    fn load_batch<'a>(&self, writes: impl IntoIterator<Item = Write<'a>>) -> Result<()> {
        self.write(writes, &self.loads)
    }

    fn view(&self) -> Result<&LevelDb> {
        Ok(self)
    }

    fn settle(&self) -> Result<Duration> {
        // There is no call that flushes alone: what is in the memtable stays there.
        quiet::wait(OsClock.monotonic(), || Ok(false))
    }

    fn close(self) -> Result<()> {
        Ok(())
    }
}

/// An iterator, which keeps the database borrowed.
pub(crate) struct Iter<'a> {
    iter: Owned,
    _db: &'a LevelDb,
}

impl Iter<'_> {
    fn valid(&self) -> bool {
        call!(leveldb_iter_valid(self.iter.0)) != 0
    }

    /// What ends a walk may be an error.
    fn moved(&self) -> Result<()> {
        if self.valid() { Ok(()) } else { checked(|error| call!(leveldb_iter_get_error(self.iter.0, error))) }
    }
}

impl View for &LevelDb {
    type Cursor<'a>
        = Iter<'a>
    where
        Self: 'a;

    fn get_with<T>(&self, key: &[u8], read: impl FnOnce(&[u8]) -> T) -> Result<Option<T>> {
        let mut len = 0;
        let value = checked(|error| {
            call!(leveldb_get(self.db.0, self.reads.0, bytes(key), key.len(), &raw mut len, error))
        })?;
        if value.is_null() {
            return Ok(None);
        }
        let result = read(lent(value, len));
        call!(leveldb_free(value.cast()));
        Ok(Some(result))
    }

    fn cursor(&self) -> Result<Iter<'_>> {
        let iter = Owned(call!(leveldb_create_iterator(self.db.0, self.reads.0)), leveldb_iter_destroy);
        Ok(Iter { iter, _db: self })
    }
}

impl Cursor for Iter<'_> {
    fn first(&mut self) -> Result<()> {
        call!(leveldb_iter_seek_to_first(self.iter.0));
        self.moved()
    }

    fn last(&mut self) -> Result<()> {
        call!(leveldb_iter_seek_to_last(self.iter.0));
        self.moved()
    }

    fn seek(&mut self, key: &[u8]) -> Result<()> {
        call!(leveldb_iter_seek(self.iter.0, bytes(key), key.len()));
        self.moved()
    }

    fn next(&mut self) -> Result<()> {
        // It may only be moved while it stands on an entry.
        if self.valid() {
            call!(leveldb_iter_next(self.iter.0));
        }
        self.moved()
    }

    fn prev(&mut self) -> Result<()> {
        if self.valid() {
            call!(leveldb_iter_prev(self.iter.0));
        }
        self.moved()
    }

    fn entry(&self) -> Option<(&[u8], &[u8])> {
        if !self.valid() {
            return None;
        }
        let (mut key_len, mut value_len) = (0, 0);
        let key = call!(leveldb_iter_key(self.iter.0, &raw mut key_len));
        let value = call!(leveldb_iter_value(self.iter.0, &raw mut value_len));
        Some((lent(key, key_len), lent(value, value_len)))
    }
}
