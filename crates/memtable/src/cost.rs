//! What entries cost in memory.
//!
//! An allocation costs what was asked for, and 16 bytes: 8 of header, and 8 on average for rounding up to a
//! multiple of 16, as glibc's allocator does. Others differ by a few bytes.

use siltstone_types::Slice;

const ALLOCATION_BYTES: usize = 16;

/// A [`Slice`] keeps so many bytes within itself.
const INLINE_BYTES_MAX: usize = 20;

/// And counts its sharers in front of the bytes when they are more.
const COUNT_BYTES: usize = size_of::<u64>();

/// The cost of an allocation of so many bytes.
pub(crate) const fn allocation(bytes: usize) -> usize {
    bytes + ALLOCATION_BYTES
}

/// What a slice of its own costs, besides itself.
pub(crate) fn behind(slice: &Slice) -> usize {
    if slice.len() <= INLINE_BYTES_MAX { 0 } else { allocation(COUNT_BYTES + slice.len()) }
}
