//! Round trips and refusals of the batch encoding.

use proptest::{collection::vec, option, prelude::*};
use siltstone_types::{Kind, SequenceNumber};

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

proptest! {
    #[test]
    fn what_is_put_in_comes_out(writes in vec((vec(any::<u8>(), 0..40), option::of(vec(any::<u8>(), 0..200))), 1..50)) {
        let mut batch = WriteBatch::new();
        for (key, value) in &writes {
            match value {
                Some(value) => batch.put(key, value),
                None => batch.delete(key),
            };
        }
        let decoded = Batch::decode(batch.payload().unwrap(), first()).unwrap();
        let back: Vec<_> = decoded
            .entries()
            .map(|(_, entry)| (entry.key.to_vec(), (entry.kind == Kind::Put).then(|| entry.value.to_vec())))
            .collect();
        prop_assert_eq!(back, writes);
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
    for len in 0..EXAMPLE.len() {
        assert!(Batch::decode(&EXAMPLE[..len], first()).is_err(), "{len} bytes were taken for a batch");
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
