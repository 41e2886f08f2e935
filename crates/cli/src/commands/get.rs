//! `get`: prints the value of one key.

use std::{ffi::OsString, io::Write as _};

use crate::{
    CommandResult, config::Config, formats::hex::Notation, open, output::Output, status::Outcome,
    text::escape,
};

/// What to look up.
#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    /// The key
    #[arg(allow_negative_numbers = true)]
    key: OsString,
    /// Print the bytes as they are, without escapes and without a newline behind them
    #[arg(long)]
    raw: bool,
    /// KEY is hexadecimal digits, and the value is printed so
    #[arg(long)]
    hex: bool,
}

/// Prints the value as text, as hexadecimal digits, or as it is.
pub(crate) fn run(config: &Config, arguments: &Arguments) -> CommandResult {
    let Arguments { key, raw, hex } = arguments;
    let notation = Notation::from_flag(*hex);
    let bytes = notation.read("KEY", key)?;
    let db = open::for_reading(config)?;
    let Some(value) = open::existing_keyspace(config, &db)?.get(bytes)? else {
        tracing::warn!("there is no key {}", escape(key.as_encoded_bytes()));
        return Ok(Outcome::NotFound);
    };
    let mut out = Output::new();
    if *raw {
        out.write_all(&value)?;
    } else {
        writeln!(out, "{}", notation.write(&value))?;
    }
    out.flush()?;
    Ok(Outcome::Done)
}
