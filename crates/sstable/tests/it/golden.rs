//! Tables written by earlier versions, which every later version must read.
//!
//! A file is made by `BLESS=1 cargo test -p siltstone-sstable` when it is missing; one that is there is never
//! changed.

use std::path::PathBuf;

use siltstone_sstable::{
    Compression, CursorOptions, OpenOptions, Table, TableOptions, TableWriter, VerifyOptions, verify,
};
use siltstone_testkit::{entries::Owned, entries::key_of};
use siltstone_types::{Expiring, KeyHash, Kind, Tag};
use siltstone_vfs::{Fs, OsFs};

use crate::fixture::{bytes, expected, options, scan, sequence, with_filter};

/// Numbers that never change: the golden files hold entries made of them, so nothing here may change either.
struct SplitMix(u64);

impl SplitMix {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

/// Up to four versions of `count` user keys, some of them tombstones, some with sequence number 0, keys of
/// all lengths up to 30.
fn entries(seed: u64, count: u64) -> Vec<Owned> {
    let mut random = SplitMix(seed);
    let mut user_keys: Vec<Vec<u8>> = vec![Vec::new(), vec![0], vec![0xff; 9]];
    for n in 0..count {
        let mut user_key = format!("user{:02}/{}", random.below(20), n * n).into_bytes();
        for _ in 0..random.below(12) {
            user_key.push([0, b'a', b'z', 0x7f, 0x80, 0xff][usize::try_from(random.below(6)).unwrap()]);
        }
        user_keys.push(user_key);
    }
    user_keys.sort();
    user_keys.dedup();
    let mut entries = Vec::new();
    for user_key in user_keys {
        let mut raw = 1 << random.below(40);
        for _ in 0..=random.below(4) {
            let kind = if random.below(6) == 0 { Kind::Delete } else { Kind::Put };
            let letters = if kind == Kind::Put { random.below(60) } else { 0 };
            let value =
                (0..letters).map(|_| b"abcdefgh"[usize::try_from(random.below(8)).unwrap()]).collect();
            entries.push((user_key.clone(), Tag::new(sequence(raw), kind), value));
            if raw == 0 {
                break;
            }
            raw = random.below(raw);
        }
    }
    entries
}

/// The entries of the worked example in the format's documentation.
fn example() -> Vec<Owned> {
    vec![
        (b"apple".to_vec(), Tag::new(sequence(7), Kind::Put), b"green".to_vec()),
        (b"apple".to_vec(), Tag::new(sequence(3), Kind::Put), b"red".to_vec()),
        (b"apricot".to_vec(), Tag::new(sequence(0), Kind::Put), Vec::new()),
        (b"pear".to_vec(), Tag::new(sequence(5), Kind::Delete), Vec::new()),
    ]
}

fn example_options() -> TableOptions {
    TableOptions {
        block_bytes: 40,
        created_unix_ms: 1_700_000_000_000,
        oldest_tombstone_unix_ms: 1_600_000_000_000,
        keyspace: 1,
        level: 0,
        writer: "example".to_owned(),
        database: *b"database of pome",
        ..options()
    }
}

/// Name, how it is written, what is in it, and whether this build can read it.
fn goldens() -> Vec<(&'static str, TableOptions, Vec<Owned>, bool)> {
    let base = TableOptions { writer: "golden".to_owned(), ..options() };
    let with = |compression, block_bytes| TableOptions { compression, block_bytes, ..base.clone() };
    vec![
        ("v1-example", example_options(), example(), true),
        ("v1-none", with(Compression::None, 4096), entries(1, 120), true),
        ("v1-none-filter", with_filter(with(Compression::None, 1000)), entries(2, 60), true),
        ("v1-none-many-blocks", with(Compression::None, 100), entries(3, 120), true),
        ("v1-lz4-filter", with_filter(with(Compression::Lz4, 2000)), entries(4, 150), cfg!(feature = "lz4")),
        ("v1-expiring-filter", with_filter(with(Compression::None, 1000)), expiring_entries(), true),
        ("v1-zstd", with(Compression::Zstd { level: 3 }, 2000), entries(5, 150), cfg!(feature = "zstd")),
    ]
}

/// Versions of a few keys, some of which expire: long ago, in a while, and never.
fn expiring_entries() -> Vec<Owned> {
    let mut entries = entries(6, 150);
    for (_, tag, value) in &mut entries {
        let raw = tag.sequence().get();
        if tag.kind() == Some(Kind::Put) && raw % 3 == 0 {
            let expires_at_unix_ms =
                [0, 1_600_000_000_000 + raw, u64::MAX][usize::try_from(raw / 3 % 3).unwrap()];
            let mut stored = Vec::new();
            Expiring { expires_at_unix_ms, value }.encode(&mut stored);
            (*tag, *value) = (Tag::new(tag.sequence(), Kind::ExpiringPut), stored);
        }
    }
    entries
}

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/compat").join(format!("{name}.sst"))
}

