//! The versions of each key, newest first, in lists within an arena.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering},
};

use siltstone_types::{Lookup, Slice, Tag};

use crate::{
    answer::answer,
    arena::{Address, Arena},
    cost,
    sync::point,
    words::{WORD_BYTES, copy_in, copy_out, count_for},
};

/// Values up to here lie within the arena, and are copied out. Larger ones have an allocation that readers share.
const COPIED_BYTES_MAX: usize = 4096;

/// Cache lines that are asked for ahead: enough for values of 100 bytes. Of longer ones, the processor has the rest in
/// sight when it copies them.
const LINES_TOUCHED: usize = 3;

/// Words of a version in front of its value: tag, next, jump, shape.
const HEAD_WORDS: usize = 4;

/// Lists of versions, which threads add to and read without waiting for each other.
///
/// Whoever keeps a key keeps the first word of its list: the address of the newest version, or zero. A version is one
/// record and never changes, but for its link to the next older one, when a version between them comes late.
///
/// ```text
/// tag | next: the next older version | jump: a much older one | depth << 32 | bytes of the value | value ...
/// ```
///
/// Jumps make any version of a key that was overwritten a thousand times be found in a few dozen steps. They are those
/// of a skew-binary list (Myers, "An applicative random-access stack", Information Processing Letters 17, 1983), where a
/// version jumps twice as far as the two before it when these jump alike. A version that comes late is not counted by
/// those in front of it; jumps lead to older versions all the same.
#[derive(Debug)]
pub(crate) struct Versions {
    records: Arena<AtomicU64>,
    large: Arena<OnceLock<Slice>>,
    /// What large values cost, besides their slices.
    large_bytes: AtomicU64,
}

impl Versions {
    pub(crate) fn new() -> Versions {
        Versions { records: Arena::new(), large: Arena::new(), large_bytes: AtomicU64::new(0) }
    }

    /// Writes a version that no list has yet.
    pub(crate) fn write(&self, tag: Tag, value: &[u8]) -> Address {
        let is_copied = value.len() <= COPIED_BYTES_MAX;
        let value_words = if is_copied { count_for(value.len()) } else { 1 };
        let (address, words) = self.records.take(HEAD_WORDS + value_words);
        if let [of_tag, _, _, of_shape, of_value @ ..] = words {
            of_tag.store(tag.raw(), Ordering::Relaxed);
            // Lengths fit, by rule 3 of memtables.
            of_shape.store(value.len() as u64, Ordering::Relaxed);
            match of_value {
                _ if is_copied => copy_in(value, of_value),
                [of_large, ..] => of_large.store(self.keep(value).to_word(), Ordering::Relaxed),
                [] => {}
            }
        }
        address
    }

    fn keep(&self, value: &[u8]) -> Address {
        let value = Slice::from(value);
        self.large_bytes.fetch_add(cost::behind(&value) as u64, Ordering::Relaxed);
        let (address, places) = self.large.take(1);
        places.iter().for_each(|place| {
            place.get_or_init(|| value.clone());
        });
        address
    }

    /// Links a version into a list, given the list's first word. False when the list has this version already.
    pub(crate) fn link(&self, first: &AtomicU64, address: Address) -> bool {
        let new = self.version(address);
        loop {
            let (before, after) = self.beside(first, new.tag());
            if let Some(after) = after.filter(|after| self.tag(*after) == new.tag()) {
                return after == address;
            }
            self.follow(&new, after);
            // Others may link theirs in between, at this link or at another.
            point();
            let link = before.map_or(first, |before| self.version(before).next);
            let after = after.unwrap_or(Address::NONE).to_word();
            // Releases all that the version says.
            if link.compare_exchange(after, address.to_word(), Ordering::Release, Ordering::Relaxed).is_ok() {
                return true;
            }
        }
    }

