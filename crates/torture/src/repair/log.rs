//! Repairs the crcs of a log, and makes logs out of payloads.

use crc32c::crc32c;

use super::put;
use crate::plain::{
    field,
    log::{DATA, END, FILE_HEADER, HEADER, MAGIC, record_crc},
    offset, u32_at,
};

/// A record whose crc is this is left as it is, so that an input can hold damage between whole records.
pub(crate) const LEFT_BROKEN: [u8; 4] = *b"torn";

/// Makes the crcs of the file header, of each record header and of each payload right. Lengths, numbers and promises stay what they are.
pub(crate) fn repaired(file: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    let crc = crc32c(file.get(..40).unwrap_or_default());
    put(&mut file, 40, &crc.to_le_bytes());
    let seed = u32_at(&file, 40).unwrap_or(0);
    let mut at = FILE_HEADER;
    while let Some(payload_bytes) = u32_at(&file, at + 8) {
        let payload_at = at + HEADER;
        let payload_end = payload_at.saturating_add(payload_bytes as usize);
        let payload = file.get(payload_at..payload_end).map(crc32c);
        if let Some(crc) = payload.filter(|_| field(&file, at + 4) != Some(LEFT_BROKEN)) {
            put(&mut file, at + 4, &crc.to_le_bytes());
        }
        let crc = record_crc(&file, at, seed);
        if let Some(crc) = crc.filter(|_| field(&file, at) != Some(LEFT_BROKEN)) {
            put(&mut file, at, &crc.to_le_bytes());
        }
        // Behind a payload that the file does not hold, the next record may begin at once.
        at = if payload.is_some() { payload_end } else { payload_at };
    }
    file
}

/// A finished log with one record for each payload. The input gives a length (16 bits) before each.
pub(crate) fn framed(purpose: u32, mut data: &[u8]) -> Vec<u8> {
    let mut file = [MAGIC, &1_u32.to_le_bytes()[..], &purpose.to_le_bytes(), &[0; 28]].concat();
    let mut ordinal = 0;
    while let Some((length, rest)) = data.split_first_chunk::<2>() {
        let length = usize::from(u16::from_le_bytes(*length)).min(rest.len());
        let (payload, rest) = rest.split_at(length);
        push(&mut file, DATA, ordinal, u64::from(ordinal) + 1, payload);
        (data, ordinal) = (rest, ordinal + 1);
    }
    push(&mut file, END, ordinal, u64::from(ordinal), &[]);
    repaired(&file)
}

/// Appends a record without its crcs. It promises what precedes it.
fn push(file: &mut Vec<u8>, kind: u8, ordinal: u32, tag: u64, payload: &[u8]) {
    let synced_to = offset(file.len());
    file.extend_from_slice(&[0; 8]);
    file.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
    file.push(kind);
    file.extend_from_slice(&ordinal.to_le_bytes());
    file.extend_from_slice(&[0; 8]);
    file.extend_from_slice(&synced_to.to_le_bytes());
    file.extend_from_slice(&tag.to_le_bytes());
    file.extend_from_slice(payload);
}
