//! Entries, made from a seed, and tables made of them.

use std::{path::Path, sync::Arc};

use siltstone_sstable::{OpenOptions, Table, TableOptions, TableSummary, TableWriter};
use siltstone_types::{InternalKey, Kind, SequenceNumber};
use siltstone_vfs::{Fs, MemFs};

/// An entry that owns its bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct OwnedEntry {
    pub(crate) user_key: Vec<u8>,
    pub(crate) sequence: u64,
    pub(crate) kind: Kind,
    pub(crate) value: Vec<u8>,
}

impl OwnedEntry {
    pub(crate) fn key(&self) -> InternalKey<'_> {
        InternalKey::new(&self.user_key, sequence(self.sequence), self.kind)
    }
}

pub(crate) fn sequence(raw: u64) -> SequenceNumber {
    SequenceNumber::new(raw).unwrap()
}

/// Numbers that are the same in every release of everything: golden files are made with them.
#[derive(Debug)]
pub(crate) struct SplitMix(pub(crate) u64);

impl SplitMix {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }
}

/// About `count` entries in order: keys with shared prefixes, up to five versions of each, a tombstone in five.
pub(crate) fn entries(seed: u64, count: usize) -> Vec<OwnedEntry> {
    let mut random = SplitMix(seed);
    let mut entries = Vec::new();
    while entries.len() < count {
        let mut user_key = format!("user{:03}/", random.below(count / 8 + 1)).into_bytes();
        for _ in 0..random.below(6) {
            user_key.push([0, b'a', b'b', 0xff][random.below(4)]);
        }
        for _ in 0..=random.below(5) {
            let sequence = random.next() >> (8 + random.below(48));
            let (kind, value) = if random.below(5) == 0 {
                (Kind::Delete, Vec::new())
            } else {
                let letter = b'a' + u8::try_from(random.below(26)).unwrap();
                (Kind::Put, vec![letter; random.below(100)])
            };
            entries.push(OwnedEntry { user_key: user_key.clone(), sequence, kind, value });
        }
    }
    sorted(entries)
}

/// In internal-key order, each sequence number of a key once.
pub(crate) fn sorted(mut entries: Vec<OwnedEntry>) -> Vec<OwnedEntry> {
    entries.sort_by(|a, b| a.key().cmp(&b.key()));
    entries.dedup_by(|a, b| a.user_key == b.user_key && a.sequence == b.sequence);
    entries
}

pub(crate) fn write(fs: &dyn Fs, path: &Path, options: TableOptions, entries: &[OwnedEntry]) -> TableSummary {
    let mut writer = TableWriter::create(fs, path, options).unwrap();
    for entry in entries {
        writer.add(entry.key(), &entry.value).unwrap();
    }
    writer.finish().unwrap()
}

/// A table in a file system of its own.
pub(crate) fn table(options: TableOptions, entries: &[OwnedEntry]) -> Arc<Table> {
    let fs = MemFs::new();
    let path = Path::new("table.sst");
    write(&fs, path, options, entries);
    Table::open(&fs, path, OpenOptions::default()).unwrap()
}