    /// Puts a version in front of another, while nobody else sees it.
    fn follow(&self, new: &Version<'_>, after: Option<Address>) {
        let mut depth = 0;
        let mut jump = Address::NONE;
        if let Some(after) = after {
            let version = self.version(after);
            depth = version.depth().saturating_add(1);
            jump = self.jump_twice(&version).unwrap_or(after);
        }
        new.next.store(after.unwrap_or(Address::NONE).to_word(), Ordering::Relaxed);
        new.jump.store(jump.to_word(), Ordering::Relaxed);
        new.shape.store(depth << 32 | new.value_bytes() as u64, Ordering::Relaxed);
    }

    /// Where a version's jump and the one from there lead, if both pass over as many versions.
    fn jump_twice(&self, version: &Version<'_>) -> Option<Address> {
        let once = self.version(version.jump()?);
        let twice = once.jump()?;
        let [first, second] = [(version, &once), (&once, &self.version(twice))]
            .map(|(from, to)| from.depth().wrapping_sub(to.depth()));
        (first == second).then_some(twice)
    }

    /// The newest version at or below a tag.
    pub(crate) fn at_or_below(&self, first: &AtomicU64, tag: Tag) -> Option<Address> {
        self.beside(first, tag).1
    }

    /// The oldest version above a tag.
    pub(crate) fn last_newer(&self, first: &AtomicU64, tag: Tag) -> Option<Address> {
        self.beside(first, tag).0
    }

    /// The oldest version above a tag, and the newest one at or below it, which followed it at one moment. A link that is
    /// read a second time may lead elsewhere: to a version above the tag that came between.
    fn beside(&self, first: &AtomicU64, tag: Tag) -> (Option<Address>, Option<Address>) {
        let is_newer = |address: &Address| self.tag(*address) > tag;
        let (mut newer, mut after) = (None, Versions::newest(first));
        while let Some(found) = after.filter(is_newer) {
            let (mut at, mut version) = (found, self.version(found));
            while let Some(further) = version.jump().filter(is_newer) {
                (at, version) = (further, self.version(further));
            }
            (newer, after) = (Some(at), self.next(at));
        }
        (newer, after)
    }

    /// The first of a list.
    pub(crate) fn newest(first: &AtomicU64) -> Option<Address> {
        Address::from_word(first.load(Ordering::Acquire))
    }

    /// The last of a list.
    pub(crate) fn oldest(&self, first: &AtomicU64) -> Option<Address> {
        let newest = Versions::newest(first)?;
        // Every entry's tag is above it.
        Some(self.last_newer(first, Tag::AFTER_ALL).unwrap_or(newest))
    }

    /// The next older version.
    pub(crate) fn next(&self, address: Address) -> Option<Address> {
        Address::from_word(self.version(address).next.load(Ordering::Acquire))
    }

    pub(crate) fn tag(&self, address: Address) -> Tag {
        self.version(address).tag()
    }

    /// What a lookup that ends at a version says.
    pub(crate) fn lookup(&self, address: Address) -> Lookup {
        answer(self.tag(address), || self.value(address))
    }

    /// The value, which does not pin the arena.
    pub(crate) fn value(&self, address: Address) -> Slice {
        let version = self.version(address);
        if let Some(large) = self.large(&version) {
            return large;
        }
        let copied: Result<Slice, std::convert::Infallible> = Slice::build(version.value_bytes(), |copy| {
            copy_out(version.value, copy);
            Ok(())
        });
        copied.unwrap_or_default()
    }

    /// Copies the value into memory that is at hand.
    ///
    /// # Errors
    ///
    /// A large value is not copied, but given as it is.
    pub(crate) fn copy(&self, address: Address, mut memory: Vec<u8>) -> Result<Vec<u8>, Slice> {
        let version = self.version(address);
        if let Some(large) = self.large(&version) {
            return Err(large);
        }
        memory.resize(version.value_bytes(), 0);
        copy_out(version.value, &mut memory);
        Ok(memory)
    }