fn stored(name: &str) -> Vec<u8> {
    let file = OsFs.open(&file(name)).unwrap();
    let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
    file.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

fn bless(name: &str, options: TableOptions, entries: &[Owned]) {
    let path = file(name);
    if std::env::var_os("BLESS").is_some() && OsFs.metadata(&path).is_err() {
        let mut writer = TableWriter::create(&OsFs, &path, options).unwrap();
        for entry in entries {
            writer.add(key_of(entry), &entry.2).unwrap();
        }
        writer.finish().unwrap();
    }
}

#[test]
fn tables_of_earlier_versions_are_read() {
    for (name, options, entries, readable) in goldens() {
        if !readable {
            continue;
        }
        let without_compression = matches!(options.compression, Compression::None);
        bless(name, options.clone(), &entries);
        let table = Table::open(&OsFs, &file(name), OpenOptions::default()).unwrap();
        assert_eq!(scan(&table, CursorOptions::default()).0, entries, "{name}");
        for (user_key, tag, _) in &entries {
            let at = tag.sequence();
            let found = table.get(user_key, KeyHash::of(user_key), at).unwrap();
            assert_eq!(found, expected(&entries, user_key, at), "{name}");
        }
        let report = verify(&OsFs, &file(name), &VerifyOptions::default()).unwrap();
        assert_eq!(report.filter_checked, name.contains("filter"), "{name}");
        assert_eq!(report.properties.entries, entries.len() as u64, "{name}");
        if without_compression {
            assert!(
                bytes(options, &entries) == stored(name),
                "{name}: the writer writes other bytes than it did"
            );
        }
    }
}

#[test]
fn golden_tables_are_worth_keeping() {
    for (name, _, entries, readable) in goldens().into_iter().filter(|golden| golden.0 != "v1-example") {
        let Ok(table) = Table::open(&OsFs, &file(name), OpenOptions::default()) else {
            assert!(!readable);
            continue;
        };
        let properties = table.properties();
        assert!(
            properties.data_blocks >= if name.contains("many") { 50 } else { 3 },
            "{name} {properties:?}"
        );
        assert!(properties.tombstones > 10, "{name}");
        let versions = entries.windows(2).filter(|pair| pair[0].0 == pair[1].0).count();
        assert!(versions > 20, "{name}");
        assert_eq!(properties.expiring > 20, name.contains("expiring"), "{name}");
    }
}

/// The rows of the worked example in the documentation are the bytes of the example file, in order and
/// without a gap.
#[test]
fn the_worked_example_is_a_table() {
    let page = include_str!("../../../../docs/format/sstable.md");
    let example = page.split("## A worked example").nth(1).unwrap();
    let mut shown = Vec::new();
    for row in example.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let Ok(offset) = cells[1].parse::<usize>() else { continue };
        assert_eq!(offset, shown.len(), "{row}");
        let hex = cells[2].trim_matches('`').split_whitespace();
        shown.extend(hex.map(|byte| u8::from_str_radix(byte, 16).unwrap()));
    }
    assert_eq!(shown, stored("v1-example"));
}
