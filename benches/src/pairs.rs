//! Keys that are there, keys that are not, and values.

use siltstone_testkit::Rng;

/// Length of every value.
pub const VALUE_BYTES: usize = 100;

/// Keys and values of a benchmark. Each key has 20 bytes, and shares 4 or more with its neighbours.
#[derive(Clone, Debug)]
pub struct Pairs {
    /// Keys that are there, ascending.
    pub present: Vec<Vec<u8>>,
    /// As many keys that are not there, each right behind a present one: all but the last lie between the
    /// first and the last key of a table, so that its range does not tell that they are absent.
    pub absent: Vec<Vec<u8>>,
    /// The values of the present keys, of [`VALUE_BYTES`] random bytes.
    pub values: Vec<Vec<u8>>,
}

impl Pairs {
    /// So many pairs, from a fixed seed.
    pub fn new(count: usize) -> Pairs {
        let mut rng = Rng::new(17);
        let mut numbers: Vec<u64> = (0..count).map(|_| rng.next_u64() & !1).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let key = |number: u64| format!("key {number:016x}").into_bytes();
        Pairs {
            present: numbers.iter().map(|&number| key(number)).collect(),
            absent: numbers.iter().map(|&number| key(number | 1)).collect(),
            values: numbers.iter().map(|_| rng.bytes(VALUE_BYTES)).collect(),
        }
    }

    /// The pairs, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.present.iter().map(Vec::as_slice).zip(self.values.iter().map(Vec::as_slice))
    }

    /// The keys in a random order, the same each time.
    pub fn shuffled(keys: &[Vec<u8>]) -> Vec<&[u8]> {
        let mut keys: Vec<_> = keys.iter().map(Vec::as_slice).collect();
        Rng::new(18).shuffle(&mut keys);
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_what_they_are_said_to_be() {
        let pairs = Pairs::new(1000);
        assert_eq!([pairs.present.len(), pairs.absent.len(), pairs.values.len()], [1000; 3]);
        assert!(pairs.present.is_sorted_by(|a, b| a < b));
        let mut of_both = pairs.present.iter().zip(&pairs.absent);
        assert!(of_both.all(|(present, absent)| present < absent && present.len() == 20));
        assert!(pairs.absent.iter().all(|absent| pairs.present.binary_search(absent).is_err()));
        assert!(pairs.values.iter().all(|value| value.len() == VALUE_BYTES));
        // Figures of two builds can only be compared when this never changes. From another implementation.
        assert_eq!(pairs.present[0], b"key 0027cc52f00de23c");
        assert_eq!(Pairs::shuffled(&pairs.present)[0], b"key 0652ba608d7c15ea");
    }
}
