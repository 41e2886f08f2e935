//! Replies for programs: one line each, without colours.

use std::io::{self, Write};

use crate::{
    shell::{catalogue::Entry, facts::Fact, printer::Printer},
    text::{escape, one_line},
};

/// Writes one line for each reply.
#[derive(Debug)]
pub(crate) struct Plain<W> {
    pub(crate) out: W,
}

impl<W: Write> Printer for Plain<W> {
    fn word(&mut self, word: &str) -> io::Result<()> {
        writeln!(self.out, "{word}")
    }

    fn value(&mut self, value: &[u8]) -> io::Result<()> {
        if value.contains(&b'\n') {
            return writeln!(self.out, "{}", escape(value));
        }
        self.out.write_all(value)?;
        self.out.write_all(b"\n")
    }

    fn row(&mut self, key: &[u8], value: &[u8]) -> io::Result<()> {
        writeln!(self.out, "{}\t{}", escape(key), escape(value))
    }

    fn end_of_rows(&mut self, count: u64) -> io::Result<()> {
        // Not "1 row": whoever reads this is a program, and looks for one word.
        writeln!(self.out, "({count} rows)")
    }

    fn sentence(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{}", one_line(text))
    }

    fn facts(&mut self, facts: &[Fact]) -> io::Result<()> {
        let facts: Vec<_> = facts.iter().map(|fact| format!("{} {}", fact.name, fact.figure)).collect();
        writeln!(self.out, "{}", facts.join(", "))
    }

    fn keyspaces(&mut self, names: &[String], _used: &str) -> io::Result<()> {
        let names: Vec<_> = names.iter().map(|name| escape(name.as_bytes())).collect();
        writeln!(self.out, "{}", names.join("\t"))
    }

    fn commands(&mut self, entries: &[Entry]) -> io::Result<()> {
        let usages: Vec<_> = entries.iter().map(Entry::usage).collect();
        writeln!(self.out, "commands: {}", usages.join(", "))
    }

    fn command(&mut self, entry: &Entry) -> io::Result<()> {
        write!(self.out, "{}", entry.usage())?;
        for word in entry.other_words() {
            write!(self.out, ", also {word}")?;
        }
        write!(self.out, ": {}.", entry.summary)?;
        for detail in entry.details {
            write!(self.out, " {detail}")?;
        }
        writeln!(self.out)
    }

    fn error(&mut self, what: &str) -> io::Result<()> {
        writeln!(self.out, "error: {}", one_line(what))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::catalogue::CATALOGUE;

    fn written(write: impl FnOnce(&mut Plain<Vec<u8>>) -> io::Result<()>) -> Vec<u8> {
        let mut plain = Plain { out: Vec::new() };
        write(&mut plain).unwrap();
        plain.out
    }

    #[test]
    fn a_value_is_itself_unless_it_holds_a_newline() {
        assert_eq!(written(|plain| plain.value(b"a\\n\t\xff b")), b"a\\n\t\xff b\n");
        assert_eq!(written(|plain| plain.value(b"")), b"\n");
        assert_eq!(written(|plain| plain.value(b"a\\\n\xff")), b"a\\\\\\n\\xff\n");
    }

    #[test]
    fn rows_are_always_escaped() {
        assert_eq!(written(|plain| plain.row(b"a\tb", b"\\\r")), b"a\\tb\t\\\\\\r\n");
    }

    #[test]
    fn every_reply_is_one_line() {
        let is_one_line = |out: Vec<u8>| {
            let text = out.strip_suffix(b"\n");
            text.is_some_and(|text| !text.contains(&b'\n'))
        };
        assert!(is_one_line(written(|plain| plain.error("a\nb\r\nc"))));
        assert!(is_one_line(written(|plain| plain.commands(CATALOGUE))));
        assert!(is_one_line(written(|plain| plain.keyspaces(&["a\nb".to_owned(), "c".to_owned()], "c"))));
        for entry in CATALOGUE {
            assert!(is_one_line(written(|plain| plain.command(entry))), "{}", entry.usage());
        }
    }
}
