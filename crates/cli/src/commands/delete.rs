//! `delete`: deletes one key, whether it exists or not.

use std::ffi::OsString;

use siltstone::WriteBatch;

use crate::{CommandResult, config::Config, formats::hex::Notation, open, status::Outcome};

/// What to delete.
#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    /// The key
    #[arg(allow_negative_numbers = true)]
    key: OsString,
    /// KEY is hexadecimal digits
    #[arg(long)]
    hex: bool,
}

/// Deletes the key.
pub(crate) fn run(config: &Config, arguments: &Arguments) -> CommandResult {
    let key = Notation::from_flag(arguments.hex).read("KEY", &arguments.key)?;
    let db = open::existing(config)?;
    let keyspace = open::existing_keyspace(config, &db)?;
    open::write(config, &db, WriteBatch::new().delete_in(&keyspace, key))?;
    db.close()?;
    Ok(Outcome::Done)
}
