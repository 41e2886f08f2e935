//! Puts the result of a job into the tree: one piece of code for the engine, the simulator and the tests.

use std::sync::Arc;

use crate::{
    Action, Epoch, InvalidJob, Job, KeyRange, Level, Place, Run, TableId, TableMeta,
    tree::runs_by_age,
    validate::{Inputs, TargetRun, check_levels_rules},
};

/// A tree after a job.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Applied {
    /// The new levels. There are never fewer than before; runs without tables are gone.
    pub levels: Vec<Level>,
    /// Level and epoch of the tables that came or moved; `None` when the job dropped its inputs.
    pub place: Option<(u32, Epoch)>,
}

/// The levels with the inputs of a finished job taken out and its outputs put in their place.
///
/// `outputs` are the tables that a merge made, in key order; nothing for the other actions. `fresh_epoch`
/// becomes the epoch of a new run, if the job makes one: a number above that of every run that ever was.
///
/// # Errors
///
/// When the job breaks a rule in these levels, which are those at the end of the job and need not be those it
/// was planned on; when the outputs overlap each other, are out of order, reach beyond the inputs or carry
/// ids that are taken; when the epoch is not fresh.
pub fn apply(
    levels: &[Level],
    job: &Job,
    outputs: Vec<Arc<TableMeta>>,
    fresh_epoch: Epoch,
) -> Result<Applied, InvalidJob> {
    let inputs = Inputs::find(&job.inputs, levels)?;
    check_levels_rules(job, &inputs, levels, TargetRun::MayBeGone)?;
    check_outputs(job.action, &inputs, &outputs, levels)?;
    let incoming = match job.action {
        Action::Merge { .. } | Action::Drop => outputs,
        Action::Move { .. } => inputs.tables().map(Arc::clone).collect(),
    };
    let mut levels = levels.to_vec();
    for run in levels.iter_mut().flat_map(|level| &mut level.runs) {
        run.tables.retain(|table| !inputs.contains(table.id));
    }
    let place = job.output().map(|output| match output.place {
        Place::NewRun => (output.level, fresh_epoch),
        Place::JoinRun(epoch) => (output.level, epoch),
        Place::ReplaceNewest => (output.level, inputs.newest().epoch()),
    });
    if let (Some((level, epoch)), Some(output)) = (place, job.output()) {
        let at = level as usize;
        if levels.len() <= at {
            levels.resize_with(at + 1, Level::default);
        }
        if output.place == Place::NewRun && levels[at].runs.iter().any(|run| run.epoch >= epoch) {
            return Err(InvalidJob::Result { what: format!("epoch {epoch} is not fresh") });
        }
        insert(&mut levels[at], epoch, incoming);
    }
    for level in &mut levels {
        level.runs.retain(|run| !run.tables.is_empty());
    }
    Ok(Applied { levels, place })
}

fn insert(level: &mut Level, epoch: Epoch, tables: Vec<Arc<TableMeta>>) {
    let at = level.runs.partition_point(|run| run.epoch > epoch);
    if level.runs.get(at).is_none_or(|run| run.epoch != epoch) {
        level.runs.insert(at, Run { epoch, tables: Vec::new() });
    }
    let run = &mut level.runs[at];
    run.tables.extend(tables);
    run.tables.sort_by(|a, b| a.range.cmp(&b.range));
}

fn check_outputs(
    action: Action,
    inputs: &Inputs,
    outputs: &[Arc<TableMeta>],
    levels: &[Level],
) -> Result<(), InvalidJob> {
    let broken = |what| Err(InvalidJob::Result { what });
    if !matches!(action, Action::Merge { .. }) && !outputs.is_empty() {
        return broken("only a merge makes tables".to_owned());
    }
    if let Some(table) = outputs.iter().find(|table| !is_within(&table.range, inputs.hull())) {
        return broken(format!("table {} reaches beyond the inputs (rule 4)", table.id));
    }
    if let Some(pair) = outputs.windows(2).find(|pair| pair[0].range.last >= pair[1].range.first) {
        return broken(format!(
            "tables {} and {} overlap, or are out of order (rule 5)",
            pair[0].id, pair[1].id
        ));
    }
    let mut ids: Vec<TableId> = outputs.iter().map(|table| table.id).collect();
    ids.extend(runs_by_age(levels).flat_map(|(_, run)| run.tables.iter().map(|table| table.id)));
    ids.sort_unstable();
    match ids.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => broken(format!("the id of table {} is taken", pair[0])),
        None => Ok(()),
    }
}

fn is_within(range: &KeyRange, hull: &KeyRange) -> bool {
    range.first <= range.last && hull.covers(range)
}
