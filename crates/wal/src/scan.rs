//! Looks behind an invalid record: for later ones, for promises, and for what is lost.
#![deny(clippy::indexing_slicing)]

use siltstone_types::Result;

use crate::{
    format::{FileSeed, RECORD_HEADER_BYTES, find_headers, names_another_log},
    source::Source,
};

/// What lies behind an invalid record.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Tail {
    /// The largest promise of a header behind it; 0 when there is none.
    pub(crate) promise: u64,
    /// Where that ends which was written to this log, as far as one can see; 0 for nothing.
    pub(crate) dropped_end: u64,
    /// Offset behind the last byte that is not zero; 0 when all are.
    pub(crate) nonzero_end: u64,
}

/// Scans everything from `offset`, where there is no valid record.
pub(crate) fn scan_tail(source: &mut Source, offset: u64, seed: FileSeed, number: u64) -> Result<Tail> {
    let mut tail = Tail::default();
    let file_bytes = source.file_bytes();
    let earlier_life = names_another_log(source.load(offset, RECORD_HEADER_BYTES)?, number);
    let mut at = offset;
    loop {
        let bytes = source.load(at, RECORD_HEADER_BYTES)?;
        // Zeros, the unwritten rest of a preallocated file, are the common case: no header is tried in them.
        if let Some(last) = bytes.iter().rposition(|&byte| byte != 0) {
            tail.nonzero_end = at + last as u64 + 1;
            for (found_at, header) in find_headers(bytes, at, seed, number) {
                let end = header.end(found_at).unwrap_or(file_bytes).min(file_bytes);
                tail.dropped_end = tail.dropped_end.max(end);
                if found_at > offset && header.promise_fits(found_at) {
                    tail.promise = tail.promise.max(header.synced_to);
                }
            }
        }
        if bytes.len() < RECORD_HEADER_BYTES {
            break;
        }
        at += (bytes.len() - RECORD_HEADER_BYTES) as u64 + 1;
    }
    if tail.dropped_end == 0 && !earlier_life {
        tail.dropped_end = tail.nonzero_end;
    }
    Ok(tail)
}

/// Offset of the first header at or behind `from` that satisfies rules 6 to 8.
pub(crate) fn find_header(
    source: &mut Source,
    mut from: u64,
    seed: FileSeed,
    number: u64,
) -> Result<Option<u64>> {
    loop {
        let bytes = source.load(from, RECORD_HEADER_BYTES)?;
        if bytes.len() < RECORD_HEADER_BYTES {
            return Ok(None);
        }
        if let Some((found, _)) = find_headers(bytes, from, seed, number).next() {
            return Ok(Some(found));
        }
        from += (bytes.len() - RECORD_HEADER_BYTES) as u64 + 1;
    }
}
