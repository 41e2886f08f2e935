//! One JSON object a line.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use serde::{Deserialize, Deserializer};

use crate::formats::{Record, hex};

/// Writes one record, or a key alone, with its keyspace if one is given.
pub(crate) fn write(
    out: &mut impl Write,
    keyspace: Option<&str>,
    key: &[u8],
    value: Option<&[u8]>,
) -> io::Result<()> {
    out.write_all(b"{")?;
    if let Some(name) = keyspace {
        out.write_all(b"\"keyspace\":")?;
        serde_json::to_writer(&mut *out, name)?;
        out.write_all(b",")?;
    }
    write_bytes(out, "key", key)?;
    if let Some(value) = value {
        out.write_all(b",")?;
        write_bytes(out, "value", value)?;
    }
    out.write_all(b"}\n")
}

/// Writes the line that says that there is such a keyspace.
pub(crate) fn write_keyspace(out: &mut impl Write, name: &str) -> io::Result<()> {
    out.write_all(b"{\"keyspace\":")?;
    serde_json::to_writer(&mut *out, name)?;
    out.write_all(b"}\n")
}

fn write_bytes(out: &mut impl Write, name: &str, bytes: &[u8]) -> io::Result<()> {
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            write!(out, "\"{name}\":")?;
            serde_json::to_writer(out, text)?;
            Ok(())
        }
        Err(_) => write!(out, "\"{name}_hex\":\"{}\"", hex::encode(bytes)),
    }
}

/// A line as it stands.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    #[serde(borrow, default, deserialize_with = "some")]
    keyspace: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "some")]
    key: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "some")]
    key_hex: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "some")]
    value: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "some")]
    value_hex: Option<Text<'a>>,
}

/// Borrowed where there is nothing to unescape, which serde only does for a `Cow` of its own field.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A field that is there is text: `null` is not as good as nothing.
fn some<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Text<'a>>, D::Error> {
    Text::deserialize(deserializer).map(Some)
}

/// Reads one line, without its end.
pub(crate) fn parse(line: &[u8]) -> Result<Record<'_>, String> {
    let text = std::str::from_utf8(line).map_err(|error| {
        format!("byte {} is not UTF-8; write such bytes as key_hex or value_hex", error.valid_up_to() + 1)
    })?;
    // A derived `Deserialize` would take an array for its fields in order.
    if !text.trim_start().starts_with('{') {
        return Err("the line is no JSON object; write {\"key\":...,\"value\":...}".to_owned());
    }
    let line: Line<'_> = serde_json::from_str(text).map_err(|error| describe(&error))?;
    let key = bytes("key", line.key, line.key_hex)?;
    let value = bytes("value", line.value, line.value_hex)?;
    let keyspace = line.keyspace.map(|name| name.0);
    let entry = match (key, value) {
        (Some(key), Some(value)) => Some((key, value)),
        (None, None) if keyspace.is_some() => None,
        (None, _) => return Err("there is no \"key\", and no \"key_hex\"".to_owned()),
        (_, None) => return Err("there is no \"value\", and no \"value_hex\"".to_owned()),
    };
    Ok(Record { keyspace, entry })
}

/// The parser sees one line only, so its line number says nothing.
fn describe(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    format!("column {}: {message}", error.column())
}

fn bytes<'a>(
    name: &str,
    text: Option<Text<'a>>,
    digits: Option<Text<'a>>,
) -> Result<Option<Cow<'a, [u8]>>, String> {
    match (text, digits) {
        (Some(_), Some(_)) => Err(format!("\"{name}\" and \"{name}_hex\" exclude each other")),
        (None, Some(digits)) => {
            let bytes = hex::decode(&digits.0).map_err(|what| format!("{name}_hex: {what}"))?;
            Ok(Some(Cow::Owned(bytes)))
        }
        (Some(Text(Cow::Borrowed(text))), None) => Ok(Some(Cow::Borrowed(text.as_bytes()))),
        (Some(Text(Cow::Owned(text))), None) => Ok(Some(Cow::Owned(text.into_bytes()))),
        (None, None) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(keyspace: Option<&str>, key: &[u8], value: Option<&[u8]>) -> String {
        let mut out = Vec::new();
        write(&mut out, keyspace, key, value).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn records_are_written_as_the_page_says() {
        assert_eq!(written(None, b"apple", Some(b"green")), "{\"key\":\"apple\",\"value\":\"green\"}\n");
        assert_eq!(written(None, b"\xff\0", None), "{\"key_hex\":\"ff00\"}\n");
        assert_eq!(
            written(Some("us\"ers"), b"1\n", Some(b"\xc3\x28")),
            "{\"keyspace\":\"us\\\"ers\",\"key\":\"1\\n\",\"value_hex\":\"c328\"}\n"
        );
    }

    #[test]
    fn text_without_escapes_is_borrowed() {
        let record = parse(br#" { "value" : "v", "key" : "k" } "#).unwrap();
        let (key, value) = record.entry.unwrap();
        assert!(matches!((&key, &value), (Cow::Borrowed(b"k"), Cow::Borrowed(b"v"))), "{key:?} {value:?}");
    }

    #[test]
    fn every_byte_survives() {
        let all: Vec<u8> = (0..=255).collect();
        let text = "\0\u{7f}\"\\/\n🦀\u{2028}";
        for (key, value) in [(all.as_slice(), text.as_bytes()), (text.as_bytes(), &all), (b"", b"")] {
            let line = written(Some("käse"), key, Some(value));
            let record = parse(line.trim_end_matches('\n').as_bytes()).unwrap();
            assert_eq!(record.keyspace.as_deref(), Some("käse"));
            let (read_key, read_value) = record.entry.unwrap();
            assert_eq!((&*read_key, &*read_value), (key, value));
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (line, what) in [
            (r#"{"key":"a"}"#, "no \"value\""),
            (r#"{"value":"a"}"#, "no \"key\""),
            (r#"{"keyspace":"a","value":"b"}"#, "no \"key\""),
            ("{}", "no \"key\""),
            (r#"{"key":"a","key_hex":"61","value":"b"}"#, "exclude each other"),
            (r#"{"key":"a","key":"b","value":"c"}"#, "duplicate field `key`"),
            (r#"{"key":"a","valeu":"c"}"#, "unknown field `valeu`"),
            (r#"{"key":1,"value":"c"}"#, "invalid type: integer `1`, expected a string"),
            (r#"{"key":"a","value_hex":"abc"}"#, "value_hex: 3 is an odd number"),
            (r#"{"key":"a","value":"b"} x"#, "column 25: trailing characters"),
            (r#"{"key":"a","value":"b"#, "column"),
            (r#"{"key":null,"value":"b"}"#, "invalid type: null, expected a string"),
            (r#"["a","b","c","d","e"]"#, "no JSON object"),
            ("", "no JSON object"),
        ] {
            let error = parse(line.as_bytes()).unwrap_err();
            assert!(error.contains(what), "{line}: {error}");
            assert!(!error.contains("at line"), "{line}: {error}");
        }
        assert!(parse(b"{\"key\":\"\xff\"}").unwrap_err().contains("byte 9 is not UTF-8"));
    }
}
