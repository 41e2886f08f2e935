//! The formats once more, read as their pages in docs/format say and as plainly as can be: what the decoders are compared with.

pub(crate) mod batch;
pub(crate) mod block;
pub(crate) mod filter;
pub(crate) mod log;
pub(crate) mod state;
pub(crate) mod varint;

/// A fixed-width field.
pub(crate) fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// A `u32` field.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    field(bytes, at).map(u32::from_le_bytes)
}

/// A `u64` field.
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    field(bytes, at).map(u64::from_le_bytes)
}

/// A length of bytes in memory as a file offset.
pub(crate) fn offset(bytes: usize) -> u64 {
    bytes as u64
}
