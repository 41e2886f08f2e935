//! Logs in memory: what a log costs without a disk.

use std::path::Path;

use siltstone_types::Result;
use siltstone_vfs::MemFs;
use siltstone_wal::{LogId, LogWriter, Payload, Purpose, Record, WriterOptions};

/// An empty log.
///
/// # Errors
///
/// Those of the writer.
pub fn create() -> Result<LogWriter> {
    let id = LogId { purpose: Purpose::WRITE_AHEAD, number: 1, identity: [0; 16] };
    LogWriter::create(&MemFs::new(), Path::new("/000001.log"), id, WriterOptions::default())
}

/// Appends payloads, so many at a time. Their crc is computed here too, as each writer does for its own.
///
/// # Errors
///
/// Those of the writer.
pub fn append(log: &mut LogWriter, payloads: &[Vec<u8>], records_per_group: usize) -> Result<()> {
    let mut records = Vec::with_capacity(records_per_group);
    for group in payloads.chunks(records_per_group) {
        records.extend(group.iter().map(|payload| Record { tag: 1, payload: Payload::new(payload) }));
        log.append(&records)?;
        records.clear();
    }
    Ok(())
}
