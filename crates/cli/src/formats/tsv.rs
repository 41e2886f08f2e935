//! Lines of key, tab, value, with escapes.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use crate::{
    formats::Record,
    text::{escape, unescape},
};

/// Writes key, tab, value, or the key alone.
pub(crate) fn write(out: &mut impl Write, key: &[u8], value: Option<&[u8]>) -> io::Result<()> {
    out.write_all(escape(key).as_bytes())?;
    if let Some(value) = value {
        out.write_all(b"\t")?;
        out.write_all(escape(value).as_bytes())?;
    }
    out.write_all(b"\n")
}

/// Reads one line, without its end.
pub(crate) fn parse(line: &[u8]) -> Result<Record<'_>, String> {
    let tab = line.iter().position(|&byte| byte == b'\t');
    let Some((key, value)) = tab.and_then(|at| line.split_at_checked(at)) else {
        let is_json = line.starts_with(b"{");
        let hint = if is_json { "; JSON is read with --format jsonl" } else { "; write KEY<TAB>VALUE" };
        return Err(format!("there is no tab between key and value{hint}"));
    };
    let value = value.get(1..).unwrap_or_default();
    if value.contains(&b'\t') {
        return Err("a tab within a value must be written as \\t".to_owned());
    }
    Ok(Record { keyspace: None, entry: Some((field(key)?, field(value)?)) })
}

/// Most fields hold no escape, and need not be copied.
fn field(bytes: &[u8]) -> Result<Cow<'_, [u8]>, String> {
    if bytes.contains(&b'\\') { unescape(bytes).map(Cow::Owned) } else { Ok(Cow::Borrowed(bytes)) }
}
