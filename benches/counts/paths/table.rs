//! Paths within tables: checksums, filters, blocks.

use std::hint::black_box;

use siltstone_benches::{Outcome, Pairs, blocks, filters};
use siltstone_bloom::{Bloom, FilterPolicy as _};
use siltstone_sstable::{BlockCursor, EntryKind};
use siltstone_testkit::Rng;
use siltstone_types::InternalKey;

use super::Prepared;

const KEYS: usize = 10_000;
/// How often what takes few instructions is repeated.
const ROUNDS: usize = 100;

/// Checksums of one block.
pub(super) fn crc() -> Outcome<Prepared> {
    let bytes = Rng::new(17).bytes(blocks::BLOCK_BYTES);
    Prepared::new(ROUNDS, move || {
        (0..ROUNDS).for_each(|_| {
            black_box(crc32c::crc32c(black_box(&bytes)));
        });
        Ok(bytes.len())
    })
}

/// Making a filter.
pub(super) fn filter_add() -> Outcome<Prepared> {
    let hashes = filters::hashes(&Pairs::new(KEYS).present);
    Prepared::new(KEYS, move || Ok(filters::build(black_box(&hashes))?.len()))
}

/// Asking a filter for what it has.
pub(super) fn filter_hit() -> Outcome<Prepared> {
    let hashes = filters::hashes(&Pairs::new(KEYS).present);
    ask(&hashes.clone(), hashes)
}

/// Asking a filter for what it has not.
pub(super) fn filter_miss() -> Outcome<Prepared> {
    let pairs = Pairs::new(KEYS);
    ask(&filters::hashes(&pairs.present), filters::hashes(&pairs.absent))
}

fn ask(present: &[u64], asked: Vec<u64>) -> Outcome<Prepared> {
    let filter = Bloom::default().open(&filters::build(present)?)?;
    Prepared::new(KEYS, move || {
        let answers = asked.iter().map(|hash| filter.may_contain(black_box(*hash)));
        Ok(answers.filter(|answer| *answer).count())
    })
}

/// Writing a table.
pub(super) fn encode() -> Outcome<Prepared> {
    let pairs = Pairs::new(KEYS);
    Prepared::new(KEYS, move || {
        black_box(blocks::build(pairs.iter())?);
        Ok(pairs.present.len())
    })
}

/// Walking over a block.
pub(super) fn decode() -> Outcome<Prepared> {
    let block = blocks::first(&Pairs::new(1000))?;
    let entries = blocks::keys(&block)?.len();
    Prepared::new(entries * ROUNDS, move || {
        let mut bytes = 0;
        for _ in 0..ROUNDS {
            bytes += blocks::walk(black_box(&block))?;
        }
        Ok(bytes)
    })
}

/// Seeking every key of a block.
pub(super) fn seek() -> Outcome<Prepared> {
    let block = blocks::first(&Pairs::new(1000))?;
    let keys = blocks::keys(&block)?;
    let mut cursor = BlockCursor::new(block, EntryKind::Data);
    Prepared::new(keys.len() * ROUNDS, move || {
        let keys = Pairs::shuffled(&keys);
        let mut bytes = 0;
        for key in keys.iter().cycle().take(keys.len() * ROUNDS) {
            cursor.seek(InternalKey::before(black_box(key))).map_err(blocks::error)?;
            bytes += cursor.value().len();
        }
        Ok(bytes)
    })
}
