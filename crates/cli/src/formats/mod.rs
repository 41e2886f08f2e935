//! Records as lines of text, as `docs/usage.md` has them under "Formats".

pub(crate) mod hex;
pub(crate) mod jsonl;
pub(crate) mod tsv;

use std::{
    borrow::Cow,
    io::{self, Write},
};

use clap::{
    ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};

/// How a record is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Format {
    /// Key, tab, value, with escapes
    Tsv,
    /// One JSON object a line
    Jsonl,
    /// Key, tab, value, as hexadecimal digits
    Hex,
}

impl Format {
    /// Reads the name of a format that can be imported.
    pub(crate) fn lossless() -> impl TypedValueParser<Value = Format> {
        PossibleValuesParser::new(["tsv", "jsonl"])
            .map(|name| if name == "jsonl" { Format::Jsonl } else { Format::Tsv })
    }

    /// Writes one record, or a key alone, as a line.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub(crate) fn write(self, out: &mut impl Write, key: &[u8], value: Option<&[u8]>) -> io::Result<()> {
        match self {
            Format::Tsv => tsv::write(out, key, value),
            Format::Jsonl => jsonl::write(out, None, key, value),
            Format::Hex => hex::write(out, key, value),
        }
    }

    /// Reads one line, without its end.
    ///
    /// # Errors
    ///
    /// What is wrong with the line.
    pub(crate) fn parse(self, line: &[u8]) -> Result<Record<'_>, String> {
        match self {
            Format::Jsonl => jsonl::parse(line),
            Format::Tsv => tsv::parse(line),
            Format::Hex => Err("hex is not read back".to_owned()),
        }
    }
}

/// What one line says.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Record<'a> {
    /// The keyspace, where the line names one.
    pub(crate) keyspace: Option<Cow<'a, str>>,
    /// Key and value; without them the line only says that the keyspace exists.
    pub(crate) entry: Option<(Bytes<'a>, Bytes<'a>)>,
}

/// Bytes of the line itself, or what its escapes stand for.
pub(crate) type Bytes<'a> = Cow<'a, [u8]>;
