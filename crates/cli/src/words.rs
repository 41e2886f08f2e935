//! Lines of commands as people type them: the first words may be quoted, and a value is the rest of the line.

/// Takes the next word off a line. `None` at its end.
///
/// A word that begins with `"` ends with one, and in it `\"`, `\\`, `\n`, `\t` and `\xHH` stand for one byte each. Any other word ends at a blank. One blank
/// behind the word is taken with it, so that the rest is a value as it stands.
///
/// # Errors
///
/// What is wrong with the quotes.
pub(crate) fn take_word<'a>(line: &mut &'a [u8]) -> Result<Option<Vec<u8>>, String> {
    let begin = line.iter().position(|byte| !is_blank(*byte)).unwrap_or(line.len());
    let rest: &'a [u8] = line.get(begin..).unwrap_or_default();
    let (word, rest) = match rest {
        [] => {
            *line = rest;
            return Ok(None);
        }
        [b'"', quoted @ ..] => unquote(quoted)?,
        plain => {
            let end = plain.iter().position(|byte| is_blank(*byte)).unwrap_or(plain.len());
            let (word, rest) = plain.split_at_checked(end).unwrap_or((plain, &[]));
            (word.to_vec(), rest)
        }
    };
    *line = match rest {
        [] => rest,
        [blank, rest @ ..] if is_blank(*blank) => rest,
        _ => return Err("a blank must follow the closing quote".to_owned()),
    };
    Ok(Some(word))
}

const fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// The bytes up to the closing quote, and what follows it.
fn unquote(mut rest: &[u8]) -> Result<(Vec<u8>, &[u8]), String> {
    let mut word = Vec::new();
    loop {
        let (byte, tail) = match rest {
            [] => return Err("a quoted word is not closed; end it with \"".to_owned()),
            [b'"', tail @ ..] => return Ok((word, tail)),
            [b'\\', b'"', tail @ ..] => (b'"', tail),
            [b'\\', b'\\', tail @ ..] => (b'\\', tail),
            [b'\\', b'n', tail @ ..] => (b'\n', tail),
            [b'\\', b't', tail @ ..] => (b'\t', tail),
            [b'\\', b'x', high, low, tail @ ..] => (hex_byte(*high, *low)?, tail),
            [b'\\', ..] => {
                return Err("in quotes, a backslash must be followed by \", \\, n, t or xHH".to_owned());
            }
            [byte, tail @ ..] => (*byte, tail),
        };
        word.push(byte);
        rest = tail;
    }
}

fn hex_byte(high: u8, low: u8) -> Result<u8, String> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    match (digit(high), digit(low)) {
        (Some(high), Some(low)) => Ok(high << 4 | low),
        _ => Err("\\x must be followed by two hexadecimal digits".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, word: &str, rest: &str) {
        let mut line = line.as_bytes();
        assert_eq!(take_word(&mut line), Ok(Some(word.into())));
        assert_eq!(line, rest.as_bytes());
    }

    #[test]
    fn words_end_at_blanks_or_at_their_quote() {
        check("put k v", "put", "k v");
        check("  k  v ", "k", " v ");
        check("k", "k", "");
        check("k\t{\"a\": 1}", "k", "{\"a\": 1}");
        check(r#""a b" c d"#, "a b", "c d");
        check(r#""" c"#, "", "c");
        check(r#""\"\\\n\t\x41" "#, "\"\\\n\tA", "");
        check(r"a\n b", r"a\n", "b");
        check("a\"b c", "a\"b", "c");
    }

    #[test]
    fn the_end_of_the_line_is_no_word() {
        for mut line in ["".as_bytes(), b"  \t"] {
            assert_eq!(take_word(&mut line), Ok(None));
            assert!(line.is_empty());
        }
    }

    #[test]
    fn wrong_quotes_are_refused() {
        for line in [r#""a"#, r#""a\"#, r#""a\q""#, r#""\x4g""#, r#""a"b"#] {
            assert!(take_word(&mut line.as_bytes()).is_err(), "{line}");
        }
    }
}
