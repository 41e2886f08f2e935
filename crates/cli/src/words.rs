//! Splits a line into words: blanks separate them, quotes hold blanks and escapes, and every mistake has a column.

use std::{borrow::Cow, fmt};

use crate::text::{hex_byte, push_hex};

/// What is wrong with a line, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct LineError {
    /// The character of the line it concerns, from 1.
    column: usize,
    what: String,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.column, self.what)
    }
}

/// A word of a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Word<'a> {
    /// Where it begins, in bytes from the start of the line.
    pub(crate) at: usize,
    /// Quoted words are never options.
    pub(crate) quoted: bool,
    /// What it stands for.
    pub(crate) bytes: Cow<'a, [u8]>,
}

impl Word<'_> {
    /// Whether it is an option such as `--limit`.
    pub(crate) fn is_option(&self) -> bool {
        !self.quoted && self.bytes.starts_with(b"--")
    }
}

/// The words of a line, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Words<'a> {
    line: &'a [u8],
    at: usize,
}

pub(crate) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

impl<'a> Words<'a> {
    pub(crate) const fn new(line: &'a [u8]) -> Words<'a> {
        Words { line, at: 0 }
    }

    /// The next word; `None` at the end of the line.
    pub(crate) fn next(&mut self) -> Result<Option<Word<'a>>, LineError> {
        let rest = self.rest();
        self.at += rest.iter().take_while(|&&byte| is_blank(byte)).count();
        let at = self.at;
        match self.rest().first() {
            None => Ok(None),
            Some(b'"') => {
                let bytes = self.quoted()?;
                Ok(Some(Word { at, quoted: true, bytes: Cow::Owned(bytes) }))
            }
            Some(_) => {
                let rest = self.rest();
                let len = rest.iter().take_while(|&&byte| !is_blank(byte)).count();
                self.at += len;
                let bytes = rest.get(..len).unwrap_or_default();
                Ok(Some(Word { at, quoted: false, bytes: Cow::Borrowed(bytes) }))
            }
        }
    }

    /// Everything behind the one blank that follows the last word; `None` when the line ends at that word.
    pub(crate) fn verbatim(&self) -> Option<&'a [u8]> {
        self.rest().get(1..)
    }

    /// A mistake behind all that was read.
    pub(crate) fn error(&self, what: impl Into<String>) -> LineError {
        self.error_at(self.at, what)
    }

    /// A mistake at a byte of the line. People count characters, so the column does.
    pub(crate) fn error_at(&self, at: usize, what: impl Into<String>) -> LineError {
        let before = self.line.get(..at).unwrap_or(self.line);
        let characters = before
            .utf8_chunks()
            .map(|chunk| chunk.valid().chars().count() + usize::from(!chunk.invalid().is_empty()));
        LineError { column: characters.sum::<usize>() + 1, what: what.into() }
    }

    fn rest(&self) -> &'a [u8] {
        self.line.get(self.at..).unwrap_or_default()
    }

    /// Reads a word in quotes, from its first quote to the blank behind its last.
    fn quoted(&mut self) -> Result<Vec<u8>, LineError> {
        let opening = self.at;
        self.at += 1;
        let mut out = Vec::new();
        loop {
            let (byte, len) = match self.rest() {
                [] => return Err(self.error_at(opening, "the quote that begins here has no end")),
                [b'"', ..] => break,
                [b'\\', escaped @ ..] => self.escape(escaped)?,
                [byte, ..] => (*byte, 1),
            };
            out.push(byte);
            self.at += len;
        }
        self.at += 1;
        if self.rest().first().is_some_and(|&byte| !is_blank(byte)) {
            return Err(self.error("a blank must follow a closing quote"));
        }
        Ok(out)
    }

    /// The byte that an escape stands for, and how many bytes the escape takes.
    fn escape(&self, behind_backslash: &[u8]) -> Result<(u8, usize), LineError> {
        Ok(match behind_backslash {
            [quote @ (b'"' | b'\\'), ..] => (*quote, 2),
            [b'n', ..] => (b'\n', 2),
            [b't', ..] => (b'\t', 2),
            [b'r', ..] => (b'\r', 2),
            [b'x', high, low, ..] => {
                let wrong = || self.error("\\x must be followed by two hexadecimal digits");
                (hex_byte(*high, *low).ok_or_else(wrong)?, 4)
            }
            _ => return Err(self.error("a backslash in quotes must be followed by \", \\, n, r, t or xHH")),
        })
    }
}

/// Bytes as a word that [`Words`] reads back: in quotes only where they are needed.
pub(crate) fn to_word(bytes: &[u8]) -> String {
    let text = str::from_utf8(bytes).ok().filter(|text| {
        let blank = |character: char| character == ' ' || character.is_control();
        !text.is_empty() && !text.starts_with('"') && !text.starts_with("--") && !text.contains(blank)
    });
    text.map_or_else(|| to_quoted_word(bytes), str::to_owned)
}

