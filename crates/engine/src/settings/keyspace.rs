//! Settings of one keyspace, where they differ from those of the database.

use serde::{Deserialize, Serialize};

use super::{
    Compression, Settings,
    compaction::CompactionSettings,
    strategies::{FilterSettings, MemtableSettings},
};

/// What a keyspace does otherwise than the database says. `None` follows the database, also when its settings change.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct KeyspaceSettings {
    /// [`Settings::memtable`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memtable: Option<MemtableSettings>,
    /// [`Settings::memtable_bytes_max`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memtable_bytes_max: Option<u64>,
    /// [`Settings::memtable_entries_max`]; at most 2^63 - 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memtable_entries_max: Option<u64>,
    /// [`Settings::block_bytes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block_bytes: Option<u32>,
    /// [`Settings::table_bytes_max`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table_bytes_max: Option<u64>,
    /// [`Settings::filter`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<FilterSettings>,
    /// [`Settings::compression`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression: Option<Vec<Compression>>,
    /// [`Settings::compaction`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compaction: Option<CompactionSettings>,
    /// [`Settings::level0_runs_slow`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level0_runs_slow: Option<u32>,
    /// [`Settings::level0_runs_stop`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level0_runs_stop: Option<u32>,
    /// [`Settings::debt_bytes_slow`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub debt_bytes_slow: Option<u64>,
    /// [`Settings::debt_bytes_stop`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub debt_bytes_stop: Option<u64>,
    /// [`Settings::ttl_ms`]; 0 for a keyspace whose entries do not expire where those of others do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_ms: Option<u64>,
}

impl KeyspaceSettings {
    /// Puts what is said here in the place of what the settings say.
    pub(crate) fn apply_to(&self, settings: &mut Settings) {
        fn replace<T: Clone>(place: &mut T, by: Option<&T>) {
            if let Some(by) = by {
                place.clone_from(by);
            }
        }
        replace(&mut settings.memtable, self.memtable.as_ref());
        replace(&mut settings.memtable_bytes_max, self.memtable_bytes_max.as_ref());
        replace(&mut settings.memtable_entries_max, self.memtable_entries_max.as_ref());
        replace(&mut settings.block_bytes, self.block_bytes.as_ref());
        replace(&mut settings.table_bytes_max, self.table_bytes_max.as_ref());
        replace(&mut settings.filter, self.filter.as_ref());
        replace(&mut settings.compression, self.compression.as_ref());
        replace(&mut settings.compaction, self.compaction.as_ref());
        replace(&mut settings.level0_runs_slow, self.level0_runs_slow.as_ref());
        replace(&mut settings.level0_runs_stop, self.level0_runs_stop.as_ref());
        replace(&mut settings.debt_bytes_slow, self.debt_bytes_slow.as_ref());
        replace(&mut settings.debt_bytes_stop, self.debt_bytes_stop.as_ref());
        replace(&mut settings.ttl_ms, self.ttl_ms.as_ref());
    }
}
