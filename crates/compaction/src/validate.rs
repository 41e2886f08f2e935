//! What every job must satisfy, whoever thought of it.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    Action, Epoch, InvalidJob, Job, KeyRange, LEVELS_MAX, Level, Output, Place, Position, RunningJob,
    TableId, TableMeta, TreeView, tree::runs_by_age,
};

/// Checks a job against the rules of `docs/traits/compaction-strategy.md`: planned and manual jobs alike,
/// before they begin.
///
/// Data keeps its order of age if all running jobs passed, in whatever order they end.
///
/// # Errors
///
/// The first rule that the job breaks.
pub fn validate(job: &Job, view: &TreeView<'_>) -> Result<(), InvalidJob> {
    let inputs = Inputs::find(&job.inputs, view.levels)?;
    let busy = view.busy();
    if let Some(&table) = job.inputs.iter().find(|id| busy.contains(id)) {
        return Err(InvalidJob::BusyInput { table });
    }
    check_levels_rules(job, &inputs, view.levels, TargetRun::Exists)?;
    view.running.iter().try_for_each(|running| check_running(job, &inputs, running, view.levels))
}

/// The rules that look at nothing but the levels.
pub(crate) fn check_levels_rules(
    job: &Job,
    inputs: &Inputs,
    levels: &[Level],
    target: TargetRun,
) -> Result<(), InvalidJob> {
    let Some(output) = job.output() else {
        return check_drop(inputs, levels);
    };
    check_place(output, inputs, levels, target)?;
    let place = inputs.place(output);
    check_order(inputs, place, levels)?;
    check_disjoint(job, inputs, place, levels)
}

/// Whether the run that a job joins must be there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TargetRun {
    /// When a job begins: an epoch that was made up would be in the way of new runs.
    Exists,
    /// When a job ends: other jobs may have taken all its tables elsewhere, and its place is still free.
    MayBeGone,
}

/// Rule 3, as far as it does not need the other tables.
fn check_place(
    output: Output,
    inputs: &Inputs,
    levels: &[Level],
    target: TargetRun,
) -> Result<(), InvalidJob> {
    let Output { level, place } = output;
    if level >= LEVELS_MAX {
        return Err(InvalidJob::LevelTooDeep { level });
    }
    match place {
        Place::NewRun if level <= inputs.oldest().level => Err(InvalidJob::NewRunNotDeeper { level }),
        Place::ReplaceNewest if level != inputs.newest().level => {
            Err(InvalidJob::NotTheLevelOfTheNewest { level })
        }
        Place::JoinRun(epoch) if target == TargetRun::Exists && !run_exists(levels, level, epoch) => {
            Err(InvalidJob::UnknownRun { level, epoch })
        }
        Place::NewRun | Place::ReplaceNewest | Place::JoinRun(_) => Ok(()),
    }
}

fn run_exists(levels: &[Level], level: u32, epoch: Epoch) -> bool {
    levels.get(level as usize).is_some_and(|level| level.runs.iter().any(|run| run.epoch == epoch))
}

/// Rules 2 and 3: what stays is in front of the result if it is newer than the input it shares keys with, and
/// behind if it is older.
fn check_order(inputs: &Inputs, place: Position, levels: &[Level]) -> Result<(), InvalidJob> {
    for (position, run) in runs_by_age(levels) {
        for (input_position, input) in &inputs.found {
            let is_newer = position < *input_position;
            let stays_right = if is_newer { position < place } else { position > place };
            if stays_right || position == *input_position {
                continue;
            }
            if let Some(other) = run.overlapping(&input.range).iter().find(|table| !inputs.contains(table.id))
            {
                return Err(InvalidJob::OutOfOrder { input: input.id, other: other.id });
            }
        }
    }
    Ok(())
}

/// Rule 2 for jobs without a result: nothing that a dropped table hides may be left.
fn check_drop(inputs: &Inputs, levels: &[Level]) -> Result<(), InvalidJob> {
    for (position, run) in runs_by_age(levels) {
        for (_, input) in inputs.found.iter().filter(|(input_position, _)| *input_position < position) {
            if let Some(other) = run.overlapping(&input.range).iter().find(|table| !inputs.contains(table.id))
            {
                return Err(InvalidJob::Reveals { input: input.id, other: other.id });
            }
        }
    }
    Ok(())
}

/// Rule 4: the result fits between the tables that its run keeps.
fn check_disjoint(job: &Job, inputs: &Inputs, place: Position, levels: &[Level]) -> Result<(), InvalidJob> {
    if matches!(job.action, Action::Move { .. }) {
        inputs.check_movable()?;
    }
    let Some((_, run)) = runs_by_age(levels).find(|(position, _)| *position == place) else {
        return Ok(());
    };
    for range in inputs.extents(job.action) {
        if let Some(other) = run.overlapping(range).iter().find(|table| !inputs.contains(table.id)) {
            return Err(InvalidJob::OverlapsRun { other: other.id });
        }
    }
    Ok(())
}

