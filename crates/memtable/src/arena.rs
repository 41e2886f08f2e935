//! Memory of a memtable: handed out in order, never moved, and given back with the table.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering},
};

use siltstone_types::Slice;

/// Chunks, each an eighth larger than the one before: hundreds of terabytes of words in all.
const CHUNK_COUNT: usize = 192;
/// Elements of the first chunk: a page of words.
const FIRST_ELEMENTS: u64 = 512;
/// Low bits of an address: the place in the chunk.
const PLACE_BITS: u32 = 48;

/// Elements of each chunk, and of all before it.
const SIZES: [(u64, u64); CHUNK_COUNT] = sizes();

const fn sizes() -> [(u64, u64); CHUNK_COUNT] {
    let mut sizes = [(FIRST_ELEMENTS, 0); CHUNK_COUNT];
    let mut idx = 1;
    while idx < CHUNK_COUNT {
        let (size, before) = sizes[idx - 1];
        sizes[idx] = (size + size / 8, before + size);
        idx += 1;
    }
    sizes
}

/// Where something lies in an arena. Nothing lies at [`Address::NONE`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Address(u64);

impl Address {
    /// The end of a list.
    pub(crate) const NONE: Address = Address(0);

    /// As it is kept in a word.
    pub(crate) const fn to_word(self) -> u64 {
        self.0
    }

    /// From the word it was kept in; `None` for the end of a list.
    pub(crate) const fn from_word(word: u64) -> Option<Address> {
        if word == Address::NONE.0 { None } else { Some(Address(word)) }
    }

    fn new(chunk: usize, place: u64) -> Address {
        Address((chunk as u64) << PLACE_BITS | place)
    }

    fn chunk(self) -> usize {
        index(self.0 >> PLACE_BITS)
    }

    fn place(self) -> usize {
        index(self.0 & ((1 << PLACE_BITS) - 1))
    }
}

/// Addresses are made from indices. Where they were not, this is behind the end of everything.
fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// What an arena is made of: something that threads may share, and change while they do.
pub(crate) trait Element: Sized {
    /// So many new ones.
    fn make(count: usize) -> Box<[Self]>;
}

/// Words of zero.
impl Element for AtomicU64 {
    fn make(count: usize) -> Box<[AtomicU64]> {
        // The allocator's zeros, which take no time: the words are made where the integers are.
        vec![0; count].into_iter().map(AtomicU64::new).collect()
    }
}

/// Room for slices.
impl Element for OnceLock<Slice> {
    fn make(count: usize) -> Box<[OnceLock<Slice>]> {
        (0..count).map(|_| OnceLock::new()).collect()
    }
}

/// Elements in chunks that grow with what was taken, so that little more than an eighth of it lies idle.
///
/// Threads take from it without waiting for each other, but for whoever asks the allocator for the next chunk. What
/// elements say to whom is the business of those that use them: an address orders nothing.
#[derive(Debug)]
pub(crate) struct Arena<T> {
    chunks: [OnceLock<Box<[T]>>; CHUNK_COUNT],
    /// The address of what is taken next.
    top: AtomicU64,
}

impl<T: Element> Arena<T> {
    /// Nothing is taken yet.
    pub(crate) fn new() -> Arena<T> {
        Arena {
            chunks: [const { OnceLock::new() }; CHUNK_COUNT],
            // The first element stays unused: its address means that there is none.
            top: AtomicU64::new(1),
        }
    }

    /// Takes elements that lie in a row.
    ///
    /// # Panics
    ///
    /// When addresses are used up, which takes more memory than there is.
    pub(crate) fn take(&self, count: usize) -> (Address, &[T]) {
        let mut top = self.top.load(Ordering::Relaxed);
        let taken = loop {
            let taken = fitting(Address(top), count as u64);
            let next = Address(taken.0 + count as u64);
            match self.top.compare_exchange_weak(top, next.0, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => break taken,
                Err(now) => top = now,
            }
        };
        let (size, _) = SIZES[taken.chunk()];
        let chunk = self.chunks[taken.chunk()].get_or_init(|| T::make(index(size)));
        (taken, &chunk[taken.place()..][..count])
    }

    /// What lies at an address that was taken here, and all behind it in its chunk.
    pub(crate) fn at(&self, address: Address) -> &[T] {
        self.chunks[address.chunk()].get().map_or(&[], |chunk| &chunk[address.place()..])
    }

    /// Elements that were taken, and those that were passed over because they were too few for what was taken next.
    pub(crate) fn taken(&self) -> u64 {
        let top = Address(self.top.load(Ordering::Relaxed));
        let (_, before) = SIZES[top.chunk()];
        // One is never used.
        before + top.place() as u64 - 1
    }
}

/// The first place at or behind an address with so many elements in a row.
fn fitting(top: Address, count: u64) -> Address {
    let mut at = top;
    while at.place() as u64 + count > SIZES[at.chunk()].0 {
        at = Address::new(at.chunk() + 1, 0);
    }
    at
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn what_is_taken_lies_apart_and_in_order() {
        let arena = Arena::<AtomicU64>::new();
        let mut taken = Vec::new();
        for number in 1..3_000_u64 {
            let count = index(number % 40);
            let (address, words) = arena.take(count);
            assert_eq!(words.len(), count);
            words.iter().for_each(|word| assert_eq!(word.swap(number, Ordering::Relaxed), 0, "taken twice"));
            taken.push((address, count, number));
        }
        for (address, count, number) in taken {
            let words = &arena.at(address)[..count];
            assert!(words.iter().all(|word| word.load(Ordering::Relaxed) == number));
            assert_ne!(address, Address::NONE);
            assert_eq!(Address::from_word(address.to_word()), Some(address));
        }
        assert_eq!(Address::from_word(Address::NONE.to_word()), None);
    }

    #[test]
    fn there_is_room_for_more_than_any_machine_has() {
        let (last, before) = SIZES[CHUNK_COUNT - 1];
        assert!((last + before) * 8 > 100 << 40, "{last} words behind {before}");
        assert!(last < 1 << PLACE_BITS && (CHUNK_COUNT as u64) < 1 << (u64::BITS - PLACE_BITS));
    }

    #[test]
    fn what_is_larger_than_the_next_chunks_passes_them_over() {
        let arena = Arena::<AtomicU64>::new();
        arena.take(10);
        assert_eq!(arena.take(100_000).1.len(), 100_000);
        let chunks = arena.chunks.iter().filter(|chunk| chunk.get().is_some()).count();
        assert_eq!(chunks, 2, "chunks that are passed over are not made");
    }

    #[test]
    fn an_eighth_and_a_page_lie_idle_at_most() {
        let arena = Arena::<AtomicU64>::new();
        for _ in 0..100_000 {
            arena.take(30);
            let made: u64 = arena.chunks.iter().filter_map(|chunk| Some(chunk.get()?.len() as u64)).sum();
            let taken = arena.taken();
            assert!(taken <= made);
            assert!(made - taken <= taken / 8 + FIRST_ELEMENTS + 30, "{made} are made for {taken}");
        }
    }

    #[test]
    fn threads_take_apart_from_each_other() {
        let arena = Arena::<AtomicU64>::new();
        thread::scope(|scope| {
            for writer in 1..=4_u64 {
                let arena = &arena;
                scope.spawn(move || {
                    for _ in 0..20_000 {
                        let (_, words) = arena.take(3);
                        words.iter().for_each(|word| assert_eq!(word.swap(writer, Ordering::Relaxed), 0));
                    }
                });
            }
        });
        assert!(arena.taken() >= 4 * 20_000 * 3);
    }
}
