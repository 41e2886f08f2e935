//! When tombstones are worth a job of their own.

use crate::{Reason, TableMeta, TreeView};

/// Limits on the tombstones of a table, and what decides whether they can go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tombstones<'a> {
    /// Share of the entries, in percent.
    pub(crate) percent_min: u32,
    pub(crate) age_ms_max: u64,
    pub(crate) view: TreeView<'a>,
}

impl Tombstones<'_> {
    /// The table has too many tombstones, or too old ones.
    pub(crate) fn are_due(&self, table: &TableMeta) -> bool {
        self.are_many(table) || self.are_old(table)
    }

    fn are_many(&self, table: &TableMeta) -> bool {
        let tombstones = u128::from(table.tombstones) * 100;
        tombstones > 0 && tombstones >= u128::from(table.entries) * u128::from(self.percent_min)
    }

    /// The table has a tombstone that is too old.
    pub(crate) fn are_old(&self, table: &TableMeta) -> bool {
        let age = |written: u64| self.view.now_unix_ms.saturating_sub(written);
        self.age_ms_max < u64::MAX
            && table.tombstones > 0
            && table.oldest_tombstone_unix_ms.is_some_and(|written| age(written) >= self.age_ms_max)
    }

    /// True when rewriting the table at the bottom leaves no tombstone: no snapshot tells apart what is in it.
    pub(crate) fn can_go(&self, table: &TableMeta) -> bool {
        self.view.snapshots.iter().all(|snapshot| *snapshot >= table.last_sequence)
    }

    pub(crate) fn reason(&self, table: &TableMeta) -> Reason {
        let TableMeta { tombstones, entries, id, .. } = table;
        let text = if self.are_many(table) {
            format!("{tombstones} of {entries} entries of table {id} are tombstones")
        } else {
            format!("table {id} holds tombstones that are older than {} ms", self.age_ms_max)
        };
        Reason::new("tombstones", text)
    }
}
