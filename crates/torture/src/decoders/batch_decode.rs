//! Write batches: what decodes is what the page says, and encodes to the same bytes.

use siltstone::batch_format::Batch;
use siltstone_types::SequenceNumber;

use crate::plain::batch::{self, Entry, Verdict};

/// Decodes a write batch, the payload of a log record.
///
/// The input is tried as it is, with its version and count made right, and behind a sequence number that its first bytes choose.
///
/// # Panics
///
/// When the decoder and the page disagree, or the entries encode to other bytes.
pub fn batch_decode(data: &[u8]) {
    check(data, 1);
    check(&repaired(data), 1);
    if let Some((&[a, b, c, d, e, f, g], payload)) = data.split_first_chunk::<7>() {
        let first = u64::from_le_bytes([a, b, c, d, e, f, g, 0]);
        check(payload, first);
        check(&repaired(payload), first);
    }
}

fn repaired(payload: &[u8]) -> Vec<u8> {
    let entries = payload.get(5..).unwrap_or_default();
    [&[1], &batch::count(entries).to_le_bytes()[..], entries].concat()
}

fn check(payload: &[u8], first: u64) {
    let Some(first) = SequenceNumber::new(first) else { unreachable!("56 bits") };
    let expected = batch::read(payload, first.get());
    let batch = match Batch::decode(payload, first) {
        Ok(batch) => batch,
        Err(broken) => {
            let verdict = if broken.is_too_new() { Verdict::TooNew } else { Verdict::Damaged };
            assert_eq!(verdict, expected, "{broken}");
            return;
        }
    };
    let found: Vec<(SequenceNumber, Entry<'_>)> = batch
        .entries()
        .map(|(sequence, entry)| (sequence, (entry.kind as u8, entry.keyspace, entry.key, entry.value)))
        .collect();
    let entries: Vec<Entry<'_>> = found.iter().map(|(_, entry)| *entry).collect();
    assert_eq!(batch::write(entries.iter().copied()), payload, "the entries encode to other bytes");
    assert_eq!(Verdict::Valid(entries), expected);
    assert_eq!(u64::from(batch.count()), found.len() as u64);
    let numbers = (first.get()..).zip(&found).all(|(expected, (sequence, _))| sequence.get() == expected);
    assert!(numbers, "sequence numbers count up from the first");
    assert_eq!((batch.first(), Some(batch.last())), (first, found.last().map(|(sequence, _)| *sequence)));
}