/// Rules 2 to 4 against a job that will change the tree before this one ends, or after: each must still pass
/// when the other has ended.
fn check_running(
    job: &Job,
    inputs: &Inputs,
    running: &RunningJob,
    levels: &[Level],
) -> Result<(), InvalidJob> {
    let others = Inputs::find(&running.inputs, levels)?;
    let place = job.output().map(|output| inputs.place(output));
    let running_place = running.output.map(|output| others.place(output));
    if let (Some(at), Some(running_at)) = (place, running_place)
        && at == running_at
    {
        let Position { level, .. } = at;
        if at == Position::newest(level) {
            return Err(InvalidJob::TwoNewRuns { level });
        }
        if inputs.extents(job.action).any(|range| range.overlaps(&running.range)) {
            return Err(InvalidJob::OverlapsRunning { level, epoch: at.epoch() });
        }
    }
    // The result of a merge may reach over gaps that a table of the other job lies in. So ranges count,
    // rather than tables: the other one would be refused at its end.
    let crossing = inputs.found.iter().find(|(position, table)| {
        table.range.overlaps(&running.range) && crosses(*position, place, running_place)
    });
    let crossed = others.found.iter().find(|(position, table)| {
        inputs.extents(job.action).any(|range| range.overlaps(&table.range))
            && crosses(*position, running_place, place)
    });
    match crossing.or(crossed) {
        Some((_, table)) => Err(InvalidJob::CrossesRunning { table: table.id }),
        None => Ok(()),
    }
}

/// True when a table that goes from its position to a place (or is dropped, where there is none) changes
/// places with what another job leaves at its own. Nobody can be in one run with it without being disjoint,
/// which is rule 4.
fn crosses(position: Position, place: Option<Position>, other: Option<Position>) -> bool {
    match (place, other) {
        (_, None) => false,
        (None, Some(other)) => other > position,
        (Some(place), Some(other)) if other == position || other == place => false,
        (Some(place), Some(other)) => (other < position) != (other < place),
    }
}

/// The inputs of a job, found in a tree.
#[derive(Clone, Debug)]
pub(crate) struct Inputs {
    /// Newest first. Never empty.
    found: Vec<(Position, Arc<TableMeta>)>,
    ids: BTreeSet<TableId>,
    hull: KeyRange,
    newest: Position,
    oldest: Position,
}

impl Inputs {
    pub(crate) fn find(inputs: &[TableId], levels: &[Level]) -> Result<Inputs, InvalidJob> {
        let mut ids = BTreeSet::new();
        if let Some(&table) = inputs.iter().find(|&&id| !ids.insert(id)) {
            return Err(InvalidJob::RepeatedInput { table });
        }
        let tables = runs_by_age(levels)
            .flat_map(|(position, run)| run.tables.iter().map(move |table| (position, table)));
        let found: Vec<_> = tables
            .filter(|(_, table)| ids.contains(&table.id))
            .map(|(position, table)| (position, Arc::clone(table)))
            .collect();
        let known: BTreeSet<TableId> = found.iter().map(|(_, table)| table.id).collect();
        if let Some(&table) = ids.difference(&known).next() {
            return Err(InvalidJob::UnknownInput { table });
        }
        let hull = KeyRange::hull(found.iter().map(|(_, table)| &table.range));
        let (Some(hull), Some(&(newest, _)), Some(&(oldest, _))) = (hull, found.first(), found.last()) else {
            return Err(InvalidJob::NoInputs);
        };
        Ok(Inputs { found, ids, hull, newest, oldest })
    }

    pub(crate) fn contains(&self, table: TableId) -> bool {
        self.ids.contains(&table)
    }

    pub(crate) fn tables(&self) -> impl Iterator<Item = &Arc<TableMeta>> {
        self.found.iter().map(|(_, table)| table)
    }

    pub(crate) fn hull(&self) -> &KeyRange {
        &self.hull
    }

    pub(crate) fn newest(&self) -> Position {
        self.newest
    }

    pub(crate) fn oldest(&self) -> Position {
        self.oldest
    }

    /// Tables that come into one run as they are have to be disjoint.
    fn check_movable(&self) -> Result<(), InvalidJob> {
        let mut tables: Vec<&Arc<TableMeta>> = self.tables().collect();
        tables.sort_unstable_by(|a, b| a.range.cmp(&b.range));
        match tables.windows(2).find(|pair| pair[0].range.last >= pair[1].range.first) {
            Some(pair) => Err(InvalidJob::MovesOverlap { input: pair[0].id, other: pair[1].id }),
            None => Ok(()),
        }
    }

    /// Where the result will be in the order of age.
    pub(crate) fn place(&self, output: Output) -> Position {
        match output.place {
            Place::NewRun => Position::newest(output.level),
            Place::JoinRun(epoch) => Position::new(output.level, epoch),
            Place::ReplaceNewest => self.newest,
        }
    }

    /// The ranges that tables of the result may have: merged ones may reach over the gaps between the inputs,
    /// moved ones stay as they are.
    fn extents(&self, action: Action) -> impl Iterator<Item = &KeyRange> {
        let (hull, found) = match action {
            Action::Merge { .. } => (Some(&self.hull), [].as_slice()),
            Action::Move { .. } | Action::Drop => (None, self.found.as_slice()),
        };
        hull.into_iter().chain(found.iter().map(|(_, table)| &table.range))
    }
}
