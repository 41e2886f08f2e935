//! `batch`: applies the lines of standard input as one atomic batch.

use std::io::{Read as _, Write as _, stdin};

use anyhow::{Context as _, anyhow};
use siltstone::WriteBatch;

use crate::{
    CommandResult,
    config::Config,
    figures::count,
    open,
    output::Output,
    shell::{Command, parse_line},
    status::Outcome,
    write::Write,
};

/// Reads all lines, then writes them together.
pub(crate) fn run(config: &Config) -> CommandResult {
    let mut input = Vec::new();
    stdin().lock().read_to_end(&mut input).context("reading standard input failed")?;
    let writes = parse(&input)?;
    let db = open::for_writing(config)?;
    let keyspace = open::keyspace_for_writing(config, &db)?;
    let mut batch = WriteBatch::new();
    writes.iter().for_each(|write| write.add_to(&mut batch, &keyspace));
    open::write(config, &db, &mut batch)?;
    db.close()?;
    let deletes = writes.iter().filter(|write| matches!(write, Write::Delete(_))).count();
    let (puts, deletes) = (count((writes.len() - deletes) as u64, "put"), count(deletes as u64, "delete"));
    let mut out = Output::new();
    writeln!(out, "applied {puts} and {deletes}")?;
    out.flush()?;
    Ok(Outcome::Done)
}

/// The writes of all lines; the last one may lack its newline.
fn parse(input: &[u8]) -> anyhow::Result<Vec<Write<'_>>> {
    let mut writes = Vec::new();
    for (line, number) in input.split(|&byte| byte == b'\n').zip(1_u64..) {
        let wrong = |what| anyhow!("standard input line {number}: {what}; nothing was applied");
        writes.extend(parse_write(line.strip_suffix(b"\r").unwrap_or(line)).map_err(wrong)?);
    }
    Ok(writes)
}

/// The write of a line, which is written as in the shell; a blank one has none.
fn parse_write(line: &[u8]) -> Result<Vec<Write<'_>>, String> {
    let writes = match parse_line(line).map_err(|error| error.to_string())? {
        None => Vec::new(),
        Some(Command::Write(writes)) => writes,
        Some(_) => return Err("this is no command of a batch; write put KEY VALUE or delete KEY".to_owned()),
    };
    writes.iter().try_for_each(Write::check).map_err(|error| error.to_string())?;
    Ok(writes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_the_rest_of_its_line() {
        let put = |key: &str, value: &str| {
            Write::Put(key.as_bytes().to_vec().into(), value.as_bytes().to_vec().into())
        };
        for (line, expected) in [
            (r#"put k {"a": "b c"}  "#, put("k", r#"{"a": "b c"}  "#)),
            ("PUT \"a b\"  v", put("a b", " v")),
            ("  put k ", put("k", "")),
            ("Delete k ", Write::Delete(b"k".into())),
            // In quotes a value can be any bytes.
            (r#"batch k "1\n2""#, put("k", "1\n2")),
        ] {
            assert_eq!(parse_write(line.as_bytes()), Ok(vec![expected]), "{line}");
        }
        assert_eq!(parse_write(b" \t"), Ok(Vec::new()));
        let lines = parse(b"put a 1\r\n\ndelete b").unwrap();
        assert_eq!(lines, [put("a", "1"), Write::Delete(b"b".into())]);
    }

    #[test]
    fn a_line_that_is_no_write_is_refused() {
        for line in ["get k", "put", "put k", "delete", "delete a b", "put \"a", "\"put", "batch a", "begin"]
        {
            assert!(parse_write(line.as_bytes()).is_err(), "{line}");
        }
        assert!(parse_write(format!("put {} v", "k".repeat(65_537)).as_bytes()).is_err());
    }
}
