//! Random entries, with all that makes keys and versions difficult.

use siltstone_types::{Expiring, InternalKey, Kind, SequenceNumber, Tag};

use crate::Rng;

/// An entry of its own: user key, tag, value.
pub type Owned = (Vec<u8>, Tag, Vec<u8>);

/// The internal key of an entry.
pub fn key_of((user_key, tag, _): &Owned) -> InternalKey<'_> {
    InternalKey { user_key, tag: *tag }
}

/// `count` random entries in internal-key order, without duplicates.
///
/// Sequence numbers are unique. Keys have one to many versions, share prefixes of all lengths, are prefixes
/// of each other, and hold zeros and `0xff`; the empty key is among them from 8 entries on, and some have
/// thousands of bytes. One entry in five is a tombstone, one in ten expires, some values are empty, and some
/// are longer than a block.
pub fn random(seed: u64, count: usize) -> Vec<Owned> {
    let mut rng = Rng::new(seed);
    let mut sequences: Vec<u64> = (1..=count as u64).map(|n| n * 3).collect();
    rng.shuffle(&mut sequences);
    let mut user_keys: Vec<Vec<u8>> = Vec::new();
    let mut entries = Vec::with_capacity(count);
    for raw in sequences {
        let user_key = if entries.is_empty() && count >= 8 {
            Vec::new()
        } else if !user_keys.is_empty() && rng.one_in(3) {
            rng.pick(&user_keys).clone()
        } else {
            random_key(&mut rng, &user_keys)
        };
        let kind = if rng.one_in(5) { Kind::Delete } else { Kind::Put };
        let value = if kind == Kind::Put { random_value(&mut rng) } else { Vec::new() };
        // Some of the puts, by their numbers: nothing else that is drawn depends on it.
        let (kind, value) = if kind == Kind::Put && raw % 8 == 0 {
            (Kind::ExpiringPut, expiring(raw, &value))
        } else {
            (kind, value)
        };
        let sequence = SequenceNumber::new(raw).unwrap_or_else(|| unreachable!("counts of tests are small"));
        user_keys.push(user_key.clone());
        entries.push((user_key, Tag::new(sequence, kind), value));
    }
    entries.sort_by(|a, b| key_of(a).cmp(&key_of(b)));
    entries
}

fn random_key(rng: &mut Rng, earlier: &[Vec<u8>]) -> Vec<u8> {
    let mut key = match rng.below(16) {
        0..4 => format!("user:{:04}", rng.below(10_000)).into_bytes(),
        4..7 => [b"a/shared/prefix/of/some/length/".as_slice(), &short(rng)].concat(),
        7..11 if !earlier.is_empty() => {
            let mut relative = rng.pick(earlier).clone();
            relative.truncate(rng.between(0, relative.len()));
            relative.extend(short(rng));
            relative
        }
        11 => vec![*rng.pick(&[0, 0xff]); rng.between(1, 12)],
        _ => {
            let len = rng.between(1, 24);
            rng.bytes(len)
        }
    };
    if rng.one_in(64) {
        let len = rng.between(200, 5_000);
        key.extend(std::iter::repeat_n(b'x', len));
    }
    key
}

fn short(rng: &mut Rng) -> Vec<u8> {
    let len = rng.between(0, 3);
    (0..len).map(|_| *rng.pick(&[0, 1, b'a', b'b', 0xfe, 0xff])).collect()
}

fn random_value(rng: &mut Rng) -> Vec<u8> {
    let len = match rng.below(64) {
        0..8 => 0,
        8..40 => rng.between(1, 20),
        40..63 => rng.between(21, 200),
        _ => rng.between(1_000, 10_000),
    };
    rng.bytes(len)
}

fn expiring(raw: u64, value: &[u8]) -> Vec<u8> {
    let expires_at_unix_ms = match raw / 8 % 4 {
        0 => 0,
        1 => 128,
        2 => 1_700_000_000_000 + raw,
        _ => u64::MAX,
    };
    let mut stored = Vec::new();
    Expiring { expires_at_unix_ms, value }.encode(&mut stored);
    stored
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_sorted_unique_and_difficult() {
        let seed = crate::seed();
        for count in [0, 1, 2, 10, 2_000] {
            let entries = random(seed, count);
            assert_eq!(entries.len(), count);
            assert!(entries.is_sorted_by(|a, b| key_of(a) < key_of(b)));
            assert_eq!(entries, random(seed, count), "the seed decides");
        }
        let entries = random(seed, 2_000);
        assert!(entries.windows(2).filter(|pair| pair[0].0 == pair[1].0).count() > 200, "versions");
        assert!(entries.iter().any(|(user_key, ..)| user_key.is_empty()), "the empty key");
        assert!(entries.iter().any(|(user_key, ..)| user_key.len() > 200), "long keys");
        assert!(entries.iter().any(|(_, tag, _)| tag.kind() == Some(Kind::Delete)), "tombstones");
        assert!(entries.iter().any(|(_, tag, value)| tag.kind() == Some(Kind::Put) && value.is_empty()));
        let expiring = entries.iter().filter(|(_, tag, _)| tag.kind() == Some(Kind::ExpiringPut));
        assert!(expiring.clone().count() > 100, "entries that expire");
        assert!(expiring.clone().all(|(_, _, value)| Expiring::decode(value).is_ok()));
        let prefixes =
            entries.windows(2).filter(|pair| pair[0].0 != pair[1].0 && pair[1].0.starts_with(&pair[0].0));
        assert!(prefixes.count() > 50, "keys that are prefixes of others");
    }
}
