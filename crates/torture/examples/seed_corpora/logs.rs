//! Logs: finished, open, preallocated, recycled, and damaged between whole records.

use std::{error::Error, path::Path};

use siltstone_vfs::{Fs, MemFs};
use siltstone_wal::{
    LogId, LogWriter, Payload, Predecessors, Purpose, Record, WriterOptions,
    format::{FILE_HEADER_BYTES, RECORD_HEADER_BYTES},
};

use crate::Seed;

const PATH: &str = "/000003.log";

/// Appends records with these payloads, a sync after each, and may end the log. Returns the file.
pub(crate) fn log(
    id: LogId,
    payloads: &[Vec<u8>],
    preallocate_bytes: u64,
    finish: bool,
) -> Result<Vec<u8>, Box<dyn Error>> {
    let (fs, path) = (MemFs::new(), Path::new(PATH));
    let options = WriterOptions { preallocate_bytes, reserve_bytes: 0, predecessors: Predecessors::Synced };
    let mut writer = LogWriter::create(&fs, path, id, options)?;
    for (tag, payload) in (1..).zip(payloads) {
        writer.append(&[Record { tag, payload: Payload::new(payload) }])?;
        writer.sync()?;
    }
    if finish {
        writer.finish()?;
    }
    let file = fs.open(path)?;
    let mut bytes = vec![0; usize::try_from(file.len()?)?];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

pub(crate) fn logs() -> Result<Vec<Seed>, Box<dyn Error>> {
    let id = |number| LogId { purpose: Purpose::WRITE_AHEAD, number, identity: *b"0123456789abcdef" };
    let payloads: Vec<Vec<u8>> = [&b"abc"[..], b"", &[7; 90], b"last"].map(<[u8]>::to_vec).to_vec();
    let open = log(id(3), &payloads, 0, false)?;
    let finished = log(id(3), &payloads, 0, true)?;
    let mut recycled = log(id(2), &[vec![1; 60], vec![2; 300]], 0, true)?;
    let young = log(id(3), &payloads[..1], 0, false)?;
    recycled[..young.len()].copy_from_slice(&young);
    // The record of the empty payload: its crc, or that of the payload behind it, stays wrong when crcs are repaired.
    let second_at = FILE_HEADER_BYTES + RECORD_HEADER_BYTES + 3;
    let third_at = second_at + RECORD_HEADER_BYTES;
    let with = |at: usize, new: &[u8]| {
        let mut bytes = finished.clone();
        bytes[at..at + new.len()].copy_from_slice(new);
        bytes
    };
    let mut no_promise = open.clone();
    for at in [second_at, third_at, third_at + RECORD_HEADER_BYTES + 90] {
        no_promise[at + 25..at + 33].fill(0);
    }
    no_promise[second_at..second_at + 4].copy_from_slice(b"torn");
    let framed = [&[3, 0][..], b"abc", &[0, 0], &[4, 0], b"last"].concat();
    Ok(vec![
        ("empty", Vec::new()),
        ("header-only", log(id(3), &[], 0, false)?),
        ("open", open.clone()),
        ("finished", finished.clone()),
        ("preallocated", log(id(3), &payloads, 1_000, false)?),
        ("recycled", recycled),
        ("torn-tail", open[..open.len() - 2].to_vec()),
        ("torn-header-before-a-promise", with(second_at, b"torn")),
        ("torn-payload-before-a-promise", with(third_at + 4, b"torn")),
        ("torn-crc-of-an-empty-payload", with(second_at + 4, b"torn")),
        ("torn-without-a-promise", no_promise),
        ("length-of-4-gib", with(third_at + 8, &[0xff; 4])),
        ("length-past-the-end", with(third_at + 8, &1_000_u32.to_le_bytes())),
        ("kind-to-skip", with(second_at + 12, &[0x81])),
        ("kind-too-new", with(second_at + 12, &[9])),
        ("ordinal-jumps", with(third_at + 13, &[7])),
        ("version-2", with(8, &[2])),
        ("payloads", framed),
    ])
}
