//! Settings: plain data, serialisable, with checked limits.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{Error, Result, keyspace::check_keyspace_name, memory::BUDGET_BYTES_MIN};

pub(crate) mod compaction;
pub(crate) mod keyspace;
pub(crate) mod strategies;

use compaction::CompactionSettings;
use keyspace::KeyspaceSettings;
use strategies::{FilterSettings, MemtableSettings};

/// When a write is acknowledged.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Durability {
    /// After it was synced: it survives a power cut.
    #[default]
    Sync,
    /// After it was handed to the operating system: it survives the process, not a power cut. [`Db::sync`](crate::Db::sync) makes it durable.
    Buffered,
    /// As [`Durability::Buffered`], and synced in the background within this time: a power cut takes at most about the last so many milliseconds. When the
    /// sync fails, writing stops, and the next write is told.
    Interval {
        /// Milliseconds from the write to the beginning of the sync, at least 1.
        ms: u64,
    },
}

impl Durability {
    /// Whether the write is acknowledged only after a sync.
    pub(crate) fn waits_for_sync(self) -> bool {
        self == Durability::Sync
    }

    /// How long after the write it is synced in the background.
    pub(crate) fn interval(self) -> Option<Duration> {
        match self {
            Durability::Interval { ms } => Some(Duration::from_millis(ms)),
            Durability::Sync | Durability::Buffered => None,
        }
    }
}

/// How the blocks of a table are compressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    None,
    /// LZ4: fast, and halves ordinary data.
    Lz4,
    /// Zstandard at a level from -7 to 22: smaller and slower.
    Zstd {
        /// The level.
        level: i32,
    },
}

