//! `scan`: prints a range of keys.

use std::{ffi::OsString, io::Write as _, ops::Bound};

use siltstone::KeyValue;

use crate::{
    CommandResult,
    config::Config,
    formats::{Format, hex::Notation},
    open,
    output::Output,
    status::{Outcome, Usage},
};

/// What to print, and how.
#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    /// The first key; from the beginning when it is left out
    #[arg(allow_negative_numbers = true)]
    start: Option<OsString>,
    /// The last key, included; to the end when it is left out
    #[arg(allow_negative_numbers = true)]
    end: Option<OsString>,
    /// Only keys that begin with P
    #[arg(long, value_name = "P", allow_negative_numbers = true, conflicts_with_all = ["start", "end"])]
    prefix: Option<OsString>,
    /// Print at most N
    #[arg(long, value_name = "N", value_parser = parse_limit)]
    limit: Option<usize>,
    /// From the last to the first
    #[arg(long)]
    reverse: bool,
    /// Print the keys only
    #[arg(long)]
    keys_only: bool,
    /// How to print them [default: tsv]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// START, END and P are hexadecimal digits; the format is hex unless it is given
    #[arg(long)]
    hex: bool,
}

fn parse_limit(text: &str) -> Result<usize, &'static str> {
    text.parse().map_err(|_| "write a whole number")
}

/// Which keys are printed.
enum Selection {
    /// Those between two keys, both included.
    Between(Bound<Vec<u8>>, Bound<Vec<u8>>),
    /// Those that begin with these bytes.
    Prefix(Vec<u8>),
}

/// What is printed of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Columns {
    Keys,
    KeysAndValues,
}

impl Arguments {
    /// Reads the keys. A prefix comes without ends.
    fn selection(&self, notation: Notation) -> Result<Selection, Usage> {
        if let Some(prefix) = &self.prefix {
            return notation.read("--prefix", prefix).map(Selection::Prefix);
        }
        let bound = |name, key: &Option<OsString>| {
            let bytes = key.as_deref().map(|key| notation.read(name, key)).transpose()?;
            Ok(bytes.map_or(Bound::Unbounded, Bound::Included))
        };
        Ok(Selection::Between(bound("START", &self.start)?, bound("END", &self.end)?))
    }
}

/// Prints the entries, a line each.
pub(crate) fn run(config: &Config, arguments: &Arguments) -> CommandResult {
    let notation = Notation::from_flag(arguments.hex);
    let selection = arguments.selection(notation)?;
    let columns = if arguments.keys_only { Columns::Keys } else { Columns::KeysAndValues };
    let format = arguments.format.unwrap_or(match notation {
        Notation::Text => Format::Tsv,
        Notation::Hex => Format::Hex,
    });
    let db = open::for_reading(config)?;
    let keyspace = open::existing_keyspace(config, &db)?;
    let entries = match selection {
        Selection::Between(start, end) => keyspace.range((start, end)),
        Selection::Prefix(prefix) => keyspace.prefix(prefix),
    };
    let limit = arguments.limit.unwrap_or(usize::MAX);
    if arguments.reverse {
        print(entries.rev().take(limit), columns, format)
    } else {
        print(entries.take(limit), columns, format)
    }
}

fn print(
    entries: impl Iterator<Item = siltstone::Result<KeyValue>>,
    columns: Columns,
    format: Format,
) -> CommandResult {
    let mut out = Output::new();
    for entry in entries {
        let (key, value) = match entry {
            Ok(entry) => entry,
            Err(error) => {
                // What comes before the damage is printed.
                out.flush()?;
                return Err(error.into());
            }
        };
        let value = (columns == Columns::KeysAndValues).then_some(&*value);
        format.write(&mut out, &key, value)?;
    }
    out.flush()?;
    Ok(Outcome::Done)
}