    /// A value that has an allocation of its own.
    fn large(&self, version: &Version<'_>) -> Option<Slice> {
        if version.value_bytes() <= COPIED_BYTES_MAX {
            return None;
        }
        let place = Address::from_word(version.value.first()?.load(Ordering::Relaxed))?;
        self.large.at(place).first()?.get().cloned()
    }

    /// Loads the cache lines of a version, and says something that depends on all of them.
    pub(crate) fn touch(&self, address: Address) -> u64 {
        const LINE_WORDS: usize = 64 / WORD_BYTES;
        let lines = self.records.at(address).iter().step_by(LINE_WORDS).take(LINES_TOUCHED);
        lines.fold(0, |sum, word| sum.wrapping_add(word.load(Ordering::Relaxed)))
    }

    /// What all versions cost.
    pub(crate) fn bytes(&self) -> u64 {
        let large = self.large.cost() * size_of::<OnceLock<Slice>>() as u64;
        self.records.cost() * WORD_BYTES as u64 + large + self.large_bytes.load(Ordering::Relaxed)
    }

    fn version(&self, address: Address) -> Version<'_> {
        Version::new(self.records.at(address))
    }
}

/// A version, to look at.
struct Version<'a> {
    tag: &'a AtomicU64,
    next: &'a AtomicU64,
    jump: &'a AtomicU64,
    shape: &'a AtomicU64,
    /// The value's words, and others behind them.
    value: &'a [AtomicU64],
}

