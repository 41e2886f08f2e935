//! `put`: sets one key.

use std::{
    io::{Read as _, stdin},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use siltstone::{Error, WriteBatch};
use siltstone_types::limits::{check_key, check_value_bytes};

use crate::{CommandResult, config::Config, duration, formats::hex::Notation, open, status::Outcome};

/// What to set.
#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    /// The key
    key: String,
    /// The value
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    value: Option<String>,
    /// Take the value from a file, or from standard input for -, as it is
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// KEY and VALUE are hexadecimal digits
    #[arg(long)]
    hex: bool,
    /// Delete the key by itself so long after it was written: 500ms, 10s, 5m, 2h, 7d
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    ttl: Option<Duration>,
}

/// Writes the key. The value is an argument or the content of a file; the command line has one of the two.
pub(crate) fn run(config: &Config, arguments: &Arguments) -> CommandResult {
    let notation = Notation::from_flag(arguments.hex);
    let key = notation.read("KEY", &arguments.key)?;
    let value = match &arguments.file {
        Some(file) => read(file)?,
        None => notation.read("VALUE", arguments.value.as_deref().unwrap_or_default())?,
    };
    // The engine would refuse them too, but only once there is a database.
    check_key(&key).map_err(Error::from)?;
    check_value_bytes(value.len()).map_err(Error::from)?;
    let db = open::for_writing(config)?;
    let keyspace = open::keyspace_for_writing(config, &db)?;
    let mut batch = WriteBatch::new();
    match arguments.ttl {
        Some(ttl) => batch.put_with_ttl_in(&keyspace, key, value, ttl),
        None => batch.put_in(&keyspace, key, value),
    };
    open::write(config, &db, &mut batch)?;
    db.close()?;
    Ok(Outcome::Done)
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    if path == Path::new("-") {
        let mut value = Vec::new();
        stdin().lock().read_to_end(&mut value).context("reading standard input failed")?;
        return Ok(value);
    }
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