/// What a database can be told about its work. Sizes are in bytes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// How writes are kept in memory until they are in a table.
    pub memtable: MemtableSettings,
    /// A memtable of this size is written to a table. At least 1.
    pub memtable_bytes_max: u64,
    /// So is one with this many entries. At least 1.
    #[serde(skip_serializing_if = "is_unlimited")]
    pub memtable_entries_max: u64,
    /// All memtables together: writers wait for flushes beyond it. At least 1.
    pub memtables_bytes_max: u64,
    /// Memtables, block cache, indexes and filters of open tables, and buffers of merges together: each of them gets a share, and what does not fit waits. 0 for no limit
    /// beside those of the parts, which hold in any case; otherwise at least 8 MiB.
    pub memory_bytes_max: u64,
    /// A log of this size is followed by a new one. At least 1.
    pub log_bytes_max: u64,
    /// All logs together: beyond it, the keyspaces that need the oldest are flushed. At least 1.
    pub logs_bytes_max: u64,
    /// A manifest of this size is replaced by a new one. At least 1.
    pub manifest_bytes_max: u64,
    /// Data blocks hold about this many bytes before compression. 64 to 16 MiB.
    pub block_bytes: u32,
    /// Tables written by compaction have about this size. At least 1.
    pub table_bytes_max: u64,
    /// Blocks of tables kept in memory. 0 keeps none.
    pub cache_bytes: u64,
    /// Tables that are open at a time; each takes a file descriptor, and memory for its index and filter. At least 1.
    pub open_tables_max: u32,
    /// Which tables get a filter.
    pub filter: FilterSettings,
    /// Compression by level, from level 0; the last entry holds for all deeper levels. Not empty.
    pub compression: Vec<Compression>,
    /// How tables are merged.
    pub compaction: CompactionSettings,
    /// Runs in level 0 above which writers are slowed, the more the closer they come to `level0_runs_stop`. Where it is not below that, they are not slowed.
    pub level0_runs_slow: u32,
    /// Runs in level 0 at which writers wait for compaction. At least 2.
    pub level0_runs_stop: u32,
    /// Bytes that compactions still have to read in a keyspace above which writers are slowed, the more the closer they come to `debt_bytes_stop`; never less than twice the
    /// keyspace's tables. At least 1.
    pub debt_bytes_slow: u64,
    /// Bytes that compactions still have to read in a keyspace at which writers wait for them; never less than four times the keyspace's tables. At least 1.
    pub debt_bytes_stop: u64,
    /// How many bytes flushes and compactions write in a second, together; 0 for no limit. Flushes come first, and do not wait while writers do.
    pub background_bytes_per_second: u64,
    /// Let the rate move between a twentieth of `background_bytes_per_second` and all of it, by how much there is to write.
    pub background_rate_auto: bool,
    /// How often strategies are asked for work though nothing was written, in milliseconds; 0 for never.
    pub compaction_check_ms: u64,
    /// Milliseconds after which an entry expires that is written without a time of its own; 0 for never. It counts from the write: what was written
    /// under another setting keeps its time.
    #[serde(skip_serializing_if = "is_zero")]
    pub ttl_ms: u64,
    /// Compactions that run at a time; 0 for one less than there are processors, at least one.
    pub workers: u32,
    /// Parts in which one compaction may be done at a time, by workers that have nothing else to do; 0 for as many as there are workers.
    #[serde(skip_serializing_if = "is_default")]
    pub subcompactions_max: u32,
    /// When writes are acknowledged that do not say so themselves.
    pub durability: Durability,
    /// Keyspaces that do something otherwise, by name, whether they exist yet or not. At an open, keyspaces that are not named here keep what is stored for them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub keyspaces: BTreeMap<String, KeyspaceSettings>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            memtable: MemtableSettings::SkipList,
            memtable_bytes_max: 64 << 20,
            memtable_entries_max: u64::MAX,
            memtables_bytes_max: 256 << 20,
            memory_bytes_max: 0,
            log_bytes_max: 64 << 20,
            logs_bytes_max: 512 << 20,
            manifest_bytes_max: 16 << 20,
            block_bytes: 4096,
            table_bytes_max: 32 << 20,
            cache_bytes: 64 << 20,
            open_tables_max: 512,
            filter: FilterSettings::bits_per_key(10.0),
            compression: vec![Compression::None, Compression::Lz4],
            compaction: CompactionSettings::default(),
            level0_runs_slow: 20,
            level0_runs_stop: 24,
            debt_bytes_slow: 64 << 30,
            debt_bytes_stop: 256 << 30,
            background_bytes_per_second: 0,
            background_rate_auto: false,
            compaction_check_ms: 30_000,
            ttl_ms: 0,
            workers: 0,
            subcompactions_max: 0,
            durability: Durability::Sync,
            keyspaces: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// Checks every limit.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] with the field and its limit.
    pub fn validate(&self) -> Result<()> {
        self.validate_but_keyspaces()
            .map_err(|limit| Error::invalid_argument(format!("settings: {limit}")))?;
        for (name, own) in &self.keyspaces {
            let refused = |limit| Error::invalid_argument(format!("settings: keyspaces.{name}: {limit}"));
            check_keyspace_name(name)?;
            if own.memtable_entries_max.is_some_and(|limit| is_unlimited(&limit)) {
                return Err(refused("memtable-entries-max must be from 1 to 2^63 - 1"));
            }
            self.of_keyspace(name).validate_but_keyspaces().map_err(refused)?;
        }
        Ok(())
    }

    /// What holds for one keyspace: these settings, with its own in their place.
    #[must_use]
    pub fn of_keyspace(&self, name: &str) -> Settings {
        // Field by field: there may be many keyspaces, and their settings are not to be copied for each of them.
        let mut settings = Settings {
            memtable: self.memtable.clone(),
            memtable_bytes_max: self.memtable_bytes_max,
            memtable_entries_max: self.memtable_entries_max,
            memtables_bytes_max: self.memtables_bytes_max,
            memory_bytes_max: self.memory_bytes_max,
            log_bytes_max: self.log_bytes_max,
            logs_bytes_max: self.logs_bytes_max,
            manifest_bytes_max: self.manifest_bytes_max,
            block_bytes: self.block_bytes,
            table_bytes_max: self.table_bytes_max,
            cache_bytes: self.cache_bytes,
            open_tables_max: self.open_tables_max,
            filter: self.filter.clone(),
            compression: self.compression.clone(),
            compaction: self.compaction.clone(),
            level0_runs_slow: self.level0_runs_slow,
            level0_runs_stop: self.level0_runs_stop,
            debt_bytes_slow: self.debt_bytes_slow,
            debt_bytes_stop: self.debt_bytes_stop,
            background_bytes_per_second: self.background_bytes_per_second,
            background_rate_auto: self.background_rate_auto,
            compaction_check_ms: self.compaction_check_ms,
            ttl_ms: self.ttl_ms,
            workers: self.workers,
            subcompactions_max: self.subcompactions_max,
            durability: self.durability,
            keyspaces: BTreeMap::new(),
        };
        if let Some(own) = self.keyspaces.get(name) {
            own.apply_to(&mut settings);
        }
        settings
    }

    fn validate_but_keyspaces(&self) -> std::result::Result<(), &'static str> {
        // TOML has no larger integers, and the settings must go into OPTIONS.
        let fits = |limit: u64| (1..=i64::MAX.unsigned_abs()).contains(&limit);
        let entries_fit = is_unlimited(&self.memtable_entries_max) || fits(self.memtable_entries_max);
        let cache_fits = self.cache_bytes == 0 || fits(self.cache_bytes);
        let rate_fits = self.background_bytes_per_second == 0 || fits(self.background_bytes_per_second);
        let budget = self.memory_bytes_max;
        let budget_fits = budget == 0 || (budget >= BUDGET_BYTES_MIN && fits(budget));
        let mut checks = vec![
            (budget_fits, "memory-bytes-max must be 0, or from 8388608 to 2^63 - 1"),
            (fits(self.memtable_bytes_max), "memtable-bytes-max must be from 1 to 2^63 - 1"),
            (entries_fit, "memtable-entries-max must be from 1 to 2^63 - 1"),
            (fits(self.memtables_bytes_max), "memtables-bytes-max must be from 1 to 2^63 - 1"),
            (fits(self.log_bytes_max), "log-bytes-max must be from 1 to 2^63 - 1"),
            (fits(self.logs_bytes_max), "logs-bytes-max must be from 1 to 2^63 - 1"),
            (fits(self.manifest_bytes_max), "manifest-bytes-max must be from 1 to 2^63 - 1"),
            ((64..=16 << 20).contains(&self.block_bytes), "block-bytes must be from 64 to 16777216"),
            (fits(self.table_bytes_max), "table-bytes-max must be from 1 to 2^63 - 1"),
            (cache_fits, "cache-bytes must be from 0 to 2^63 - 1"),
            (self.open_tables_max >= 1, "open-tables-max must be at least 1"),
            (!self.compression.is_empty(), "compression must name at least one codec"),
            (
                self.compression.iter().copied().all(zstd_level_is_valid),
                "compression: a zstd level must be from -7 to 22",
            ),
            (self.level0_runs_stop >= 2, "level0-runs-stop must be at least 2"),
            (fits(self.debt_bytes_slow), "debt-bytes-slow must be from 1 to 2^63 - 1"),
            (fits(self.debt_bytes_stop), "debt-bytes-stop must be from 1 to 2^63 - 1"),
            (
                self.compaction_check_ms == 0 || fits(self.compaction_check_ms),
                "compaction-check-ms must be from 0 to 2^63 - 1",
            ),
            (rate_fits, "background-bytes-per-second must be from 0 to 2^63 - 1"),
            (self.ttl_ms == 0 || fits(self.ttl_ms), "ttl-ms must be from 0 to 2^63 - 1"),
            (
                self.durability != Durability::Interval { ms: 0 },
                "the durability's interval must be at least 1 ms",
            ),
        ];
        checks.extend(self.filter.checks());
        checks.extend(self.compaction.checks());
        match checks.iter().find(|(holds, _)| !holds) {
            None => Ok(()),
            Some((_, limit)) => Err(limit),
        }
    }

    /// Whether entries of some keyspace expire that do not say so themselves.
    pub(crate) fn have_ttl(&self) -> bool {
        self.ttl_ms > 0 || self.keyspaces.values().any(|own| own.ttl_ms.is_some_and(|ttl_ms| ttl_ms > 0))
    }

    /// Compactions that run at a time.
    pub(crate) fn workers(&self) -> usize {
        match self.workers {
            0 => std::thread::available_parallelism()
                .map_or(1, |processors| processors.get().saturating_sub(1).max(1)),
            some => usize::try_from(some).unwrap_or(usize::MAX),
        }
    }

    /// Parts in which one compaction may be done. Without threads no two of them are done at a time, so that there is one unless more are asked for: what is written
    /// does not depend on the machine then.
    pub(crate) fn subcompactions(&self, has_threads: bool) -> usize {
        match self.subcompactions_max {
            0 if has_threads => self.workers(),
            0 => 1,
            some => usize::try_from(some).unwrap_or(usize::MAX),
        }
    }

    /// The codec for tables of a level.
    pub(crate) fn compression_at(&self, level: u32) -> Compression {
        let level = usize::try_from(level).unwrap_or(usize::MAX);
        let last = self.compression.last().copied().unwrap_or(Compression::None);
        self.compression.get(level).copied().unwrap_or(last)
    }
}

/// TOML has no number for it, and its absence says it better.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_unlimited(limit: &u64) -> bool {
    *limit == u64::MAX
}

/// As it is by default: an older program, which does not know the name, can read what does not use it.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(limit: &u64) -> bool {
    *limit == 0
}

/// As [`is_zero`].
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_default(limit: &u32) -> bool {
    *limit == 0
}

fn zstd_level_is_valid(compression: Compression) -> bool {
    match compression {
        Compression::Zstd { level } => (-7..=22).contains(&level),
        Compression::None | Compression::Lz4 => true,
    }
}
