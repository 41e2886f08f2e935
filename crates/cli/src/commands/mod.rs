//! One file per command, or per pair of commands that mirror each other.

mod dump;
mod import_export;
mod maintain;
mod point;
mod scan;
mod shell;

use siltstone::{DEFAULT_KEYSPACE, Db};

use crate::{
    CommandResult,
    args::{Args, Command},
    shell::{Start, UnknownKeyspaces},
};

/// Runs the command that was given.
pub(crate) fn run(args: &Args) -> CommandResult {
    match &args.command {
        Command::Put { key, value } => point::put(&open_for_writing(args)?, key, value),
        Command::Get { key, raw } => point::get(&open_for_reading(args)?, key, *raw),
        Command::Delete { key } => point::delete(&open_existing(args)?, key),
        Command::Scan { start, end, prefix, limit, reverse, keys_only } => {
            let db = open_for_reading(args)?;
            let entries = scan::select(&db, start.as_deref(), end.as_deref(), prefix.as_deref());
            scan::print(entries, scan::Order::from_reverse(*reverse), *limit, scan::Columns::new(*keys_only))
        }
        Command::Import { file, batch } => {
            // Before a database is created for a file that is not there.
            let source = import_export::Source::open(file)?;
            import_export::import(&open_for_writing(args)?, source, *batch)
        }
        Command::Export => import_export::export(&open_for_reading(args)?),
        Command::Flush => maintain::flush(&open_existing(args)?),
        Command::Compact => maintain::compact(&open_existing(args)?),
        Command::Verify => maintain::verify(&open_for_reading(args)?),
        Command::Shell { strict } => {
            let db = open_for_writing(args)?;
            let start = Start {
                keyspace: db.keyspace(DEFAULT_KEYSPACE)?,
                durability: None,
                unknown_keyspaces: UnknownKeyspaces::from_no_create(args.no_create),
            };
            shell::shell(&db, start, shell::Strictness::from_strict(*strict))
        }
        Command::Dump { file } => dump::dump(file),
    }
}

/// For commands that may create the database.
fn open_for_writing(args: &Args) -> anyhow::Result<Db> {
    Ok(opened(Db::builder(&args.db).create_if_missing(!args.no_create).open()?))
}

/// For commands that change a database but never create one.
fn open_existing(args: &Args) -> anyhow::Result<Db> {
    Ok(opened(Db::builder(&args.db).create_if_missing(false).open()?))
}

/// For commands that change nothing: they write no byte, and do not need the lock.
fn open_for_reading(args: &Args) -> anyhow::Result<Db> {
    Ok(opened(Db::builder(&args.db).read_only(true).open()?))
}

/// Says what opening recovered.
fn opened(db: Db) -> Db {
    let recovery = db.recovery();
    if recovery.records > 0 || recovery.dropped_bytes > 0 {
        tracing::info!(
            records = recovery.records,
            bytes = recovery.bytes,
            dropped_bytes = recovery.dropped_bytes,
            milliseconds = recovery.duration.as_millis(),
            "recovered what was not closed"
        );
    }
    db
}
