//! Reads a trace, a file with one operation a line, and keeps of it what its shape is made of.

use std::{
    collections::HashMap,
    fs,
    io::{BufRead, BufReader, Read as _},
    path::Path,
};

use anyhow::{Context as _, Result, bail};
use siltstone_benches::nearest::unknown;

use crate::words;

/// The longest line: a key may have 64 KiB, and each byte of it may be an escape.
const LINE_BYTES_MAX: u64 = 1 << 20;

/// What was counted while a trace was read.
#[derive(Default, Debug)]
pub(crate) struct Trace {
    pub(crate) puts: u64,
    pub(crate) deletes: u64,
    pub(crate) gets: u64,
    pub(crate) scans: u64,
    /// Entries that scans ask for.
    pub(crate) scanned: u64,
    /// Puts of keys that the trace has not named before.
    pub(crate) inserts: u64,
    /// Those of them whose key lies behind all that were put.
    pub(crate) appends: u64,
    /// Sizes of keys, over all puts, and of values.
    pub(crate) key_bytes: u64,
    pub(crate) value_bytes: Vec<u32>,
    keys: HashMap<Vec<u8>, Uses>,
    last_put: Vec<u8>,
}

/// How often a key was named.
#[derive(Clone, Copy, Default, Debug)]
struct Uses {
    writes: u64,
    reads: u64,
}

/// The operations by name, each with what follows it.
const OPERATIONS: &[(&str, &str)] =
    &[("put", "KEY BYTES"), ("get", "KEY"), ("delete", "KEY"), ("scan", "KEY ENTRIES")];

impl Trace {
    /// Reads a file.
    pub(crate) fn read(path: &Path) -> Result<Trace> {
        #[expect(clippy::disallowed_methods, reason = "it is no file of a database")]
        let file = fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        Trace::parse(BufReader::new(file)).with_context(|| format!("{}", path.display()))
    }

    /// Reads lines; a mistake is told with the number of its line.
    pub(crate) fn parse(mut lines: impl BufRead) -> Result<Trace> {
        let mut trace = Trace::default();
        let mut line = Vec::new();
        let mut number = 0_u64;
        loop {
            number += 1;
            line.clear();
            let mut rest = lines.by_ref().take(LINE_BYTES_MAX + 1);
            let length = rest.read_until(b'\n', &mut line).with_context(|| format!("line {number}"))?;
            if length == 0 {
                break;
            }
            if length as u64 > LINE_BYTES_MAX {
                bail!("line {number}: it has more than {LINE_BYTES_MAX} bytes");
            }
            trace.line(&line).with_context(|| format!("line {number}"))?;
        }
        if trace.operations() == 0 {
            bail!("there is no operation in it");
        }
        Ok(trace)
    }

    fn line(&mut self, line: &[u8]) -> Result<()> {
        if line.trim_ascii().starts_with(b"#") {
            return Ok(());
        }
        let words = words::split(line).map_err(anyhow::Error::msg)?;
        let Some((name, operands)) = words.split_first() else { return Ok(()) };
        let name = String::from_utf8_lossy(name);
        let Some((_, expected)) = OPERATIONS.iter().find(|(known, _)| *known == name) else {
            let names: Vec<&str> = OPERATIONS.iter().map(|(known, _)| *known).collect();
            bail!("{}", unknown("operation", &name, &names));
        };
        if operands.len() != expected.split(' ').count() {
            bail!("`{name}` is followed by {expected}, and here by {} words", operands.len());
        }
        let [key, operands @ ..] = operands else { return Ok(()) };
        match operands.first().map(|word| count(word)).transpose()? {
            Some(bytes) if name == "put" => self.put(key, bytes),
            Some(entries) => {
                self.scans += 1;
                self.scanned += u64::from(entries);
                self.uses(key).reads += 1;
            }
            None if name == "get" => {
                self.gets += 1;
                self.uses(key).reads += 1;
            }
            None => {
                self.deletes += 1;
                self.uses(key).writes += 1;
            }
        }
        Ok(())
    }

