//! Replies for people: aligned, and coloured where the terminal can.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr as _;

use crate::{
    figures,
    shell::{catalogue::Entry, facts::Fact, printer::Printer},
    text::{escape, one_line, push_hex},
};

/// Rows that are held back to be aligned. Further ones are aligned with each other, so that a long scan shows its first rows at once.
const ALIGNED_ROWS: usize = 200;

/// Keys wider than this do not push the values of all others aside.
const KEY_WIDTH_MAX: usize = 40;

/// Whether to use colours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Colours {
    Yes,
    No,
}

/// Writes aligned replies.
#[derive(Debug)]
pub(crate) struct Pretty<W> {
    pub(crate) out: W,
    pub(crate) colours: Colours,
    /// Keys and values not yet written, as text.
    rows: Vec<(String, String)>,
    /// Width of the widest key of this scan so far.
    key_width: usize,
}

const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const CYAN: &str = "36";

impl<W: Write> Pretty<W> {
    pub(crate) const fn new(out: W, colours: Colours) -> Pretty<W> {
        Pretty { out, colours, rows: Vec::new(), key_width: 0 }
    }

    fn painted(&self, text: &str, colour: &str) -> String {
        match self.colours {
            Colours::Yes => format!("\x1b[{colour}m{text}\x1b[0m"),
            Colours::No => text.to_owned(),
        }
    }

    /// Writes text and the blanks that fill it up to a width.
    fn write_padded(&mut self, text: &str, colour: &str, width: usize) -> io::Result<()> {
        let padding = width.saturating_sub(text.width());
        write!(self.out, "{}{:padding$}", self.painted(text, colour), "")
    }

    fn write_rows(&mut self) -> io::Result<()> {
        let rows = std::mem::take(&mut self.rows);
        let widest = rows.iter().map(|(key, _)| key.width()).filter(|&width| width <= KEY_WIDTH_MAX).max();
        self.key_width = self.key_width.max(widest.unwrap_or_default());
        for (key, value) in rows {
            self.write_padded(&key, CYAN, self.key_width)?;
            writeln!(self.out, "  {value}")?;
        }
        Ok(())
    }
}

impl<W: Write> Printer for Pretty<W> {
    fn word(&mut self, word: &str) -> io::Result<()> {
        let colour = match word {
            "QUEUED" => YELLOW,
            "(not found)" => DIM,
            _ => GREEN,
        };
        writeln!(self.out, "{}", self.painted(word, colour))
    }

    fn value(&mut self, value: &[u8]) -> io::Result<()> {
        writeln!(self.out, "{}", visible(value))
    }

    fn row(&mut self, key: &[u8], value: &[u8]) -> io::Result<()> {
        self.rows.push((visible(key), visible(value)));
        if self.rows.len() == ALIGNED_ROWS { self.write_rows() } else { Ok(()) }
    }

    fn end_of_rows(&mut self, count: u64) -> io::Result<()> {
        self.write_rows()?;
        self.key_width = 0;
        let text = format!("({})", figures::count(count, "row"));
        writeln!(self.out, "{}", self.painted(&text, DIM))
    }

    fn sentence(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{}", one_line(text))
    }

    fn facts(&mut self, facts: &[Fact]) -> io::Result<()> {
        let name_width = facts.iter().map(|fact| fact.name.len()).max().unwrap_or_default();
        let figure_width = facts.iter().map(|fact| fact.figure.len()).max().unwrap_or_default();
        for fact in facts {
            self.write_padded(fact.name, CYAN, name_width)?;
            writeln!(self.out, "  {:>figure_width$}", fact.figure)?;
        }
        Ok(())
    }

    fn keyspaces(&mut self, names: &[String], used: &str) -> io::Result<()> {
        for name in names {
            let mark = if name == used { '*' } else { ' ' };
            writeln!(self.out, "{mark} {}", visible(name.as_bytes()))?;
        }
        Ok(())
    }

    fn commands(&mut self, entries: &[Entry]) -> io::Result<()> {
        // These would push every summary aside, beyond 80 columns; the help of the command has them.
        let short = |entry: &Entry| {
            let usage = entry.usage().replace("[--prefix P] [--limit N] [--reverse]", "...");
            usage.replace("[KEY VALUE ...]", "...")
        };
        let width = entries.iter().map(|entry| short(entry).len()).max().unwrap_or_default();
        for entry in entries {
            self.write_padded(&short(entry), BOLD, width)?;
            writeln!(self.out, "  {}", entry.summary)?;
        }
        writeln!(
            self.out,
            "help COMMAND says more. Tab completes, Ctrl-C abandons the line, Ctrl-D ends the shell."
        )
    }

