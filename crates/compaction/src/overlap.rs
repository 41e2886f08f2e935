//! Asks a tree whether older data for a key can exist.

use crate::{InvalidJob, Job, Level, Run, tree::runs_by_age, validate::Inputs};

/// The part of a tree that is older than the result of a job: what a tombstone in the result may have to
/// hide.
///
/// Take it when the job begins, from the levels the job was checked against. The answers stay right while
/// other jobs end: data that is older than the inputs cannot come to be in front of the result, nor newer
/// data behind it.
#[derive(Clone, Debug)]
pub struct OlderData {
    runs: Vec<Run>,
}

impl OlderData {
    /// What stays in the tree behind the place of the job's result.
    ///
    /// # Errors
    ///
    /// When the inputs of the job are not in the levels, or are none.
    pub fn behind(job: &Job, levels: &[Level]) -> Result<OlderData, InvalidJob> {
        let inputs = Inputs::find(&job.inputs, levels)?;
        let place = job.output().map_or(inputs.oldest(), |output| inputs.place(output));
        let older = runs_by_age(levels).filter(|(position, _)| *position > place);
        let parts = older.map(|(_, run)| {
            let overlapping = run.overlapping(inputs.hull()).iter();
            let tables = overlapping.filter(|table| !inputs.contains(table.id)).cloned().collect();
            Run { epoch: run.epoch, tables }
        });
        Ok(OlderData { runs: parts.filter(|run| !run.tables.is_empty()).collect() })
    }

    /// False only when the tree holds no version of the key that is older than the job's. The key is one of
    /// the inputs'.
    pub fn may_exist(&self, user_key: &[u8]) -> bool {
        self.runs.iter().any(|run| run.table_for(user_key).is_some())
    }
}
