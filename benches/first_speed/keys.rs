//! Keys, values and orders: functions of a number and a seed, the same in every run.

use siltstone_testkit::Rng;

/// Length of a key.
pub(crate) const KEY_BYTES: usize = 16;
/// Length of a value.
pub(crate) const VALUE_BYTES: usize = 100;

/// A key.
pub(crate) type Key = [u8; KEY_BYTES];

/// Key `number` of the database: decimal digits of twice the number, so that there is room for keys that are not there.
///
/// Long numbers with leading zeros are what a skip list likes least: the first eight bytes, which it compares at once, are those of all keys.
pub(crate) fn present(number: u64) -> Key {
    digits(number * 2)
}

/// A key right behind key `number`, which is not in the database.
pub(crate) fn absent(number: u64) -> Key {
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
pub(crate) fn shuffled(count: u64, seed: u64) -> impl Iterator<Item = u64> {
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

/// Values that compress to about half.
pub(crate) struct Values {
    bytes: Vec<u8>,
}

impl Values {
    /// How many different bytes values are cut from.
    const BYTES: usize = 1 << 20;

    pub(crate) fn new() -> Values {
        let mut rng = Rng::new(3);
        let mut bytes = Vec::with_capacity(Values::BYTES);
        while bytes.len() < Values::BYTES {
            bytes.extend(rng.bytes(VALUE_BYTES / 2));
            bytes.extend([b' '; VALUE_BYTES / 2]);
        }
        Values { bytes }
    }

    /// The value of key `number`.
    pub(crate) fn of(&self, number: u64) -> &[u8] {
        // Another start each time; the factor is prime.
        let start =
            usize::try_from(number).unwrap_or_default().wrapping_mul(7919) % (Values::BYTES - VALUE_BYTES);
        self.bytes.get(start..start + VALUE_BYTES).unwrap_or_default()
    }
}
