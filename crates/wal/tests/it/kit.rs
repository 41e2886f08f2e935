//! Logs as bytes, and bytes as logs.

use std::{io::IoSlice, path::Path, sync::Arc};

use proptest::prelude::ProptestConfig;
use siltstone_types::Result;
use siltstone_vfs::{Fs, MemFs};
use siltstone_wal::{
    Expect, LogId, LogReader, LogWriter, Payload, Predecessors, Purpose, ReadMode, ReadReport, Record,
    WriterOptions,
};

pub(crate) const ID: LogId =
    LogId { purpose: Purpose::WRITE_AHEAD, number: 3, identity: *b"0123456789abcdef" };

pub(crate) const HEADER: usize = siltstone_wal::format::RECORD_HEADER_BYTES;

/// A log that has no earlier ones.
pub(crate) const ALONE: WriterOptions =
    WriterOptions { preallocate_bytes: 0, reserve_bytes: 0, predecessors: Predecessors::Synced };

pub(crate) fn path() -> &'static Path {
    Path::new("/000003.log")
}

pub(crate) fn create(fs: &dyn Fs, options: WriterOptions) -> LogWriter {
    LogWriter::create(fs, path(), ID, options).unwrap()
}

pub(crate) fn record(tag: u64, payload: &[u8]) -> Record<'_> {
    Record { tag, payload: Payload::new(payload) }
}

pub(crate) fn file_bytes(fs: &dyn Fs, path: &Path) -> Vec<u8> {
    let file = fs.open(path).unwrap();
    let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
    file.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

/// A file system with one log of these bytes.
pub(crate) fn fs_with(bytes: &[u8]) -> Arc<MemFs> {
    let fs = MemFs::new();
    put_file(&fs, path(), bytes);
    Arc::new(fs)
}

pub(crate) fn put_file(fs: &dyn Fs, path: &Path, bytes: &[u8]) {
    fs.create(path).unwrap().write_at(&[IoSlice::new(bytes)], 0).unwrap();
}

/// A record as a test remembers it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Kept {
    pub(crate) offset: u64,
    pub(crate) end: u64,
    pub(crate) promise: u64,
    pub(crate) tag: u64,
    pub(crate) payload: Vec<u8>,
}

/// Reads to the end or to an error; what was found until then comes back in either case.
pub(crate) fn read(fs: &dyn Fs, mode: ReadMode) -> (Vec<Kept>, Result<()>, ReadReport) {
    match LogReader::open(fs, path(), Expect::Log(ID), mode) {
        Ok(reader) => drain(reader),
        Err(error) => (Vec::new(), Err(error), ReadReport::default()),
    }
}

pub(crate) fn drain(mut reader: LogReader) -> (Vec<Kept>, Result<()>, ReadReport) {
    let mut records = Vec::new();
    let outcome = loop {
        match reader.next() {
            Ok(Some(found)) => records.push(Kept {
                offset: found.offset,
                end: found.end,
                promise: found.synced_to,
                tag: found.tag,
                payload: found.payload.to_vec(),
            }),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    let again = reader.next().map(|found| found.is_some());
    match &outcome {
        Ok(()) => assert!(matches!(again, Ok(false)), "an end stays an end"),
        Err(error) => {
            assert_eq!(again.unwrap_err().to_string(), error.to_string(), "an error stays an error");
        }
    }
    (records, outcome, reader.report().clone())
}

pub(crate) fn read_bytes(bytes: &[u8], mode: ReadMode) -> (Vec<Kept>, Result<()>, ReadReport) {
    read(&*fs_with(bytes), mode)
}

/// A random test of this many cases, times `WAL_CASES_FACTOR`. A failure prints and keeps its seed.
pub(crate) fn cases(count: u32) -> ProptestConfig {
    let factor = std::env::var("WAL_CASES_FACTOR").map_or(1, |text| text.parse().unwrap());
    ProptestConfig::with_cases(count * factor)
}