    fn command(&mut self, entry: &Entry) -> io::Result<()> {
        writeln!(self.out, "{}", self.painted(&entry.usage(), BOLD))?;
        for word in entry.other_words() {
            writeln!(self.out, "  also: {word}")?;
        }
        writeln!(self.out, "  {}", entry.summary)?;
        entry.details.iter().try_for_each(|detail| writeln!(self.out, "  {detail}"))
    }

    fn error(&mut self, what: &str) -> io::Result<()> {
        // Of a scan that failed half-way.
        self.write_rows()?;
        self.key_width = 0;
        writeln!(self.out, "{} {}", self.painted("error:", RED), one_line(what))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Bytes as text that a terminal shows and does not obey: what is stored must not move the cursor or change colours.
fn visible(bytes: &[u8]) -> String {
    let mut out = String::new();
    for character in escape(bytes).chars() {
        if character.is_control() {
            push_hex(&mut out, character.encode_utf8(&mut [0; 4]).as_bytes());
        } else {
            out.push(character);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::catalogue::CATALOGUE;

    fn written(colours: Colours, write: impl FnOnce(&mut Pretty<Vec<u8>>) -> io::Result<()>) -> String {
        let mut pretty = Pretty::new(Vec::new(), colours);
        write(&mut pretty).unwrap();
        String::from_utf8(pretty.out).unwrap()
    }

    #[test]
    fn rows_are_aligned_by_the_width_that_a_terminal_gives_them() {
        let text = written(Colours::No, |pretty| {
            pretty.row(b"a", b"1")?;
            pretty.row("漢字".as_bytes(), b"2")?;
            pretty.row("ä".as_bytes(), b"3")?;
            pretty.row(&[b'x'; 50], b"4")?;
            pretty.end_of_rows(4)
        });
        let long = "x".repeat(50);
        assert_eq!(text, format!("a     1\n漢字  2\nä     3\n{long}  4\n(4 rows)\n"));
    }

    #[test]
    fn long_scans_are_written_in_parts_and_lose_nothing() {
        let text = written(Colours::No, |pretty| {
            (0..1000).try_for_each(|number: u32| pretty.row(number.to_string().as_bytes(), b"v"))?;
            assert!(!pretty.out.is_empty());
            pretty.end_of_rows(1000)
        });
        let keys: Vec<u32> = text.lines().filter_map(|line| line.split(' ').next()?.parse().ok()).collect();
        assert_eq!(keys, (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn figures_stand_below_each_other() {
        let fact = |name, figure: &str| Fact { name, figure: figure.to_owned() };
        let text =
            written(Colours::No, |pretty| pretty.facts(&[fact("tables", "3"), fact("table bytes", "12345")]));
        assert_eq!(text, "tables           3\ntable bytes  12345\n");
    }

    #[test]
    fn the_list_of_commands_fits_a_terminal_of_80_columns() {
        let list = written(Colours::No, |pretty| pretty.commands(CATALOGUE));
        for line in list.lines().filter(|line| !line.starts_with("help COMMAND says")) {
            assert!(line.width() <= 80, "{line}");
        }
    }

    #[test]
    fn what_is_stored_does_not_control_the_terminal() {
        let text = written(Colours::No, |pretty| pretty.value("\x1b[31mred\x07 \u{9b}2J\n".as_bytes()));
        assert_eq!(text, "\\x1b[31mred\\x07 \\xc2\\x9b2J\\n\n");
    }

    #[test]
    fn colours_are_only_there_when_asked_for() {
        let all = |pretty: &mut Pretty<Vec<u8>>| {
            pretty.word("OK")?;
            pretty.error("no")?;
            pretty.row(b"k", b"v")?;
            pretty.end_of_rows(1)?;
            pretty.keyspaces(&["a".to_owned(), "b".to_owned()], "b")?;
            pretty.commands(CATALOGUE)?;
            CATALOGUE.iter().try_for_each(|entry| pretty.command(entry))
        };
        let plain = written(Colours::No, all);
        assert!(!plain.contains('\x1b'), "{plain}");
        assert!(plain.contains("(1 row)\n  a\n* b\n"), "{plain}");
        assert!(plain.contains("also: range\n") && plain.contains("also: quit\n"), "{plain}");
        let coloured = written(Colours::Yes, all);
        assert!(
            coloured.starts_with("\x1b[32mOK\x1b[0m\n\x1b[31merror:\x1b[0m no\n\x1b[36mk\x1b[0m  v\n"),
            "{coloured}"
        );
        let mut stripped = coloured;
        for colour in ["0", BOLD, DIM, RED, GREEN, YELLOW, CYAN] {
            stripped = stripped.replace(&format!("\x1b[{colour}m"), "");
        }
        assert_eq!(stripped, plain);
    }
}
