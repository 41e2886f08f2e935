//! Memory of a memtable: handed out in order, never moved, and given back with the table.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering},
};

use siltstone_types::Slice;

/// Chunks, each a sixteenth larger than the one before: hundreds of terabytes of words in all.
const CHUNK_COUNT: usize = GROUP_CHUNKS * GROUP_COUNT;
/// Chunks whose places are made together: an arena that is empty, or small, must cost little.
const GROUP_CHUNKS: usize = 16;
const GROUP_COUNT: usize = 28;
/// Elements of the first chunk: few, as many databases have many small tables.
const FIRST_ELEMENTS: u64 = 64;
/// Low bits of an address: the place in the chunk.
const PLACE_BITS: u32 = 48;

/// Elements of each chunk.
const SIZES: [u64; CHUNK_COUNT] = sizes();

const fn sizes() -> [u64; CHUNK_COUNT] {
    let mut sizes = [FIRST_ELEMENTS; CHUNK_COUNT];
    let mut idx = 1;
    while idx < CHUNK_COUNT {
        sizes[idx] = sizes[idx - 1] + sizes[idx - 1] / 16;
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

/// Elements in chunks that grow with what was taken, so that little more than a sixteenth of it lies idle.
///
/// Threads take from it without waiting for each other, but for whoever asks the allocator for the next chunk. What
/// elements say to whom is the business of those that use them: an address orders nothing.
#[derive(Debug)]
pub(crate) struct Arena<T> {
    groups: [OnceLock<Box<Group<T>>>; GROUP_COUNT],
    /// The address of what is taken next.
    top: AtomicU64,
    /// How much was taken. The address does not say it: what is large passes over chunks, which are then not made.
    taken: AtomicU64,
}

/// Chunks that follow each other. Those that nothing was taken from are not made.
type Group<T> = [OnceLock<Box<[T]>>; GROUP_CHUNKS];

impl<T: Element> Arena<T> {
    /// Nothing is taken yet.
    pub(crate) fn new() -> Arena<T> {
        Arena {
            groups: [const { OnceLock::new() }; GROUP_COUNT],
            // The first element stays unused: its address means that there is none.
            top: AtomicU64::new(1),
            taken: AtomicU64::new(0),
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
        let size = SIZES[taken.chunk()];
        let group = self.groups[taken.chunk() / GROUP_CHUNKS]
            .get_or_init(|| Box::new([const { OnceLock::new() }; GROUP_CHUNKS]));
        let chunk = group[taken.chunk() % GROUP_CHUNKS].get_or_init(|| T::make(index(size)));
        self.taken.fetch_add(count as u64, Ordering::Relaxed);
        (taken, &chunk[taken.place()..][..count])
    }

    /// What lies at an address that was taken here, and all behind it in its chunk.
    pub(crate) fn at(&self, address: Address) -> &[T] {
        let group = self.groups[address.chunk() / GROUP_CHUNKS].get();
        let chunk = group.and_then(|group| group[address.chunk() % GROUP_CHUNKS].get());
        chunk.map_or(&[], |chunk| &chunk[address.place()..])
    }

    /// What was taken costs so many elements: itself, and the sixteenth that may lie idle in the newest chunk.
    pub(crate) fn cost(&self) -> u64 {
        let taken = self.taken.load(Ordering::Relaxed);
        taken + taken / 16
    }
}

/// The first place at or behind an address with so many elements in a row.
fn fitting(top: Address, count: u64) -> Address {
    let mut at = top;
    while at.place() as u64 + count > SIZES[at.chunk()] {
        at = Address::new(at.chunk() + 1, 0);
    }
    at
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// Elements of each chunk that there is.
    fn made(arena: &Arena<AtomicU64>) -> Vec<u64> {
        let groups = arena.groups.iter().filter_map(OnceLock::get);
        groups.flat_map(|group| group.iter()).filter_map(|chunk| Some(chunk.get()?.len() as u64)).collect()
    }

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
        let last = SIZES[CHUNK_COUNT - 1];
        assert!(SIZES.iter().sum::<u64>() * 8 > 100 << 40, "{last} words in the last chunk");
        assert!(last < 1 << PLACE_BITS && (CHUNK_COUNT as u64) < 1 << (u64::BITS - PLACE_BITS));
    }

    #[test]
    fn what_is_larger_than_the_next_chunks_passes_them_over() {
        let arena = Arena::<AtomicU64>::new();
        arena.take(10);
        assert_eq!(arena.take(100_000).1.len(), 100_000);
        assert_eq!(made(&arena).len(), 2, "chunks that are passed over are not made");
        assert_eq!(arena.cost(), 100_010 + 100_010 / 16, "and cost nothing");
    }

    #[test]
    fn what_is_made_is_what_it_costs() {
        let arena = Arena::<AtomicU64>::new();
        for _ in 0..100_000 {
            arena.take(30);
            let (cost, made) = (arena.cost(), made(&arena));
            // The ends of chunks are too short for what comes, and the first chunk is not full at first.
            let ends = FIRST_ELEMENTS + 30 * made.len() as u64;
            let made: u64 = made.iter().sum();
            assert!(made <= cost + ends && cost <= made + made / 16, "{made} are made, at a cost of {cost}");
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
        assert!(arena.cost() >= 4 * 20_000 * 3);
    }
}