    fn put(&mut self, key: &[u8], value_bytes: u32) {
        self.puts += 1;
        self.key_bytes += key.len() as u64;
        self.value_bytes.push(value_bytes);
        if !self.keys.contains_key(key) {
            self.inserts += 1;
        }
        self.uses(key).writes += 1;
        if self.puts == 1 || key > self.last_put.as_slice() {
            self.appends += 1;
            key.clone_into(&mut self.last_put);
        }
    }

    fn uses(&mut self, key: &[u8]) -> &mut Uses {
        self.keys.entry(key.to_vec()).or_default()
    }

    /// All of them.
    pub(crate) fn operations(&self) -> u64 {
        self.puts + self.deletes + self.gets + self.scans
    }

    /// Distinct keys.
    pub(crate) fn keys(&self) -> u64 {
        self.keys.len() as u64
    }

    /// How often each key was written that was.
    pub(crate) fn writes_by_key(&self) -> impl Iterator<Item = u64> {
        self.keys.values().map(|uses| uses.writes).filter(|writes| *writes > 0)
    }

    /// How often each key was read that was.
    pub(crate) fn reads_by_key(&self) -> impl Iterator<Item = u64> {
        self.keys.values().map(|uses| uses.reads).filter(|reads| *reads > 0)
    }
}

/// Bytes of a value, or entries of a scan.
fn count(word: &[u8]) -> Result<u32> {
    let text = String::from_utf8_lossy(word);
    match text.parse() {
        // As `siltstone-types` limits values.
        Ok(count) if count <= 1 << 30 => Ok(count),
        _ => bail!("`{text}` is not a number from 0 to 1073741824"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Trace> {
        Trace::parse(text.as_bytes())
    }

    #[test]
    fn operations_are_counted() {
        let trace = parse(
            "# a comment\n\nput a 10\nput c 20\nput b 30\nput c 40\n get c\r\nget \"d e\"\ndelete a\nscan b 25\n",
        )
        .unwrap();
        assert_eq!((trace.puts, trace.deletes, trace.gets, trace.scans, trace.scanned), (4, 1, 2, 1, 25));
        assert_eq!((trace.inserts, trace.appends, trace.keys(), trace.operations()), (3, 2, 4, 8));
        assert_eq!((trace.value_bytes.as_slice(), trace.key_bytes), (&[10, 20, 30, 40][..], 4));
        let mut writes: Vec<u64> = trace.writes_by_key().collect();
        writes.sort_unstable();
        assert_eq!(writes, [1, 2, 2], "a was deleted, c was put twice");
        assert_eq!(trace.reads_by_key().sum::<u64>(), 3);
    }

    #[test]
    fn mistakes_are_told_with_their_line_and_the_names() {
        for (text, expected) in [
            ("put a 1\nputt b 2\n", "line 2: there is no operation `putt`; did you mean `put`?"),
            (
                "get a\n\n\nfrobnicate b",
                "line 4: there is no operation `frobnicate`; there are put, get, delete, scan",
            ),
            ("put a\n", "line 1: `put` is followed by KEY BYTES, and here by 1 words"),
            ("get a b\n", "line 1: `get` is followed by KEY, and here by 2 words"),
            ("get\n", "line 1: `get` is followed by KEY, and here by 0 words"),
            ("put a many\n", "line 1: `many` is not a number"),
            ("put a -1\n", "line 1: `-1` is not a number"),
            ("scan a 2000000000\n", "line 1: `2000000000` is not a number from 0 to"),
            ("get \"a\n", "line 1: a quote has no end"),
            ("# nothing\n", "there is no operation in it"),
        ] {
            let message = format!("{:#}", parse(text).unwrap_err());
            assert!(message.contains(expected), "{message}");
        }
    }
}