impl<'a> Version<'a> {
    #[expect(clippy::expect_used, reason = "addresses of versions are made where versions are written")]
    fn new(words: &'a [AtomicU64]) -> Version<'a> {
        let (head, value) = words.split_first_chunk::<HEAD_WORDS>().expect("a version lies here");
        let [tag, next, jump, shape] = head;
        Version { tag, next, jump, shape, value }
    }

    fn tag(&self) -> Tag {
        Tag::from_raw(self.tag.load(Ordering::Relaxed))
    }

    /// Older than the next one, or the same. Whoever has linked this version had seen that one.
    fn jump(&self) -> Option<Address> {
        Address::from_word(self.jump.load(Ordering::Relaxed))
    }

    /// How many versions were behind this one when it was linked.
    fn depth(&self) -> u64 {
        self.shape.load(Ordering::Relaxed) >> 32
    }

    fn value_bytes(&self) -> usize {
        let [b0, b1, b2, b3, ..] = self.shape.load(Ordering::Relaxed).to_le_bytes();
        usize::try_from(u32::from_le_bytes([b0, b1, b2, b3])).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use siltstone_types::{Kind, SequenceNumber};

    use super::*;

    fn tag(sequence: u64) -> Tag {
        Tag::new(SequenceNumber::new(sequence).unwrap(), Kind::Put)
    }

    /// Links versions with these numbers, in this order.
    fn list_of(versions: &Versions, sequences: impl IntoIterator<Item = u64>) -> AtomicU64 {
        let first = AtomicU64::new(0);
        for sequence in sequences {
            assert!(versions.link(&first, versions.write(tag(sequence), &sequence.to_le_bytes())));
        }
        first
    }

    fn walk(versions: &Versions, first: &AtomicU64) -> Vec<u64> {
        let mut found = Vec::new();
        let mut at = Versions::newest(first);
        while let Some(version) = at {
            found.push(versions.tag(version).sequence().get());
            at = versions.next(version);
        }
        found
    }

    /// Versions that a search looks at, as it is done: by jumps where they do not lead too far.
    fn looked_at(versions: &Versions, first: &AtomicU64, sought: Tag) -> usize {
        let is_newer = |address: &Address| versions.tag(*address) > sought;
        let mut looks = 0;
        let mut at = Versions::newest(first).filter(is_newer);
        while let Some(address) = at {
            looks += 2;
            let jump = versions.version(address).jump();
            at = jump.filter(is_newer).or_else(|| versions.next(address).filter(is_newer));
        }
        looks
    }

    #[test]
    fn every_version_of_a_long_list_is_found_in_a_few_dozen_looks() {
        let versions = Versions::new();
        let count = 50_000;
        let first = list_of(&versions, (1..=count).map(|number| number * 2));
        for sequence in (0..=2 * count + 1).step_by(7) {
            let found = versions.at_or_below(&first, tag(sequence)).map(|found| versions.tag(found));
            assert_eq!(found, (sequence >= 2).then(|| tag(sequence.min(2 * count) / 2 * 2)), "at {sequence}");
            let newer = versions.last_newer(&first, tag(sequence)).map(|newer| versions.tag(newer));
            assert_eq!(newer, (sequence < 2 * count).then(|| tag(sequence / 2 * 2 + 2)), "above {sequence}");
            let looks = looked_at(&versions, &first, tag(sequence));
            assert!(looks < 100, "{looks} looks for {sequence}");
        }
        assert_eq!(versions.oldest(&first).map(|oldest| versions.tag(oldest)), Some(tag(2)));
    }

    #[test]
    fn versions_that_come_late_find_their_place() {
        let versions = Versions::new();
        let mut orders = vec![vec![5, 1, 4, 2, 3], vec![1, 3, 2, 5, 4], vec![5, 4, 3, 2, 1]];
        // Every seventh comes three hundred later than its turn.
        let mut late: Vec<u64> = (1..=2_000).collect();
        late.sort_by_key(|number| if number % 7 == 0 { number + 300 } else { *number });
        orders.push(late);
        for order in orders {
            let first = list_of(&versions, order.iter().copied());
            let mut sorted = order;
            sorted.sort_unstable_by(|one, other| other.cmp(one));
            assert_eq!(walk(&versions, &first), sorted);
            for number in &sorted {
                let found = versions.at_or_below(&first, tag(*number)).unwrap();
                assert_eq!(versions.value(found), number.to_le_bytes()[..]);
            }
        }
    }

    #[test]
    fn what_is_there_already_is_not_linked_again() {
        let versions = Versions::new();
        let first = list_of(&versions, [1, 2, 3]);
        for sequence in 1..=3 {
            assert!(!versions.link(&first, versions.write(tag(sequence), b"another")));
        }
        let new = versions.write(tag(9), b"");
        let of_new_key = AtomicU64::new(new.to_word());
        assert!(versions.link(&of_new_key, new), "a list may begin with its first version");
        assert_eq!((walk(&versions, &first), walk(&versions, &of_new_key)), (vec![3, 2, 1], vec![9]));
    }

    #[test]
    fn nothing_newer_is_found_while_newer_versions_come() {
        let versions = Versions::new();
        let (first, linked) = (AtomicU64::new(0), AtomicU64::new(0));
        let count = 200_000;
        thread::scope(|scope| {
            scope.spawn(|| {
                for sequence in 1..=count {
                    assert!(versions.link(&first, versions.write(tag(sequence), b"")));
                    linked.store(sequence, Ordering::Release);
                }
            });
            loop {
                let newest = linked.load(Ordering::Acquire);
                let found = versions.at_or_below(&first, tag(newest)).map(|found| versions.tag(found));
                assert_eq!(found, (newest > 0).then(|| tag(newest)));
                if newest == count {
                    break;
                }
            }
        });
    }

    #[test]
    fn threads_link_side_by_side() {
        let versions = Versions::new();
        let first = AtomicU64::new(0);
        let (threads, count) = (4, 5_000);
        thread::scope(|scope| {
            for thread in 0..threads {
                let (versions, first) = (&versions, &first);
                scope.spawn(move || {
                    for number in 0..count {
                        let sequence = number * threads + thread + 1;
                        assert!(versions.link(first, versions.write(tag(sequence), &sequence.to_le_bytes())));
                        let found = versions.at_or_below(first, tag(sequence)).unwrap();
                        assert_eq!(versions.tag(found), tag(sequence), "it is there at once");
                    }
                });
            }
        });
        assert!(walk(&versions, &first).into_iter().eq((1..=threads * count).rev()));
    }
}
