//! OPTIONS: the settings a database was last opened with. Prose: `docs/format/files.md`.
#![deny(clippy::indexing_slicing)]

use std::path::Path;

use crate::{
    Error, Result, Settings,
    files::{Identity, hex_identity, parse_identity},
};

const MAGIC: &str = "siltstone-options";
const VERSION: &str = "1";

/// A longer file is none of ours.
pub(crate) const BYTES_MAX: usize = 16 << 20;

/// The content of the file: a line with a checksum, then the settings as TOML.
pub(crate) fn encode(settings: &Settings, identity: Identity) -> Result<String> {
    let body =
        toml::to_string(settings).map_err(|error| Error::invalid_argument(format!("settings: {error}")))?;
    let head = format!("{MAGIC} {VERSION} {} ", hex_identity(identity));
    let text = format!("{head}{:08x}\n{body}", checksum(&head, &body));
    if text.len() > BYTES_MAX {
        return Err(Error::invalid_argument(
            "settings: OPTIONS would exceed 16 MiB; give fewer keyspaces settings of their own",
        ));
    }
    Ok(text)
}

fn checksum(head: &str, body: &str) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(head.as_bytes()), body.as_bytes())
}

/// Reads the content back.
///
/// # Errors
///
/// Corruption at the field that is wrong; *format too new* for a later version, and for a setting that this one does not know.
pub(crate) fn decode(bytes: &[u8], identity: Identity, path: &Path) -> Result<Settings> {
    let damaged = |offset: usize, what: &'static str| Error::corruption(path, offset as u64, what);
    let text =
        std::str::from_utf8(bytes).map_err(|error| damaged(error.valid_up_to(), "OPTIONS is not UTF-8"))?;
    let (line, body) = text.split_once('\n').ok_or_else(|| damaged(text.len(), "OPTIONS is cut short"))?;
    let (head, crc) = line.rsplit_once(' ').ok_or_else(|| damaged(0, "OPTIONS has no checksum"))?;
    let head = text.get(..head.len() + 1).unwrap_or_default();
    if crc != format!("{:08x}", checksum(head, body)) {
        return Err(damaged(head.len(), "the checksum of OPTIONS does not match"));
    }
    let mut fields = head.trim_end().split(' ');
    if fields.next() != Some(MAGIC) {
        return Err(damaged(0, "OPTIONS does not begin with its magic word"));
    }
    if fields.next() != Some(VERSION) {
        return Err(Error::format_too_new(path, "OPTIONS of another version"));
    }
    if fields.next().and_then(parse_identity) != Some(identity) {
        return Err(damaged(MAGIC.len() + VERSION.len() + 2, "OPTIONS belongs to another database"));
    }
    let settings: Settings =
        toml::from_str(body).map_err(|error| Error::format_too_new(path, error.message().to_owned()))?;
    settings.validate()?;
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        CompactionSettings, Compression, Durability, FifoSettings, FilterSettings, LazyLeveledSettings,
        LeveledSettings, MemtableSettings, SimilaritySettings, SizeTieredSettings,
    };

    fn settings() -> Settings {
        let compression = vec![Compression::None, Compression::Lz4, Compression::Zstd { level: -3 }];
        Settings {
            compression,
            durability: Durability::Buffered,
            memtable_entries_max: 7,
            memtable: MemtableSettings::BTree,
            filter: FilterSettings::false_positive_rate([0.01, 0.1]),
            compaction: CompactionSettings::SizeTiered(SizeTieredSettings {
                similarity: SimilaritySettings::Mean,
                runs_max: 7,
                ..SizeTieredSettings::default()
            }),
            ..Settings::default()
        }
    }

    #[test]
    fn a_strategy_is_written_with_its_parameters() {
        let text = encode(&settings(), [7; 16]).unwrap();
        let (_, body) = text.split_once('\n').unwrap();
        let table: toml::Table = body.parse().unwrap();
        let tiers = &table["compaction"]["size-tiered"];
        assert_eq!(tiers["runs-min"].as_integer(), Some(4));
        assert_eq!(tiers["similarity"].as_str(), Some("mean"));
        assert_eq!(table["memtable"].as_str(), Some("btree"));
        assert_eq!(table["filter"]["bloom"]["false-positive-rate"].as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn strategies_are_read_in_their_short_forms_and_unknown_parameters_are_refused() {
        let read = |body: &str| toml::from_str::<Settings>(body);
        let short =
            "compaction = { size-tiered = { runs-min = 9 } }\nfilter = { bloom = { bits-per-key = 8 } }";
        let expected = Settings {
            compaction: CompactionSettings::size_tiered(9),
            filter: FilterSettings::bits_per_key(8.0),
            ..Settings::default()
        };
        assert_eq!(read(short).unwrap(), expected);
        let CompactionSettings::Leveled(leveled) =
            read("compaction = { leveled = { ratio = 9 } }").unwrap().compaction
        else {
            panic!("not leveled");
        };
        assert_eq!(leveled, LeveledSettings { ratio: 9, ..LeveledSettings::default() });
        assert_eq!(read("filter = \"none\"").unwrap().filter, FilterSettings::None);
        for wrong in [
            "compaction = { size-tiered = { runs = 9 } }",
            "compaction = { sized = {} }",
            "compaction = { fifo = { bytes = 9 } }",
            "filter = { bloom = { bits = 8 } }",
            "memtable = \"list\"",
            "compaction-runs-min = 4",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn settings_come_back_as_they_were() {
        let strategies = [
            CompactionSettings::Leveled(LeveledSettings::default()),
            CompactionSettings::Leveled(LeveledSettings { overlap_bytes_max: Some(7), ..Default::default() }),
            CompactionSettings::LazyLeveled(LazyLeveledSettings::default()),
            CompactionSettings::Fifo(FifoSettings::default()),
            CompactionSettings::Fifo(FifoSettings { bytes_max: 7, age_ms_max: 8 }),
        ];
        let strategies = strategies.map(|compaction| Settings { compaction, ..Settings::default() });
        for settings in [Settings::default(), settings()].into_iter().chain(strategies) {
            let text = encode(&settings, [7; 16]).unwrap();
            assert_eq!(decode(text.as_bytes(), [7; 16], Path::new("OPTIONS")).unwrap(), settings, "{text}");
        }
    }

    #[test]
    fn every_flip_every_cut_and_another_identity_are_noticed() {
        let bytes = encode(&settings(), [7; 16]).unwrap().into_bytes();
        let read = |bytes: &[u8]| decode(bytes, [7; 16], Path::new("OPTIONS"));
        for (at, bit) in (0..bytes.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            let error = read(&changed).unwrap_err();
            assert!(matches!(error, Error::Corruption { .. }), "byte {at} bit {bit}: {error}");
        }
        for len in 0..bytes.len() {
            assert!(read(&bytes[..len]).is_err(), "cut to {len}");
        }
        assert!(decode(&bytes, [8; 16], Path::new("OPTIONS")).is_err());
    }

    #[test]
    fn a_setting_that_is_not_known_is_of_a_later_version() {
        let body = "no-such-setting = 1\n";
        let head = format!("{MAGIC} {VERSION} {} ", hex_identity([7; 16]));
        let text = format!("{head}{:08x}\n{body}", checksum(&head, body));
        let error = decode(text.as_bytes(), [7; 16], Path::new("OPTIONS")).unwrap_err();
        assert!(matches!(error, Error::FormatTooNew { .. }), "{error}");
    }
}
