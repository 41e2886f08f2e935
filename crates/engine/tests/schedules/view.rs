//! What a reader saw, and whether it may have.

use siltstone::{Slice, Snapshot};

use crate::{
    Checked,
    database::Database,
    history::{History, Rounds},
    said,
};

/// Both keyspaces at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct View {
    /// Of each keyspace, the newest round of each writer.
    rounds: [Rounds; 2],
    /// Of each keyspace, who wrote last, and which round.
    last: [Option<(usize, u64)>; 2],
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("not a number: {text}"))
}

fn text(value: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(value).map_err(|error| error.to_string())
}

fn round(value: Option<Slice>) -> Result<u64, String> {
    value.map_or(Ok(0), |value| number(text(&value)?))
}

fn last(value: Option<Slice>) -> Result<Option<(usize, u64)>, String> {
    let Some(value) = value else { return Ok(None) };
    let (writer, round) = text(&value)?.split_once(':').ok_or("half a value")?;
    Ok(Some((usize::try_from(number(writer)?).map_err(|error| error.to_string())?, number(round)?)))
}

/// Two keys that every batch writes alike.
fn same(one: Option<(usize, u64)>, other: Option<(usize, u64)>) -> Checked {
    if one == other { Ok(()) } else { Err(format!("half a batch: {one:?} and {other:?}")) }
}

impl View {
    /// Key by key.
    pub(crate) fn by_get(snapshot: &Snapshot, database: &Database) -> Result<View, String> {
        let mut rounds = [Rounds::default(); 2];
        let in_default = |key: &str| snapshot.get(key).map_err(said);
        let in_other = |key: &str| snapshot.get_in(&database.other, key).map_err(said);
        for writer in 0..rounds[0].len() {
            rounds[0][writer] = round(in_default(&format!("w{writer}"))?)?;
            rounds[1][writer] = round(in_other(&format!("w{writer}"))?)?;
        }
        let last_by = [last(in_default("x")?)?, last(in_other("x")?)?];
        same(last_by[0], last(in_default("y")?)?)?;
        Ok(View { rounds, last: last_by })
    }

    /// As ranges, one of them backwards.
    pub(crate) fn by_range(snapshot: &Snapshot, database: &Database) -> Result<View, String> {
        let (mut rounds, mut last_by, mut last_again) = ([Rounds::default(); 2], [None; 2], None);
        let forward: Vec<_> = snapshot.range(..).collect();
        let backward: Vec<_> = snapshot.range_in(&database.other, ..).rev().collect();
        for (at, entries) in [forward, backward].into_iter().enumerate() {
            for entry in entries {
                let (key, value) = entry.map_err(said)?;
                match text(&key)? {
                    "x" => last_by[at] = last(Some(value))?,
                    "y" => last_again = last(Some(value))?,
                    mark => {
                        let writer = number(mark.trim_start_matches('w'))?;
                        let writer = usize::try_from(writer).map_err(|error| error.to_string())?;
                        rounds[at][writer] = round(Some(value))?;
                    }
                }
            }
        }
        same(last_by[0], last_again)?;
        Ok(View { rounds, last: last_by })
    }

    /// Of each writer, the newest round.
    pub(crate) fn rounds(&self) -> Rounds {
        self.rounds[0]
    }

    /// Checks it against what was written: `floor` is what it must have.
    pub(crate) fn check(&self, history: &History, floor: &Rounds) -> Checked {
        let begun = history.begun();
        if self.rounds[0] != self.rounds[1] || self.last[0] != self.last[1] {
            return Err(format!("half a batch: {self:?}"));
        }
        let rounds = self.rounds();
        if rounds.iter().zip(floor).any(|(round, floor)| round < floor) {
            return Err(format!("acknowledged, and not there: {self:?} does not reach {floor:?}"));
        }
        if rounds.iter().zip(&begun).any(|(round, begun)| round > begun) {
            return Err(format!("there before it was written: {self:?} is beyond {begun:?}"));
        }
        match self.last[0] {
            None if rounds == Rounds::default() => Ok(()),
            Some((writer, round)) if rounds.get(writer) == Some(&round) => {
                // Whoever wrote last came after everything that was acknowledged before it began.
                let before = history.before(writer, round);
                if rounds.iter().zip(&before).any(|(round, before)| round < before) {
                    return Err(format!("not a prefix: {self:?} has a batch that came after {before:?}"));
                }
                Ok(())
            }
            _ => Err(format!("parts of different moments: {self:?}")),
        }
    }

    /// Nothing goes back.
    pub(crate) fn check_not_before(&self, older: &View) -> Checked {
        if self.rounds().iter().zip(older.rounds()).any(|(new, old)| *new < old) {
            return Err(format!("{self:?} was read after {older:?}"));
        }
        Ok(())
    }
}

/// Reads everything in every way and checks it.
pub(crate) fn look(database: &Database, history: &History, floor: &Rounds) -> Result<View, String> {
    let snapshot = database.db.snapshot();
    let view = View::by_get(&snapshot, database)?;
    let again = View::by_range(&snapshot, database)?;
    if view != again {
        return Err(format!("gets saw {view:?}, ranges {again:?}"));
    }
    view.check(history, floor)?;
    Ok(view)
}

/// Reads the key that every batch writes without a snapshot, in both keyspaces and in both ways.
pub(crate) fn glance(database: &Database, history: &History) -> Checked {
    let began = history.moment();
    let by_get = last(database.db.get("x").map_err(said)?)?;
    history.check_last(by_get, began).map_err(|what| format!("get: {what}"))?;
    let began = history.moment();
    let mut range = database.other.range("x"..);
    let by_range = last(range.next().transpose().map_err(said)?.map(|(_, value)| value))?;
    history.check_last(by_range, began).map_err(|what| format!("range: {what}"))
}