/// Bytes as a word in quotes.
pub(crate) fn to_quoted_word(bytes: &[u8]) -> String {
    let mut out = String::from('"');
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                control if control.is_control() => {
                    let mut buffer = [0; 4];
                    push_hex(&mut out, control.encode_utf8(&mut buffer).as_bytes());
                }
                other => out.push(other),
            }
        }
        push_hex(&mut out, chunk.invalid());
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words of a line, or the error in it.
    fn words(line: &[u8]) -> Result<Vec<Vec<u8>>, String> {
        let mut words = Words::new(line);
        let mut all = Vec::new();
        while let Some(word) = words.next().map_err(|error| error.to_string())? {
            all.push(word.bytes.into_owned());
        }
        Ok(all)
    }

    #[track_caller]
    fn check(line: &str, expected: &[&str]) {
        let found = words(line.as_bytes()).unwrap();
        assert_eq!(found, expected.iter().map(|word| word.as_bytes()).collect::<Vec<_>>(), "{line}");
    }

    #[test]
    fn blanks_separate_words() {
        check("", &[]);
        check(" \t ", &[]);
        check("a", &["a"]);
        check("  a \t b  ", &["a", "b"]);
    }

    #[test]
    fn quotes_hold_blanks_and_escapes() {
        check(r#""a b" c"#, &["a b", "c"]);
        check(r#""" x"#, &["", "x"]);
        check(r#""\"\\\n\r\t\x41\x7A""#, &["\"\\\n\r\tAz"]);
        assert_eq!(words(br#""\x00\xff\xFE""#), Ok(vec![vec![0, 0xff, 0xfe]]));
        assert_eq!(words(b"\"\xff \xc3\" \xfe"), Ok(vec![b"\xff \xc3".to_vec(), b"\xfe".to_vec()]));
    }

    #[test]
    fn a_quote_or_a_backslash_within_a_bare_word_is_itself() {
        check(r#"a"b" c\n \x41 it's"#, &[r#"a"b""#, r"c\n", r"\x41", "it's"]);
    }

    #[test]
    fn mistakes_are_named_with_their_column() {
        let check = |line: &str, expected: &str| {
            assert_eq!(words(line.as_bytes()).unwrap_err(), expected, "{line}");
        };
        check(r#"a "b c"#, "column 3: the quote that begins here has no end");
        check(r#"a "b c\""#, "column 3: the quote that begins here has no end");
        check(r#""a"b"#, "column 4: a blank must follow a closing quote");
        check(r#"x "a\q""#, "column 5: a backslash in quotes must be followed by \", \\, n, r, t or xHH");
        check(r#"x "a\"#, "column 5: a backslash in quotes must be followed by \", \\, n, r, t or xHH");
        check(r#"x "\xg0""#, "column 4: \\x must be followed by two hexadecimal digits");
        check(r#"x "\x+1""#, "column 4: \\x must be followed by two hexadecimal digits");
        check(r#"x "\x4"#, "column 4: a backslash in quotes must be followed by \", \\, n, r, t or xHH");
        // Characters are counted, not bytes.
        check(r#"größe "b"#, "column 7: the quote that begins here has no end");
        assert_eq!(words(b"\xff\xfe \"b").unwrap_err(), "column 4: the quote that begins here has no end");
    }

    #[test]
    fn verbatim_is_everything_behind_one_blank() {
        let verbatim = |line: &'static str| {
            let mut words = Words::new(line.as_bytes());
            words.next().unwrap();
            words.verbatim().map(|rest| str::from_utf8(rest).unwrap())
        };
        assert_eq!(verbatim("k"), None);
        assert_eq!(verbatim("k "), Some(""));
        assert_eq!(verbatim("k  v\t "), Some(" v\t "));
        assert_eq!(verbatim("\"k\"\t\"v\""), Some("\"v\""));
    }

    #[test]
    fn a_written_word_is_read_back() {
        let all: Vec<u8> = (0..=255).collect();
        let cases: [&[u8]; 10] = [
            b"",
            b"plain",
            b"a b",
            b"\"",
            b"a\"b",
            b"--limit",
            b"\\",
            "häßlich 🦀".as_bytes(),
            "\u{85}".as_bytes(),
            &all,
        ];
        for case in cases {
            assert_eq!(words(to_word(case).as_bytes()), Ok(vec![case.to_vec()]));
            assert_eq!(words(to_quoted_word(case).as_bytes()), Ok(vec![case.to_vec()]));
        }
        assert_eq!(to_word("größe".as_bytes()), "größe");
        assert_eq!(to_word(b"a\"b"), "a\"b");
        assert_eq!(to_word(b"--a"), "\"--a\"");
        let option = Words::new(b"\"--a\"").next().unwrap().unwrap();
        assert!(!option.is_option());
    }
}
