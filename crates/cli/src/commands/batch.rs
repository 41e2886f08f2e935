//! `batch`: applies the lines of standard input as one atomic batch.

use std::io::{BufRead as _, Write as _, stdin};

use anyhow::{Context as _, anyhow};
use siltstone::WriteBatch;
use siltstone_types::limits::check_key;

use crate::{CommandResult, config::Config, open, output::Output, status::Outcome, words::take_word};

/// One line.
#[derive(PartialEq, Eq, Debug)]
enum Write {
    Put { key: Vec<u8>, value: Vec<u8> },
    Delete { key: Vec<u8> },
}

/// Reads all lines, then writes them together.
pub(crate) fn run(config: &Config) -> CommandResult {
    let writes = read()?;
    let db = open::for_writing(config)?;
    let keyspace = open::keyspace_for_writing(config, &db)?;
    let mut batch = WriteBatch::new();
    let mut deletes = 0;
    for write in &writes {
        match write {
            Write::Put { key, value } => batch.put_in(&keyspace, key, value),
            Write::Delete { key } => {
                deletes += 1;
                batch.delete_in(&keyspace, key)
            }
        };
    }
    open::write(config, &db, &mut batch)?;
    db.close()?;
    let mut out = Output::new();
    writeln!(out, "applied {} puts and {deletes} deletes", writes.len() - deletes)?;
    out.flush()?;
    Ok(Outcome::Done)
}

fn read() -> anyhow::Result<Vec<Write>> {
    let mut writes = Vec::new();
    let mut lines = stdin().lock();
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        if lines.read_until(b'\n', &mut line).context("reading standard input failed")? == 0 {
            break;
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let write = parse(text)
            .map_err(|what| anyhow!("standard input line {number}: {what}; nothing was applied"))?;
        writes.extend(write);
    }
    Ok(writes)
}

/// Reads one line; a blank one says nothing.
fn parse(mut line: &[u8]) -> Result<Option<Write>, String> {
    let Some(command) = take_word(&mut line)? else { return Ok(None) };
    let is_put = command.eq_ignore_ascii_case(b"put");
    if !is_put && !command.eq_ignore_ascii_case(b"delete") {
        let command = String::from_utf8_lossy(&command);
        return Err(format!("`{command}` is no command of a batch; write put KEY VALUE or delete KEY"));
    }
    let key = take_word(&mut line)?.ok_or("there is no key; write put KEY VALUE or delete KEY")?;
    check_key(&key).map_err(|error| error.to_string())?;
    if is_put {
        return Ok(Some(Write::Put { key, value: line.to_vec() }));
    }
    match take_word(&mut line)? {
        None => Ok(Some(Write::Delete { key })),
        Some(_) => Err("delete takes one key; quote a key that has blanks".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_the_rest_of_its_line() {
        let put = |key: &str, value: &str| Ok(Some(Write::Put { key: key.into(), value: value.into() }));
        assert_eq!(parse(br#"put k {"a": "b c"}  "#), put("k", r#"{"a": "b c"}  "#));
        assert_eq!(parse(b"PUT \"a b\"  v"), put("a b", " v"));
        assert_eq!(parse(b"  put k"), put("k", ""));
        assert_eq!(parse(b"Delete k "), Ok(Some(Write::Delete { key: b"k".into() })));
        assert_eq!(parse(b" \t"), Ok(None));
    }

    #[test]
    fn a_line_that_is_no_write_is_refused() {
        for line in ["get k", "put", "delete", "delete a b", "put \"a", "\"put"] {
            assert!(parse(line.as_bytes()).is_err(), "{line}");
        }
        assert!(parse(format!("put {} v", "k".repeat(65_537)).as_bytes()).is_err());
    }
}
