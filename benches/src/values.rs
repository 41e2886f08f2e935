//! Values that axes can have: each is checked when it is read, so that a mistyped one costs no minute.

use std::fmt;

use anyhow::{Result, anyhow, bail};
use serde::{Deserialize, Deserializer, Serialize, de};
use siltstone::Durability;

use crate::{nearest::unknown, strategies::Chosen, units::parse_bytes};

/// A number of bytes: `4096`, or `"64KiB"`.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Debug)]
#[serde(transparent)]
pub struct Bytes(pub u64);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Bytes;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("bytes, such as 4096 or \"64KiB\"")
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Bytes, E> {
                Ok(Bytes(number))
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Bytes, E> {
                u64::try_from(number).map(Bytes).map_err(|_| E::custom("bytes are not negative"))
            }
            fn visit_str<E: de::Error>(self, word: &str) -> Result<Bytes, E> {
                parse_bytes(word).map(Bytes).map_err(|why| E::custom(format!("`{word}`: {why}")))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// A word with a meaning that is checked.
macro_rules! word {
    ($(#[$about:meta])* $name:ident, $check:expr) => {
        $(#[$about])*
        #[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
        #[serde(try_from = "String")]
        pub struct $name(pub String);

        impl TryFrom<String> for $name {
            type Error = String;
            fn try_from(word: String) -> Result<$name, String> {
                $check(&word).map_err(|error: anyhow::Error| format!("{error:#}"))?;
                Ok($name(word))
            }
        }
    };
}

word!(
    /// A strategy with its parameters, as `cargo xtask sim` reads it: `leveled,ratio=4`.
    Strategy,
    |word: &str| Chosen::parse(word, 1)
);
word!(
    /// Codecs by level, from level 0, with `/` between them; the last holds for all deeper ones: `none/lz4`, `zstd-3`.
    Compression,
    compression
);
word!(
    /// When a write is acknowledged: `sync`, `buffered` or `interval-MS`.
    DurabilityWord,
    durability
);
word!(
    /// How often each key is asked for or overwritten: `uniform`, or `zipfian-THETA`.
    Distribution,
    distribution
);

/// Reads codecs by level.
pub fn compression(word: &str) -> Result<Vec<siltstone::Compression>> {
    let codec = |codec: &str| match codec.split_once('-').unwrap_or((codec, "1")) {
        ("none", _) if codec == "none" => Ok(siltstone::Compression::None),
        ("lz4", _) if codec == "lz4" => Ok(siltstone::Compression::Lz4),
        ("zstd", level) => match level.parse() {
            Ok(level) if (-7..=22).contains(&level) => Ok(siltstone::Compression::Zstd { level }),
            _ => bail!("`{codec}`: levels of zstd go from -7 to 22"),
        },
        _ => Err(anyhow!(unknown("codec", codec, &["none", "lz4", "zstd", "zstd-LEVEL"]))),
    };
    word.split('/').map(codec).collect()
}

/// Reads a durability.
pub fn durability(word: &str) -> Result<Durability> {
    match word {
        "sync" => Ok(Durability::Sync),
        "buffered" => Ok(Durability::Buffered),
        _ => match word.strip_prefix("interval-").map(str::parse) {
            Some(Ok(ms)) if ms > 0 => Ok(Durability::Interval { ms }),
            _ => Err(anyhow!(unknown("durability", word, &["sync", "buffered", "interval-MS"]))),
        },
    }
}

/// Reads a distribution; the skew if it is zipfian.
pub fn distribution(word: &str) -> Result<Option<f64>> {
    if word == "uniform" {
        return Ok(None);
    }
    match word.strip_prefix("zipfian-").map(str::parse::<f64>) {
        Some(Ok(theta)) if theta > 0.0 && theta < 1.0 => Ok(Some(theta)),
        Some(_) => bail!("`{word}`: the skew is above 0 and below 1"),
        None => Err(anyhow!(unknown("distribution", word, &["uniform", "zipfian-0.99"]))),
    }
}

/// How writes are kept in memory.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum Memtable {
    /// The skip list.
    #[serde(rename = "skiplist")]
    SkipList,
    /// The map under a lock.
    #[serde(rename = "btree")]
    BTree,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codecs_are_read_by_level() {
        use siltstone::Compression::{Lz4, None, Zstd};
        assert_eq!(compression("none/lz4/zstd-3").unwrap(), [None, Lz4, Zstd { level: 3 }]);
        assert_eq!(compression("zstd").unwrap(), [Zstd { level: 1 }]);
        assert_eq!(compression("zstd--3").unwrap(), [Zstd { level: -3 }]);
        for word in ["", "lz5", "lz4-3", "none-1", "zstd-23", "zstd-x", "lz4/"] {
            assert!(compression(word).is_err(), "{word}");
        }
    }

    #[test]
    fn durabilities_and_distributions_are_read() {
        assert_eq!(durability("interval-5").unwrap(), Durability::Interval { ms: 5 });
        assert!(durability("interval-0").is_err() && durability("synch").is_err());
        assert_eq!(distribution("zipfian-0.99").unwrap(), Some(0.99));
        assert_eq!(distribution("uniform").unwrap(), None);
        assert!(distribution("zipfian-1.5").is_err() && distribution("unifrom").is_err());
    }
}
