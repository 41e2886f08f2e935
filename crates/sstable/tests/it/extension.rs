//! Codecs and filters of the crate's users.

use std::sync::Arc;

use siltstone_bloom::{DamagedFilter, Filter, FilterBuilder, FilterContext, FilterPolicy};
use siltstone_sstable::{
    CodecId, Codecs, Compressor, CursorOptions, FilterAnswer, FilterPolicies, OpenOptions, Table,
    TableOptions, TableWriter, Undecodable,
};
use siltstone_testkit::{entries, entries::Owned};
use siltstone_types::{Error, KeyHash};
use siltstone_vfs::{Fs, MemFs};

use crate::fixture::{bytes, fs_with, options, path, scan};

/// Stores runs of a byte as length and byte.
#[derive(Debug)]
struct RunLength(CodecId);

impl Compressor for RunLength {
    fn codec(&self) -> CodecId {
        self.0
    }
    fn compress(&self, raw: &[u8], out: &mut Vec<u8>) -> bool {
        out.clear();
        for run in raw.chunk_by(|a, b| a == b).flat_map(|run| run.chunks(255)) {
            out.extend_from_slice(&[u8::try_from(run.len()).unwrap(), run[0]]);
        }
        true
    }
    fn decompress(&self, stored: &[u8], raw: &mut [u8]) -> Result<(), Undecodable> {
        let unpacked: Vec<u8> = stored
            .chunks_exact(2)
            .flat_map(|pair| std::iter::repeat_n(pair[1], usize::from(pair[0])))
            .collect();
        if unpacked.len() != raw.len() {
            return Err(Undecodable);
        }
        raw.copy_from_slice(&unpacked);
        Ok(())
    }
}

#[test]
fn a_codec_of_ones_own_is_used_and_needed() {
    let mut entries: Vec<Owned> = entries::random(3, 30);
    for entry in &mut entries {
        entry.2.fill(b'r');
    }
    let codec: Arc<dyn Compressor> = Arc::new(RunLength(CodecId(0x91)));
    let options = TableOptions { compressor: Some(codec.clone()), ..options() };
    let bytes = bytes(options, &entries);
    let fs = fs_with(&bytes);
    let codecs = Codecs::with([codec]);
    let table = Table::open(&fs, path(), OpenOptions { codecs, ..OpenOptions::default() }).unwrap();
    assert_eq!(scan(&table, CursorOptions::default()).0, entries);
    let compressed = table.index_entries().unwrap().iter().any(|entry| {
        table.trailer(entry.handle, siltstone_sstable::Role::Data).unwrap().codec == CodecId(0x91)
    });
    assert!(compressed);
    let without = Table::open(&fs, path(), OpenOptions::default());
    let outcome = without.and_then(|table| scan(&table, CursorOptions::default()).1);
    assert!(matches!(outcome, Err(Error::FormatTooNew { .. })), "{outcome:?}");
}

#[test]
fn a_codec_may_not_take_a_reserved_id() {
    for id in [0, 1, 2, 3, 0x7f] {
        let fs = MemFs::new();
        let compressor: Option<Arc<dyn Compressor>> = Some(Arc::new(RunLength(CodecId(id))));
        let refused = TableWriter::create(&fs, path(), TableOptions { compressor, ..options() });
        assert!(matches!(refused, Err(Error::InvalidArgument { .. })), "{id}");
        assert!(fs.metadata(path()).is_err());
    }
}

/// Remembers the hashes themselves.
#[derive(Debug)]
struct Exact(&'static str);

#[derive(Debug, Default)]
struct Hashes(Vec<u64>);

impl FilterPolicy for Exact {
    fn name(&self) -> &'static str {
        self.0
    }
    fn builder(&self, context: FilterContext) -> Option<Box<dyn FilterBuilder>> {
        (context.level == 0).then(|| Box::new(Hashes::default()) as Box<_>)
    }
    fn open(&self, bytes: &[u8]) -> Result<Arc<dyn Filter>, DamagedFilter> {
        let hashes = bytes.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect();
        Ok(Arc::new(Hashes(hashes)))
    }
}

impl FilterBuilder for Hashes {
    fn add(&mut self, hash: u64) {
        assert!(!self.0.contains(&hash), "each user key is added once");
        self.0.push(hash);
    }
    fn bytes(&self) -> usize {
        self.0.len() * 8
    }
    fn finish(self: Box<Self>) -> Vec<u8> {
        self.0.iter().flat_map(|hash| hash.to_le_bytes()).collect()
    }
}

impl Filter for Hashes {
    fn may_contain(&self, hash: u64) -> bool {
        self.0.contains(&hash)
    }
    fn bytes(&self) -> usize {
        self.0.len() * 8
    }
}

#[test]
fn a_filter_policy_of_ones_own_is_used_when_it_is_known() {
    let entries = entries::random(4, 200);
    let policy: Arc<dyn FilterPolicy> = Arc::new(Exact("test.exact"));
    let bytes = bytes(TableOptions { filter: Some(policy.clone()), ..options() }, &entries);
    let opened = |policies| {
        Table::open(&fs_with(&bytes), path(), OpenOptions { policies, ..OpenOptions::default() }).unwrap()
    };
    let known = opened(FilterPolicies::default().and([policy]));
    for (user_key, ..) in &entries {
        assert_eq!(known.filter_answer(KeyHash::of(user_key)), FilterAnswer::Maybe);
    }
    assert_eq!(known.filter_answer(KeyHash::of(b"absent")), FilterAnswer::No);
    let unknown = opened(FilterPolicies::default());
    assert_eq!(unknown.filter_answer(KeyHash::of(b"absent")), FilterAnswer::Absent);
    assert_eq!(unknown.filter_name(), Some("test.exact"));
}

#[test]
fn a_policy_may_decline_a_level() {
    let filter_context = FilterContext { level: 6, level_count: 7, key_count_max: 10 };
    let filter: Option<Arc<dyn FilterPolicy>> = Some(Arc::new(Exact("test.exact")));
    let fs = fs_with(&bytes(TableOptions { filter, filter_context, ..options() }, &entries::random(4, 20)));
    assert_eq!(Table::open(&fs, path(), OpenOptions::default()).unwrap().filter_name(), None);
}

#[test]
fn a_policy_needs_a_name_that_can_be_written() {
    for name in ["", "h\u{e4}sh"] {
        let filter: Option<Arc<dyn FilterPolicy>> = Some(Arc::new(Exact(name)));
        let refused = TableWriter::create(&MemFs::new(), path(), TableOptions { filter, ..options() });
        assert!(matches!(refused, Err(Error::InvalidArgument { .. })), "{name:?}");
    }
}
