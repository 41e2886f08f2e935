//! Splits a line of a trace into words: blanks separate them, and quotes hold blanks and escapes, as in the shell (docs/shell.md).

/// The words of a line, as bytes; or what is wrong with it.
pub(crate) fn split(line: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let mut words = Vec::new();
    let mut rest = line.trim_ascii();
    while let Some(first) = rest.first() {
        let word;
        (word, rest) = if *first == b'"' { quoted(rest)? } else { plain(rest) };
        if rest.first().is_some_and(|byte| !is_blank(*byte)) {
            return Err("a blank must follow a closing quote".to_owned());
        }
        rest = rest.trim_ascii_start();
        words.push(word);
    }
    Ok(words)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn plain(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let end = text.iter().position(|byte| is_blank(*byte)).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    (word.to_vec(), rest)
}

fn quoted(text: &[u8]) -> Result<(Vec<u8>, &[u8]), String> {
    let mut word = Vec::new();
    let mut rest = text.get(1..).unwrap_or_default();
    loop {
        let (byte, length) = match rest {
            [] => return Err("a quote has no end".to_owned()),
            [b'"', ..] => return Ok((word, rest.get(1..).unwrap_or_default())),
            [b'\\', escaped @ ..] => escape(escaped)?,
            [byte, ..] => (*byte, 1),
        };
        word.push(byte);
        rest = rest.get(length..).unwrap_or_default();
    }
}

/// The byte that an escape stands for, and how many bytes it takes with its backslash.
fn escape(behind_backslash: &[u8]) -> Result<(u8, usize), String> {
    Ok(match behind_backslash {
        [same @ (b'"' | b'\\'), ..] => (*same, 2),
        [b'n', ..] => (b'\n', 2),
        [b't', ..] => (b'\t', 2),
        [b'r', ..] => (b'\r', 2),
        [b'x', high, low, ..] => {
            let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            let byte = digit(*high).zip(digit(*low)).map(|(high, low)| high * 16 + low);
            (byte.ok_or("\\x must be followed by two hexadecimal digits")?, 4)
        }
        _ => return Err("a backslash in quotes must be followed by \", \\, n, r, t or xHH".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_shell() {
        let words = split(b" put\tuser:1 \"a \\\"b\\\\ \\x00\\xfF\\n\" back\\slash ").unwrap();
        assert_eq!(words, [&b"put"[..], b"user:1", b"a \"b\\ \x00\xff\n", b"back\\slash"]);
        assert_eq!(split(b" \t").unwrap(), Vec::<Vec<u8>>::new());
        assert_eq!(split(b"get \"\"").unwrap(), [&b"get"[..], b""]);
    }

    #[test]
    fn mistakes_are_named() {
        for (line, expected) in [
            (&b"get \"a"[..], "no end"),
            (b"get \"a\"b", "blank must follow"),
            (b"get \"\\q\"", "backslash in quotes"),
            (b"get \"\\xg0\"", "two hexadecimal digits"),
            (b"get \"\\x0", "backslash in quotes"),
        ] {
            let message = split(line).unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
    }
}
