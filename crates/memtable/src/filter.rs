//! Says of nearly every absent key that it is absent, so that the list need not be searched, which costs dozens of cache lines.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering},
};

use siltstone_types::KeyHash;

use crate::cost;

/// Segments, each for four times as many entries as the one before: enough for 89 million entries with room for each; the last one takes what comes then.
const SEGMENT_COUNT: usize = 10;
/// Entries that the first segment is for.
const FIRST_ENTRIES: u64 = 256;
/// Sixteen bits for an entry.
const ENTRIES_PER_WORD: u64 = 4;
/// Bits that an entry sets in its word.
const PROBE_COUNT: u32 = 5;
/// A place in a word takes so many bits of the hash.
const PROBE_BITS: u32 = u64::BITS.ilog2();

/// A Bloom filter of hashes that grows with the number of entries, and that threads add to and ask without waiting for each other.
///
/// An entry's bits all lie in one word (a blocked filter: Putze, Sanders and Singler, "Cache-, hash- and space-efficient Bloom filters", WEA 2007), so adding touches one cache
/// line. Growing moves nothing: new entries go to the newest segment, and a question goes to all. What was added before is found by whoever sees the entry:
/// both are one thread's writes, and the bits come first.
#[derive(Default, Debug)]
pub(crate) struct GrowingFilter {
    segments: [OnceLock<Box<[AtomicU64]>>; SEGMENT_COUNT],
}

impl GrowingFilter {
    /// Adds the hash of an entry, given how many entries there were before, about. Returns the bytes that this took.
    pub(crate) fn add(&self, hash: KeyHash, entries_before: u64) -> u64 {
        let segment_idx = segment_for(entries_before);
        let mut new_bytes = 0;
        let segment = self.segments.get(segment_idx).and_then(OnceLock::get);
        let segment = segment.or_else(|| {
            // Those below too, if threads that counted alike have passed over one: a question ends at the first that is not there.
            for (idx, segment) in self.segments.iter().enumerate().take(segment_idx + 1) {
                segment.get_or_init(|| {
                    let words = new_segment(idx);
                    new_bytes += cost::allocation(size_of_val(&*words)) as u64;
                    words
                });
            }
            self.segments.get(segment_idx).and_then(OnceLock::get)
        });
        if let Some(word) = segment.and_then(|segment| word_of(segment, hash)) {
            let bits = bits_of(hash);
            // Looked at first: versions of a key that is written again and again change nothing.
            if word.load(Ordering::Relaxed) & bits != bits {
                word.fetch_or(bits, Ordering::Relaxed);
            }
        }
        new_bytes
    }

    /// False when no entry with this hash was added.
    pub(crate) fn may_contain(&self, hash: KeyHash) -> bool {
        let bits = bits_of(hash);
        let segments = self.segments.iter().map_while(OnceLock::get);
        segments
            .filter_map(|segment| word_of(segment, hash))
            .any(|word| word.load(Ordering::Relaxed) & bits == bits)
    }
}

/// The segment for entry number `entry`: segment n is for those from `FIRST_ENTRIES` * (4^n - 1) / 3 on.
fn segment_for(entry: u64) -> usize {
    let position = entry.saturating_mul(3) / FIRST_ENTRIES + 1;
    (position.ilog2() / 2).try_into().unwrap_or(SEGMENT_COUNT).min(SEGMENT_COUNT - 1)
}

fn new_segment(idx: usize) -> Box<[AtomicU64]> {
    let word_count = (FIRST_ENTRIES / ENTRIES_PER_WORD) << (2 * idx);
    (0..word_count).map(|_| AtomicU64::new(0)).collect()
}

/// The word is chosen by bits that choose no place in it.
fn word_of(segment: &[AtomicU64], hash: KeyHash) -> Option<&AtomicU64> {
    let high = usize::try_from(hash.get() >> (PROBE_COUNT * PROBE_BITS)).unwrap_or_default();
    segment.get(high & segment.len().wrapping_sub(1))
}

fn bits_of(hash: KeyHash) -> u64 {
    (0..PROBE_COUNT)
        .fold(0, |bits, probe| bits | 1 << (hash.get() >> (probe * PROBE_BITS) & u64::from(u64::BITS - 1)))
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn hash(number: u64) -> KeyHash {
        KeyHash::of(&number.to_le_bytes())
    }

    #[test]
    fn what_was_added_is_found_and_nearly_nothing_else() {
        // Right behind a segment's end, in the middle and at the end of the next.
        for count in [0, 1, 255, 257, 5_000, 21_760, 87_000, 100_000] {
            let filter = GrowingFilter::default();
            (0..count).for_each(|number| {
                filter.add(hash(number), number);
            });
            assert!((0..count).all(|number| filter.may_contain(hash(number))), "{count}");
            let wrong = (0..100_000).filter(|number| filter.may_contain(hash(1 << 40 | number))).count();
            assert!(wrong < 3_000, "{wrong} of 100,000 among {count}");
        }
    }

    #[test]
    fn segments_follow_each_other_and_the_last_takes_the_rest() {
        let starts = [0, 256, 1_280, 5_376, 21_760, 87_296];
        for (idx, &start) in starts.iter().enumerate() {
            assert_eq!(segment_for(start), idx);
            assert_eq!(start.checked_sub(1).map(segment_for), idx.checked_sub(1));
        }
        assert_eq!(segment_for(u64::MAX), SEGMENT_COUNT - 1);
    }

    #[test]
    fn it_takes_two_to_twelve_bytes_for_an_entry() {
        let filter = GrowingFilter::default();
        let mut bytes = 0;
        for number in 0..100_000 {
            bytes += filter.add(hash(number), number);
            let of_one = bytes / (number + 1);
            assert!(number < 300 || (1..=12).contains(&of_one), "{of_one} bytes for each of {number}");
        }
    }

    #[test]
    fn a_segment_that_everyone_has_passed_over_does_not_hide_the_next() {
        let filter = GrowingFilter::default();
        filter.add(hash(1), 0);
        filter.add(hash(2), 5_000);
        assert!(filter.may_contain(hash(1)) && filter.may_contain(hash(2)));
    }

    #[test]
    fn threads_lose_nothing_of_each_other() {
        // Small filters, so that threads meet in the same words, and many, so that they meet often. They wait for each other without sleeping, or the
        // first to wake would be done before the other one begins.
        let filters: Vec<_> = (0..2_000).map(|_| GrowingFilter::default()).collect();
        let arrived = AtomicU64::new(0);
        let own = |writer: u64, number: u64| hash(writer << 32 | number);
        thread::scope(|scope| {
            for writer in 0..2 {
                let (filters, arrived) = (&filters, &arrived);
                scope.spawn(move || {
                    for (filter, round) in filters.iter().zip(1..) {
                        arrived.fetch_add(1, Ordering::AcqRel);
                        while arrived.load(Ordering::Acquire) < 2 * round {
                            thread::yield_now();
                        }
                        (0..250).for_each(|number| {
                            filter.add(own(writer, number), number);
                        });
                    }
                });
            }
        });
        let all = || (0..2).flat_map(|writer| (0..250).map(move |number| own(writer, number)));
        let lost = |filter: &GrowingFilter| all().filter(|hash| !filter.may_contain(*hash)).count();
        assert_eq!(filters.iter().map(lost).sum::<usize>(), 0);
    }
}
