//! Round trips and refusals of the batch encoding.

use std::time::Duration;

use proptest::{collection::vec, prelude::*};
use siltstone_types::{Expiring, Kind, SequenceNumber};

use super::{
    WriteBatch,
    format::{Batch, BatchEntry, Broken},
};

fn first() -> SequenceNumber {
    SequenceNumber::new(7).unwrap()
}

/// The worked example of `docs/format/batch.md`.
const EXAMPLE: &[u8] = b"\x01\x02\0\0\0\x01\0\x01k\x01v\x02\xac\x02\x03old";

#[test]
fn the_example_of_the_document_decodes() {
    let batch = Batch::decode(EXAMPLE, first()).unwrap();
    let entries: Vec<_> = batch.entries().map(|(sequence, entry)| (sequence.get(), entry)).collect();
    let put = BatchEntry { keyspace: 0, kind: Kind::Put, key: b"k", value: b"v" };
    let delete = BatchEntry { keyspace: 300, kind: Kind::Delete, key: b"old", value: b"" };
    assert_eq!(entries, [(7, put), (8, delete)]);
    assert_eq!((batch.count(), batch.last().get()), (2, 8));
}

/// The second example: a put that expires.
const EXPIRING: &[u8] = b"\x01\x01\0\0\0\x07\0\x01k\x07\x80\xd0\x95\xff\xbc\x31v";

#[test]
fn the_example_that_expires_decodes_and_encodes() {
    let batch = Batch::decode(EXPIRING, first()).unwrap();
    let (_, entry) = batch.entries().next().unwrap();
    assert_eq!((entry.kind, entry.key), (Kind::ExpiringPut, &b"k"[..]));
    let expected = Expiring { expires_at_unix_ms: 1_700_000_000_000, value: b"v" };
    assert_eq!(Expiring::decode(entry.value), Ok(expected));
    let mut again = WriteBatch::new();
    again.put_expiring("k", "v", 1_700_000_000_000);
    assert_eq!(again.payload().unwrap(), EXPIRING);
    assert_eq!(again.user_bytes(), 2, "what the user wrote");
}

/// What is done to a key.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Write {
    Put(Vec<u8>),
    Expiring(Vec<u8>, u64),
    WithTtl(Vec<u8>, u64),
    Delete,
}

fn writes() -> impl Strategy<Value = Vec<(Vec<u8>, Write)>> {
    let value = || vec(any::<u8>(), 0..200);
    let time = (any::<u64>(), 0_u32..64).prop_map(|(time, shift)| time >> shift);
    let write = prop_oneof![
        value().prop_map(Write::Put),
        (value(), time).prop_map(|(value, time)| Write::Expiring(value, time)),
        (value(), 0..u64::from(u32::MAX)).prop_map(|(value, ttl_ms)| Write::WithTtl(value, ttl_ms)),
        Just(Write::Delete),
    ];
    vec((vec(any::<u8>(), 0..40), write), 1..50)
}

fn batch_of(writes: &[(Vec<u8>, Write)]) -> WriteBatch {
    let mut batch = WriteBatch::new();
    for (key, write) in writes {
        match write {
            Write::Put(value) => batch.put(key, value),
            Write::Expiring(value, time) => batch.put_expiring(key, value, *time),
            Write::WithTtl(value, ttl_ms) => batch.put_with_ttl(key, value, Duration::from_millis(*ttl_ms)),
            Write::Delete => batch.delete(key),
        };
    }
    batch
}

fn decoded(batch: &WriteBatch) -> Vec<(Vec<u8>, Write)> {
    let decoded = Batch::decode(batch.payload().unwrap(), first()).unwrap();
    let write = |entry: &BatchEntry<'_>| match entry.kind {
        Kind::Put => Write::Put(entry.value.to_vec()),
        Kind::ExpiringPut => {
            let Expiring { expires_at_unix_ms, value } = Expiring::decode(entry.value).unwrap();
            Write::Expiring(value.to_vec(), expires_at_unix_ms)
        }
        _ => Write::Delete,
    };
    decoded.entries().map(|(_, entry)| (entry.key.to_vec(), write(&entry))).collect()
}

