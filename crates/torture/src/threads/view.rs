//! What must hold in every view of the database.

use std::{collections::BTreeMap, fmt::Display};

use siltstone::{KeyValue, Keyspace, Snapshot};

use crate::threads::run::{ACCOUNTS, WRITERS};

/// What each account begins with.
pub(crate) const START: u64 = 100;

/// Rounds of the writers.
pub(crate) type Rounds = [u64; WRITERS];

/// Everything in the two keyspaces at one moment.
pub(crate) type Contents = [BTreeMap<Vec<u8>, Vec<u8>>; 2];

pub(crate) fn said(error: impl Display) -> String {
    format!("an error: {error}")
}

/// Key of the mark at an end of the key range.
pub(crate) fn mark(end: char, writer: usize) -> String {
    format!("{end}{writer}")
}

/// Key of an account.
pub(crate) fn account(writer: usize, number: usize) -> String {
    format!("m{writer}-{number}")
}

/// Value of an account.
pub(crate) fn balance_at(round: u64, balance: u64) -> String {
    format!("{round:010} {balance}")
}

fn collect(range: impl Iterator<Item = siltstone::Result<KeyValue>>) -> Result<Vec<Pair>, String> {
    range.map(|entry| entry.map(|(key, value)| (key.to_vec(), value.to_vec())).map_err(said)).collect()
}

/// A key and its value.
type Pair = (Vec<u8>, Vec<u8>);

/// Reads a snapshot in both directions.
pub(crate) fn contents(snapshot: &Snapshot, keyspaces: &[Keyspace; 2]) -> Result<Contents, String> {
    let mut contents = [const { BTreeMap::new() }; 2];
    for (map, keyspace) in contents.iter_mut().zip(keyspaces) {
        let forward = collect(snapshot.range_in(keyspace, "a".."zz"))?;
        let mut backward = collect(snapshot.range_in(keyspace, "a".."zz").rev())?;
        backward.reverse();
        if forward != backward {
            return Err(format!("{} entries forwards, {} others backwards", forward.len(), backward.len()));
        }
        *map = forward.into_iter().collect();
    }
    Ok(contents)
}

/// A value, for a message.
pub(crate) fn text(value: Option<&[u8]>) -> String {
    value.map_or_else(|| "nothing".to_owned(), |value| String::from_utf8_lossy(value).into_owned())
}

fn number(text: &[u8]) -> Result<u64, String> {
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(format!("not a number: {text:?}"))
}

/// Checks all rules. `newest` are the rounds that were seen before, and become those that are seen now; 0 is for what was not written yet.
pub(crate) fn check(contents: &Contents, newest: &mut Rounds) -> Result<(), String> {
    for (writer, newest) in newest.iter_mut().enumerate() {
        let marks: Vec<_> = contents
            .iter()
            .flat_map(|map| [map.get(mark('a', writer).as_bytes()), map.get(mark('z', writer).as_bytes())])
            .collect();
        if marks.iter().any(|other| Some(other) != marks.first()) {
            let marks = marks.iter().map(|mark| text(mark.map(Vec::as_slice)));
            return Err(format!("half a batch of writer {writer}: {}", marks.collect::<Vec<_>>().join(", ")));
        }
        let round = marks.first().copied().flatten().map_or(Ok(0), |round| number(round))?;
        if round < *newest {
            return Err(format!("writer {writer} was at round {newest} before, and is at {round} now"));
        }
        *newest = round;
        check_sum(contents, writer, round)?;
    }
    Ok(())
}

/// The sum never changes, and no account is ahead of its writer.
fn check_sum(contents: &Contents, writer: usize, round: u64) -> Result<(), String> {
    let mut sum = 0;
    for map in contents {
        for key in (0..ACCOUNTS).map(|number| account(writer, number)) {
            let Some(value) = map.get(key.as_bytes()) else { continue };
            let (written, balance) = value.split_at_checked(10).ok_or("an account is too short")?;
            if number(written)? > round {
                return Err(format!("account {key} is ahead of its writer's round {round}"));
            }
            sum += number(balance.get(1..).unwrap_or_default())?;
        }
    }
    let expected = if round == 0 { 0 } else { 2 * ACCOUNTS as u64 * START };
    if sum == expected {
        Ok(())
    } else {
        Err(format!("writer {writer} has {sum} at round {round}, not {expected}"))
    }
}

/// No account goes back to an older round.
pub(crate) fn check_monotonic(before: &Contents, after: &Contents) -> Result<(), String> {
    for (before, after) in before.iter().zip(after) {
        for (key, old) in before.iter().filter(|(key, _)| key.starts_with(b"m")) {
            // Rounds have as many digits, so that the text sorts as the numbers do; an account without money is deleted.
            if after.get(key).is_some_and(|new| new.get(..10) < old.get(..10)) {
                return Err(format!("account {} went back", String::from_utf8_lossy(key)));
            }
        }
    }
    Ok(())
}
