//! `put`: sets one key.

use std::{
    ffi::OsString,
    io::Read as _,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use siltstone::{Error, WriteBatch};
use siltstone_types::limits::{VALUE_BYTES_MAX, check_key, check_value_bytes};

use crate::{
    CommandResult, config::Config, duration, formats::hex::Notation, input::Input, open, status::Outcome,
};

/// What to set.
#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    /// The key
    #[arg(allow_negative_numbers = true)]
    key: OsString,
    /// The value
    #[arg(allow_negative_numbers = true, required_unless_present = "file", conflicts_with = "file")]
    value: Option<OsString>,
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

/// All of a file, unless it is too long for a value: what has no end must not fill the memory.
fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let Input { name, reader, bytes } = Input::open(path)?;
    let limit = VALUE_BYTES_MAX as u64;
    let mut value = Vec::new();
    if bytes.is_none_or(|bytes| bytes <= limit) {
        reader.take(limit + 1).read_to_end(&mut value).with_context(|| format!("reading {name} failed"))?;
    }
    ensure!(
        bytes.unwrap_or(value.len() as u64) <= limit,
        "{name} has more than {limit} bytes, the limit of a value; nothing was written"
    );
    Ok(value)
}
