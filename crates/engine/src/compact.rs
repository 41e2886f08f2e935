//! Plans compactions and installs what they made.

use std::{sync::Arc, time::Duration};

use siltstone_compaction::{
    Action, Budget, CompactionStrategy, Epoch, Job, OlderData, Output as Destination, Place, Reason,
    RetainStatistics, SizeTiered, TableId, TreeView, apply, validate,
};

use crate::{
    Db, Error, Result,
    db::Inner,
    execute::{self, Rules},
    keyspace::KeyspaceId,
    manifest::format::{Edit, Field},
    read_view::Version,
    tree::OpenTable,
    write::Writer,
};

/// What a compaction did.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct CompactionReport {
    /// Tables before.
    pub tables_before: u64,
    /// Tables after.
    pub tables_after: u64,
    /// Entries that are gone: stale versions, and tombstones with nothing left to hide.
    pub entries_removed: u64,
    /// Bytes by which the files shrank.
    pub bytes_reclaimed: u64,
    /// How long it took.
    pub duration: Duration,
}

impl Inner {
    fn strategy(&self) -> SizeTiered {
        let settings = &self.shared.settings;
        SizeTiered {
            runs_min: usize::try_from(settings.compaction_runs_min).unwrap_or(usize::MAX),
            table_bytes_max: settings.table_bytes_max,
            ..SizeTiered::default()
        }
    }

    /// Runs the jobs that the strategy asks for. One that fails costs nothing but space, and is tried again after the next flush.
    pub(crate) fn compact_if_due(&self, writer: &mut Writer) {
        let strategy = self.strategy();
        loop {
            let version = Arc::clone(&self.version.read());
            let snapshots = self.snapshots.live();
            let view = TreeView {
                levels: &version.tree.levels,
                running: &[],
                snapshots: &snapshots,
                now_unix_ms: self.shared.clock.now_unix_ms(),
                budget: Budget::UNLIMITED,
            };
            let Some(job) = strategy.plan(&view) else { return };
            if let Err(error) = self.run_job(writer, &version, &job) {
                tracing::warn!(%error, job = %job, "a compaction failed");
                return;
            }
        }
    }

    fn run_job(&self, writer: &mut Writer, version: &Version, job: &Job) -> Result<RetainStatistics> {
        let levels = &version.tree.levels;
        let invalid = |error: siltstone_compaction::InvalidJob| Error::invalid_argument(error.to_string());
        validate(job, &TreeView::idle(levels)).map_err(invalid)?;
        let inputs: Vec<u64> = job.inputs.iter().map(|id| id.0).collect();
        let fresh = Epoch(writer.state.next_epoch);
        // Where the outputs go does not depend on what they are.
        let place = apply(levels, job, Vec::new(), fresh).map_err(invalid)?.place;
        let (level, epoch) = place.map_or((0, fresh), |(level, epoch)| (level, epoch));
        let (added, statistics) = match job.action {
            Action::Merge { table_bytes_max, .. } => {
                let older = OlderData::behind(job, levels).map_err(invalid)?;
                let snapshots = self.snapshots.live();
                let rules = Rules {
                    snapshots: &snapshots,
                    older_data_may_exist: &|key| older.may_exist(key),
                    table_bytes_max,
                };
                let draw = || writer.draw_output(level, epoch.0);
                let merged = execute::merge(&self.shared, &version.tree, &job.inputs, &rules, draw)?;
                (merged.tables, merged.statistics)
            }
            Action::Move { .. } => {
                (self.relabeled(version, &inputs, level, epoch)?, RetainStatistics::default())
            }
            Action::Drop => (Vec::new(), RetainStatistics::default()),
        };
        if epoch == fresh {
            writer.state.next_epoch += 1;
        }
        let mut fields = writer.counters(self.published());
        let keyspace = KeyspaceId::DEFAULT.0;
        fields.extend(inputs.iter().map(|&number| Field::TableRemoved { keyspace, number }));
        fields.extend(added.iter().map(|table| table.added()));
        writer.commit_edit(&Edit { snapshot: false, fields })?;
        let kept: Vec<u64> = added.iter().map(|table| table.record.number).collect();
        self.install(version, &inputs, added, version.memtables.clone());
        for number in inputs.iter().filter(|number| !kept.contains(number)) {
            self.remove_file(&self.shared.layout.table(*number));
        }
        Ok(statistics)
    }

    fn relabeled(
        &self,
        version: &Version,
        inputs: &[u64],
        level: u32,
        epoch: Epoch,
    ) -> Result<Vec<Arc<OpenTable>>> {
        let moved = version.tree.tables().filter(|table| inputs.contains(&table.record.number));
        moved
            .map(|table| {
                let mut record = table.record.clone();
                (record.level, record.epoch) = (level, epoch.0);
                self.shared.open_table(record)
            })
            .collect()
    }

    fn compact_all(&self) -> Result<CompactionReport> {
        let started = self.shared.clock.monotonic();
        let mut writer = self.lock_writer()?;
        self.flush_memtable(&mut writer)?;
        let version = Arc::clone(&self.version.read());
        let mut report = CompactionReport {
            tables_before: version.tree.tables().count() as u64,
            ..CompactionReport::default()
        };
        let bytes =
            |version: &Version| version.tree.tables().map(|table| table.record.file_bytes).sum::<u64>();
        if let Some(newest) = version.tree.runs.first() {
            let output = Destination { level: newest.level, place: Place::ReplaceNewest };
            let job = Job {
                action: Action::Merge { output, table_bytes_max: self.shared.settings.table_bytes_max },
                inputs: version.tree.tables().map(|table| TableId(table.record.number)).collect(),
                reason: Reason::new("manual", "asked for"),
            };
            let statistics = self.run_job(&mut writer, &version, &job)?;
            report.entries_removed = statistics.entries_in - statistics.entries_out;
        }
        let after = Arc::clone(&self.version.read());
        report.tables_after = after.tree.tables().count() as u64;
        report.bytes_reclaimed = bytes(&version).saturating_sub(bytes(&after));
        report.duration = self.shared.clock.monotonic().saturating_sub(started);
        Ok(report)
    }
}

impl Db {
    /// Writes what is in memory to a table, and merges all tables into one run.
    ///
    /// # Errors
    ///
    /// As for [`Db::put`]; also `Corruption` when a table cannot be read. Nothing is lost then.
    pub fn compact(&self) -> Result<CompactionReport> {
        self.inner().compact_all()
    }
}
