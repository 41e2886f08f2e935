//! `scan`: prints a range of keys.

use std::{
    io::{BufWriter, Write as _, stdout},
    ops::Bound,
};

use siltstone::{Db, KeyValue, Range};

use crate::{CommandResult, status::Outcome, text::escape};

/// Which end comes first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Order {
    Ascending,
    Descending,
}

impl Order {
    pub(crate) fn from_reverse(reverse: bool) -> Order {
        if reverse { Order::Descending } else { Order::Ascending }
    }
}

/// What is printed of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Columns {
    Keys,
    KeysAndValues,
}

impl Columns {
    pub(crate) fn new(keys_only: bool) -> Columns {
        if keys_only { Columns::Keys } else { Columns::KeysAndValues }
    }
}

/// The entries from `start` to `end`, both included, or those that begin with `prefix`.
pub(crate) fn select(db: &Db, start: Option<&str>, end: Option<&str>, prefix: Option<&str>) -> Range {
    match prefix {
        Some(prefix) => db.prefix(prefix),
        None => {
            let bound =
                |key: Option<&str>| key.map_or(Bound::Unbounded, |key| Bound::Included(key.to_owned()));
            db.range((bound(start), bound(end)))
        }
    }
}

/// Prints entries, a line each: key, tab, value.
pub(crate) fn print(entries: Range, order: Order, limit: Option<usize>, columns: Columns) -> CommandResult {
    let limit = limit.unwrap_or(usize::MAX);
    match order {
        Order::Ascending => print_lines(entries.take(limit), columns),
        Order::Descending => print_lines(entries.rev().take(limit), columns),
    }
}

fn print_lines(
    entries: impl Iterator<Item = siltstone::Result<KeyValue>>,
    columns: Columns,
) -> CommandResult {
    let mut out = BufWriter::new(stdout().lock());
    for entry in entries {
        let (key, value) = entry?;
        match columns {
            Columns::Keys => writeln!(out, "{}", escape(&key))?,
            Columns::KeysAndValues => writeln!(out, "{}\t{}", escape(&key), escape(&value))?,
        }
    }
    out.flush()?;
    Ok(Outcome::Done)
}
