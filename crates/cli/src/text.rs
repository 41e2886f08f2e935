//! Bytes as text that stays on its line: the escapes of the tsv format, and those of messages.
//!
//! A tab, a newline, a carriage return and a backslash become `\t`, `\n`, `\r` and `\\`; a byte that is not part of valid UTF-8 becomes
//! `\xHH`. Everything else stays, so that ordinary text is readable, and [`unescape`] gives back exactly what [`escape`] was given.

use std::fmt::Write as _;

/// Bytes as one field of a line.
pub(crate) fn escape(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\t' => out.push_str("\\t"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\\' => out.push_str("\\\\"),
                other => out.push(other),
            }
        }
        push_hex(&mut out, chunk.invalid());
    }
    out
}

/// A message as one line: it may hold a path, and a path may hold a newline.
pub(crate) fn one_line(text: &str) -> String {
    text.replace('\n', "\\n").replace('\r', "\\r")
}

/// The bytes that a field stands for; the error says what is wrong with it.
pub(crate) fn unescape(field: &[u8]) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&byte, tail)) = rest.split_first() {
        if byte != b'\\' {
            out.push(byte);
            rest = tail;
            continue;
        }
        let (unescaped, tail) = match tail {
            [b't', tail @ ..] => (b'\t', tail),
            [b'n', tail @ ..] => (b'\n', tail),
            [b'r', tail @ ..] => (b'\r', tail),
            [b'\\', tail @ ..] => (b'\\', tail),
            [b'x', high, low, tail @ ..] => {
                let wrong =
                    || format!("\\x{}{} is not a hexadecimal byte", char::from(*high), char::from(*low));
                (hex_byte(*high, *low).ok_or_else(wrong)?, tail)
            }
            _ => return Err("a backslash must be followed by t, n, r, \\ or xHH".to_owned()),
        };
        out.push(unescaped);
        rest = tail;
    }
    Ok(out)
}

/// The byte of two hexadecimal digits of either case.
pub(crate) fn hex_byte(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

/// Appends bytes as `\xHH`.
pub(crate) fn push_hex(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(out, "\\x{byte:02x}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_survives() {
        let all: Vec<u8> = (0..=255).chain("häßlich 🦀 \\x41 \\".bytes()).collect();
        let escaped = escape(&all);
        assert!(!escaped.contains(['\t', '\n', '\r']));
        assert_eq!(unescape(escaped.as_bytes()), Ok(all));
        assert_eq!(escape("🦀 a\tb\\".as_bytes()), "🦀 a\\tb\\\\");
        assert_eq!(escape(b"\xff\xc3"), "\\xff\\xc3");
    }

    #[test]
    fn a_wrong_escape_is_refused() {
        for wrong in ["\\", "\\q", "\\x4", "\\xzz"] {
            assert!(unescape(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