proptest! {
    #[test]
    fn what_is_put_in_comes_out(writes in writes(), now: u32, of_keyspace in prop_oneof![Just(0), 1..1000_u64]) {
        let batch = batch_of(&writes);
        let now = u64::from(now);
        let stamped = batch.stamped(now, |_| of_keyspace).unwrap();
        let expected: Vec<_> = writes
            .iter()
            .cloned()
            .map(|(key, write)| match write {
                Write::Put(value) if of_keyspace > 0 => (key, Write::Expiring(value, now + of_keyspace)),
                Write::WithTtl(value, ttl_ms) => (key, Write::Expiring(value, now + ttl_ms)),
                other => (key, other),
            })
            .collect();
        prop_assert_eq!(&decoded(&stamped), &expected);
        let expires = |writes: &[(Vec<u8>, Write)]| writes.iter().any(|(_, write)| matches!(write, Write::Expiring(..)));
        prop_assert_eq!(stamped.is_expiring(), expires(&expected));
        prop_assert!(!stamped.has_ttl());
        prop_assert_eq!((stamped.len(), stamped.user_bytes()), (batch.len(), batch.user_bytes()));
        let has_ttl = writes.iter().any(|(_, write)| matches!(write, Write::WithTtl(..)));
        prop_assert_eq!(batch.has_ttl(), has_ttl);
        if !has_ttl {
            prop_assert_eq!(decoded(&batch), writes);
        }
    }

    #[test]
    fn any_bytes_decode_or_are_refused(bytes in vec(any::<u8>(), 0..200)) {
        if let Ok(batch) = Batch::decode(&bytes, first()) {
            prop_assert_eq!(batch.entries().count(), batch.count() as usize);
        }
    }
}

#[test]
fn every_cut_of_a_batch_is_refused() {
    for example in [EXAMPLE, EXPIRING] {
        for len in 0..example.len() {
            assert!(Batch::decode(&example[..len], first()).is_err(), "{len} bytes were taken for a batch");
        }
    }
}

#[test]
fn each_rule_has_a_witness() {
    let broken = |edit: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = EXAMPLE.to_vec();
        edit(&mut bytes);
        Batch::decode(&bytes, first()).unwrap_err()
    };
    assert_eq!(broken(&|bytes| bytes.truncate(4)), Broken::ShortHeader);
    assert_eq!(broken(&|bytes| bytes[0] = 2), Broken::Version(2));
    assert!(broken(&|bytes| bytes[0] = 2).is_too_new());
    assert!(!broken(&|bytes| bytes[0] = 0).is_too_new());
    assert_eq!(broken(&|bytes| bytes[5] = 0), Broken::UnknownKind(0));
    assert_eq!(broken(&|bytes| bytes[5] = 8), Broken::UnknownKind(8));
    assert!(broken(&|bytes| bytes[5] = 3).is_too_new());
    assert!(
        matches!(broken(&|bytes| bytes[13] = 0), Broken::Varint(_)),
        "0xac 0x00 is not the shortest form"
    );
    assert_eq!(broken(&|bytes| bytes[14] = 9), Broken::ShortEntry);
    assert_eq!(broken(&|bytes| bytes[1] = 1), Broken::Count);
    assert_eq!(broken(&|bytes| bytes[1] = 3), Broken::Count);
    assert_eq!(broken(&|bytes| bytes.push(0)), Broken::Count);
    let expiring = |value: &[u8]| {
        let bytes = [&EXPIRING[..9], &[u8::try_from(value.len()).unwrap()], value].concat();
        Batch::decode(&bytes, first()).map(|batch| batch.count())
    };
    assert_eq!(expiring(&[5]), Ok(1));
    for no_time in [&[][..], &[0x80], &[0x80, 0], &[0xff; 10]] {
        assert!(matches!(expiring(no_time), Err(Broken::Varint(_))), "{no_time:?} is no time");
    }
    let long_key = [&EXAMPLE[..7], &[0x81, 0x80, 0x04], &vec![b'x'; 65_537], &[0]].concat();
    assert_eq!(Batch::decode(&long_key, first()), Err(Broken::Length));
    assert_eq!(Batch::decode(EXAMPLE, SequenceNumber::MAX), Err(Broken::Sequence));
}

#[test]
fn limits_are_kept_before_anything_is_encoded() {
    let mut batch = WriteBatch::new();
    batch.put(vec![0; 65_536], "fits").put("", "");
    assert_eq!(Batch::decode(batch.payload().unwrap(), first()).unwrap().count(), 2);
    batch.put(vec![0; 65_537], "does not");
    let error = batch.payload().unwrap_err().to_string();
    assert!(error.contains("65537") && error.contains("65536"), "{error}");
    batch.clear();
    assert!(batch.is_empty() && batch.payload().is_ok());
}
