//! Keys, values and orders: functions of a number and a seed, the same in every run.

use siltstone_testkit::Rng;

/// Length of a key.
pub const KEY_BYTES: usize = 16;
/// Length of a value.
pub const VALUE_BYTES: usize = 100;

/// A key.
pub type Key = [u8; KEY_BYTES];

/// Key `number` of the database: decimal digits of twice the number, so that there is room for keys that are not there.
///
/// Long numbers with leading zeros are what a skip list likes least: the first eight bytes, which it compares at once, are those of all keys.
pub fn present(number: u64) -> Key {
    digits(number * 2)
}

/// A key right behind key `number`, which is not in the database.
pub fn absent(number: u64) -> Key {
    digits(number * 2 + 1)
}

fn digits(mut number: u64) -> Key {
    let mut key = [b'0'; KEY_BYTES];
    for digit in key.iter_mut().rev() {
        let [low, ..] = (number % 10).to_le_bytes();
        *digit += low;
        number /= 10;
    }
    key
}

/// Each number below `count` once, in an order that looks random and takes no memory.
///
/// The numbers below a power of two are put into another order by steps that can each be undone (odd factors and shifts), and those that are too large are left out.
pub fn shuffled(count: u64, seed: u64) -> impl Iterator<Item = u64> {
    let mask = count.next_power_of_two() - 1;
    let half = mask.count_ones().div_ceil(2);
    let mut rng = Rng::new(seed);
    let factors: [u64; 4] = std::array::from_fn(|_| rng.next_u64() | 1);
    let offset = rng.next_u64();
    (0..=mask).filter_map(move |number| {
        let mut number = number.wrapping_add(offset) & mask;
        for factor in factors {
            number = number.wrapping_mul(factor) & mask;
            number ^= number >> half;
        }
        (number < count).then_some(number)
    })
}

/// Values that compress to about half: the first half of each is random, the other is blanks.
#[derive(Debug)]
pub struct Values {
    bytes: Vec<u8>,
    value_bytes: usize,
}

impl Values {
    /// How many different bytes values are cut from, at least.
    const BYTES: usize = 1 << 20;

    /// Values of so many bytes each.
    pub fn new(value_bytes: usize) -> Values {
        let mut rng = Rng::new(3);
        let bytes_min = Values::BYTES.max(value_bytes * 4);
        let mut bytes = Vec::with_capacity(bytes_min + value_bytes);
        while bytes.len() < bytes_min {
            bytes.extend(rng.bytes((value_bytes / 2).max(1)));
            bytes.resize(bytes.len() + value_bytes / 2, b' ');
        }
        Values { bytes, value_bytes }
    }

    /// The value of key `number`.
    pub fn of(&self, number: u64) -> &[u8] {
        // Another start each time; the factor is prime.
        let starts = self.bytes.len() - self.value_bytes;
        let start = usize::try_from(number).unwrap_or_default().wrapping_mul(7919) % starts;
        self.bytes.get(start..start + self.value_bytes).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_once_and_in_disorder() {
        let numbers: Vec<u64> = shuffled(1_000, 1).collect();
        assert!(!numbers.is_sorted());
        let mut sorted = numbers.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..1_000).collect::<Vec<_>>());
    }

    #[test]
    fn values_have_the_size_that_was_asked_for() {
        for value_bytes in [0, 1, 100, 1 << 20] {
            let values = Values::new(value_bytes);
            assert!((0..1_000).all(|number| values.of(number).len() == value_bytes));
        }
        let values = Values::new(100);
        assert_ne!(values.of(1), values.of(2));
    }
}
