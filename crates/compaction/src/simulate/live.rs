//! Knows of every key which version in the tables is the newest, and so how much of them is live.

use super::version::Version;

/// What a reader of all tables would find.
#[derive(Default, Debug)]
pub(super) struct LiveData {
    // By key: the flush of the newest version, doubled, and 1 more if it is a put. `NONE` for keys no table has.
    newest: Vec<u32>,
    live: u64,
}

const NONE: u32 = u32::MAX;

fn mark(version: Version) -> u32 {
    version.flush() << 1 | u32::from(!version.is_tombstone())
}

fn is_live(mark: u32) -> bool {
    mark != NONE && mark & 1 == 1
}

impl LiveData {
    /// Takes in a version that a flush wrote.
    pub(super) fn add(&mut self, version: Version) {
        let at = version.key() as usize;
        if self.newest.len() <= at {
            self.newest.resize(at + 1, NONE);
        }
        self.replace(at, mark(version));
    }

    /// Forgets a version whose table was dropped, with all that it hid.
    pub(super) fn remove(&mut self, version: Version) {
        let at = version.key() as usize;
        if self.newest.get(at) == Some(&mark(version)) {
            self.replace(at, NONE);
        }
    }

    fn replace(&mut self, at: usize, new: u32) {
        if let Some(old) = self.newest.get_mut(at) {
            self.live = self.live + u64::from(is_live(new)) - u64::from(is_live(*old));
            *old = new;
        }
    }

    /// Keys whose newest version is a put.
    pub(super) fn count(&self) -> u64 {
        self.live
    }

    /// True when a read of the tables finds a value for the key.
    pub(super) fn contains(&self, key: u32) -> bool {
        self.newest.get(key as usize).is_some_and(|mark| is_live(*mark))
    }

    /// All keys that were ever there are below this number.
    pub(super) fn keys_end(&self) -> u32 {
        u32::try_from(self.newest.len()).unwrap_or(u32::MAX)
    }

    /// True when the tables have no newer version of the key.
    pub(super) fn is_newest(&self, version: Version) -> bool {
        self.newest.get(version.key() as usize) == Some(&mark(version))
    }
}

#[cfg(test)]
mod tests {
    use siltstone_types::Kind;

    use super::*;

    #[test]
    fn only_what_is_put_and_not_hidden_is_live() {
        let mut live = LiveData::default();
        let [first, second, delete] = [(1, Kind::Put), (2, Kind::Put), (3, Kind::Delete)]
            .map(|(flush, kind)| Version::new(7, flush, kind));
        live.add(first);
        live.add(Version::new(9, 1, Kind::Put));
        live.add(second);
        assert_eq!((live.count(), live.contains(7), live.contains(8)), (2, true, false));
        live.remove(first);
        assert_eq!(live.count(), 2, "a version that is hidden is not missed");
        live.remove(second);
        assert_eq!((live.count(), live.contains(7)), (1, false));
        live.add(second);
        live.add(delete);
        assert_eq!((live.count(), live.contains(7)), (1, false));
        live.remove(delete);
        assert_eq!(live.count(), 1);
    }
}
