//! A small tree in the proportions of a large one: as many memtables of data, in fewer bytes.

use siltstone_benches::units::{self, number};

use crate::shape::Shape;

/// The most that a small tree holds, so that a measured cell takes seconds.
const DATA_BYTES_MAX: u64 = 48 << 20;
/// The largest entries: amplifications depend on how many memtables the data fills, not on how many entries that are.
const ENTRY_BYTES_MAX: u64 = 4096;
/// The smallest memtable that is still worth a table.
const MEMTABLE_BYTES_MIN: u64 = 64 << 10;

/// Sizes of the small tree, and those they stand for.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Scale {
    pub(crate) keys: u32,
    pub(crate) key_bytes: u64,
    pub(crate) value_bytes: u64,
    pub(crate) memtable_bytes: u64,
    /// How much smaller everything is, at most 1.
    pub(crate) factor: f64,
    pub(crate) real: Real,
}

/// What advice is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Real {
    /// Keys and values, each once.
    pub(crate) data_bytes: u64,
    pub(crate) memtable_bytes: u64,
}

impl Real {
    /// Half a memtable, as the defaults are.
    pub(crate) fn table_bytes(self) -> u64 {
        (self.memtable_bytes / 2).max(1)
    }
}

impl Scale {
    /// At most so many keys.
    pub(crate) fn new(shape: &Shape, real: Real, keys_max: u32) -> Scale {
        let key_bytes = shape.key_bytes.clamp(1, ENTRY_BYTES_MAX / 2);
        let value_bytes = shape.value_bytes.min(ENTRY_BYTES_MAX - key_bytes);
        let entry_bytes = key_bytes + value_bytes;
        let data_bytes = (u64::from(keys_max) * entry_bytes).min(DATA_BYTES_MAX).min(real.data_bytes);
        let keys = u32::try_from(data_bytes / entry_bytes).unwrap_or(keys_max).max(1);
        let factor = number(u64::from(keys) * entry_bytes) / number(real.data_bytes.max(1));
        let memtable_bytes = scaled(real.memtable_bytes, factor).max(MEMTABLE_BYTES_MIN);
        Scale { keys, key_bytes, value_bytes, memtable_bytes, factor, real }
    }

    /// As large as a memtable: not half of it, as in the large tree, so that what each file costs weighs less.
    pub(crate) fn table_bytes(&self) -> u64 {
        self.memtable_bytes
    }

    /// So many bytes of the large tree, in the small one.
    pub(crate) fn bytes(&self, bytes: u64) -> u64 {
        scaled(bytes, self.factor)
    }

    /// In a sentence.
    pub(crate) fn words(&self) -> String {
        format!(
            "{} keys of {} and values of {}, memtable and tables of {}: the proportions of {} of data with a memtable of {}",
            units::grouped(self.keys.into()),
            units::bytes(self.key_bytes),
            units::bytes(self.value_bytes),
            units::bytes(self.memtable_bytes),
            units::bytes(self.real.data_bytes),
            units::bytes(self.real.memtable_bytes)
        )
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the factor is from 0 to 1, so the product is within the integer"
)]
fn scaled(bytes: u64, factor: f64) -> u64 {
    (number(bytes) * factor.clamp(0.0, 1.0)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const REAL: Real = Real { data_bytes: 10 << 30, memtable_bytes: 64 << 20 };

    fn shape(key_bytes: u64, value_bytes: u64) -> Shape {
        Shape { key_bytes, ..Shape::named("overwrite", value_bytes).unwrap() }
    }

    #[test]
    fn proportions_are_kept() {
        let scale = Scale::new(&shape(16, 100), REAL, 200_000);
        assert_eq!(scale.keys, 200_000);
        let memtables = number(200_000 * 116) / number(scale.memtable_bytes);
        assert!((memtables - 160.0).abs() < 0.5, "{memtables}");
        assert_eq!(scale.bytes(10 << 30), 200_000 * 116);
    }

    #[test]
    fn large_values_and_small_databases_stay_within_bounds() {
        let large = Scale::new(&shape(16, 10 << 20), REAL, 200_000);
        assert_eq!((large.value_bytes, large.keys), (4080, 12_288));
        let small =
            Scale::new(&shape(16, 100), Real { data_bytes: 1 << 20, memtable_bytes: 64 << 20 }, 200_000);
        assert_eq!(small.keys, (1 << 20) / 116);
        assert!(small.factor <= 1.0 && small.memtable_bytes <= 64 << 20);
        let keys = Scale::new(&shape(60_000, 0), REAL, 200_000);
        assert_eq!((keys.key_bytes, keys.value_bytes), (2048, 0));
        let tiny = Scale::new(&shape(16, 100), REAL, 1_000);
        assert_eq!(tiny.memtable_bytes, MEMTABLE_BYTES_MIN);
    }
}
