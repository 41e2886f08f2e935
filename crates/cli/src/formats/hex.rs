//! Bytes as hexadecimal digits.

use std::{
    ffi::OsStr,
    fmt::Write as _,
    io::{self, Write},
};

use crate::{
    status::Usage,
    text::{escape, hex_byte},
};

/// How keys and values stand on the command line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Notation {
    /// As text.
    Text,
    /// As hexadecimal digits.
    Hex,
}

impl Notation {
    /// What `--hex` asks for.
    pub(crate) fn from_flag(hex: bool) -> Notation {
        if hex { Notation::Hex } else { Notation::Text }
    }

    /// The bytes of an argument. Text is taken as it is, and need not be UTF-8 where the operating system's arguments need not.
    ///
    /// # Errors
    ///
    /// Wrong usage, with the argument's name.
    pub(crate) fn read(self, name: &str, argument: &OsStr) -> Result<Vec<u8>, Usage> {
        match self {
            Notation::Text => Ok(argument.as_encoded_bytes().to_vec()),
            Notation::Hex => {
                decode(&argument.to_string_lossy()).map_err(|what| Usage(format!("{name}: {what}")))
            }
        }
    }

    /// Bytes for a line of output. Text is escaped.
    pub(crate) fn write(self, bytes: &[u8]) -> String {
        match self {
            Notation::Text => escape(bytes),
            Notation::Hex => encode(bytes),
        }
    }
}

/// Two lower-case digits for each byte.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// The bytes that digits of either case stand for.
///
/// # Errors
///
/// What is wrong, and where.
pub(crate) fn decode(digits: &str) -> Result<Vec<u8>, String> {
    let wrong = digits.chars().enumerate().find(|(_, digit)| !digit.is_ascii_hexdigit());
    if let Some((at, digit)) = wrong {
        let escaped = digit.escape_debug();
        return Err(format!("`{escaped}` at position {} is no hexadecimal digit; use 0-9 and a-f", at + 1));
    }
    if !digits.len().is_multiple_of(2) {
        return Err(format!(
            "{} is an odd number of hexadecimal digits; use two for each byte",
            digits.len()
        ));
    }
    let pairs = digits.as_bytes().chunks_exact(2);
    let byte = |pair: &[u8]| match pair {
        [high, low] => hex_byte(*high, *low),
        _ => None,
    };
    pairs.map(byte).collect::<Option<Vec<u8>>>().ok_or_else(|| "not hexadecimal".to_owned())
}

/// Writes key, tab, value, or the key alone.
pub(crate) fn write(out: &mut impl Write, key: &[u8], value: Option<&[u8]>) -> io::Result<()> {
    match value {
        None => writeln!(out, "{}", encode(key)),
        Some(value) => writeln!(out, "{}\t{}", encode(key), encode(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_survives_in_either_case() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(decode(&encode(&all)), Ok(all.clone()));
        assert_eq!(decode(&encode(&all).to_uppercase()), Ok(all));
        assert_eq!(decode(""), Ok(Vec::new()));
    }

    #[test]
    fn what_is_not_hexadecimal_is_named_with_its_place() {
        assert!(decode("0g").unwrap_err().contains("`g` at position 2"));
        assert!(decode("00é0").unwrap_err().contains("`é` at position 3"));
        assert!(decode("0x00").unwrap_err().contains("`x` at position 2"));
        assert!(decode("+1").unwrap_err().contains("`+` at position 1"));
        assert!(decode("000").unwrap_err().contains("3 is an odd number"));
    }
}
