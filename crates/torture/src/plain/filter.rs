//! The filter `fastbloom.1`, by docs/format/sstable.md.

use super::{u32_at, u64_at};

/// A filter whose bytes are valid.
pub(crate) struct Filter<'a> {
    probe_count: u8,
    bits: &'a [u8],
}

/// `None` for bytes that are no filter.
pub(crate) fn read(bytes: &[u8]) -> Option<Filter<'_>> {
    let (&[version, probe_count, r0, r1, ..], Some(words)) = (bytes.first_chunk::<8>()?, u32_at(bytes, 4))
    else {
        return None;
    };
    let bits = bytes.get(8..)?;
    let fits = words >= 1 && bits.len() as u64 == 8 * u64::from(words);
    let valid = version == 1 && (1..=30).contains(&probe_count) && [r0, r1] == [0, 0] && fits;
    valid.then_some(Filter { probe_count, bits })
}

impl Filter<'_> {
    /// The documented probes.
    pub(crate) fn may_contain(&self, hash: u64) -> bool {
        let bit_count = self.bits.len() as u128 * 8;
        let mut h = hash;
        for _ in 0..self.probe_count {
            let bit = (u128::from(h) * bit_count) >> 64;
            let word = usize::try_from(bit / 64).ok().and_then(|word| u64_at(self.bits, word * 8));
            if word.is_none_or(|word| word >> (bit % 64) & 1 == 0) {
                return false;
            }
            h = h.rotate_left(5).wrapping_add(hash.wrapping_mul(0x517c_c1b7_2722_0a95));
        }
        true
    }
}
