//! `export`: prints a keyspace, or all of them, as lines that `import` reads back.

use std::io::Write as _;

use siltstone::{Db, Keyspace, Snapshot};

use crate::{
    CommandResult,
    config::Config,
    formats::{Format, jsonl},
    open,
    output::Output,
    status::{Outcome, Usage},
};

/// What to print.
#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    /// How to print it [default: tsv, with --all jsonl]
    #[arg(long, value_name = "FORMAT", value_parser = Format::lossless())]
    format: Option<Format>,
    /// All keyspaces, with their names
    #[arg(long)]
    all: bool,
}

/// Prints everything, in key order.
pub(crate) fn run(config: &Config, arguments: &Arguments) -> CommandResult {
    let Arguments { format, all } = *arguments;
    if all && format == Some(Format::Tsv) {
        let what = "--all: tsv has no place for the names of keyspaces; use --format jsonl";
        return Err(Usage(what.to_owned()).into());
    }
    let db = open::for_reading(config)?;
    let mut out = Output::new();
    let printed = if all {
        print_all(&db, &mut out)
    } else {
        let keyspace = open::existing_keyspace(config, &db)?;
        print_one(&keyspace, format.unwrap_or(Format::Tsv), &mut out)
    };
    // What comes before a damage is printed.
    out.flush()?;
    printed.map(|()| Outcome::Done)
}

fn print_one(keyspace: &Keyspace, format: Format, out: &mut Output) -> anyhow::Result<()> {
    for entry in keyspace.range(..) {
        let (key, value) = entry?;
        format.write(out, &key, Some(&value))?;
    }
    Ok(())
}

/// All keyspaces as they were at one moment, sorted by name.
fn print_all(db: &Db, out: &mut Output) -> anyhow::Result<()> {
    let snapshot = db.snapshot();
    for name in db.keyspaces()? {
        print_named(&snapshot, &db.keyspace(&name)?, out)?;
    }
    Ok(())
}

fn print_named(snapshot: &Snapshot, keyspace: &Keyspace, out: &mut Output) -> anyhow::Result<()> {
    let name = keyspace.name();
    let mut is_empty = true;
    for entry in snapshot.range_in(keyspace, ..) {
        let (key, value) = entry?;
        jsonl::write(out, Some(name), &key, Some(&value))?;
        is_empty = false;
    }
    if is_empty {
        jsonl::write_keyspace(out, name)?;
    }
    Ok(())
}
