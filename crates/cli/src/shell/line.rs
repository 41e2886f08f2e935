//! Parses a line into a command.

use std::borrow::Cow;

use crate::{
    shell::catalogue::{self, Entry, Name},
    words::{LineError, Word, Words, to_word},
    write::Write,
};

/// A key as it was written, without its quotes.
pub(crate) type Bytes<'a> = Cow<'a, [u8]>;

/// What a line asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Command<'a> {
    /// put, delete and batch: all of it, or nothing.
    Write(Vec<Write<'a>>),
    Get(Bytes<'a>),
    Scan(Selection<'a>),
    Begin,
    Commit,
    Abort,
    Stats,
    Compact,
    Flush,
    Sync,
    Verify,
    Use(String),
    Keyspaces,
    Ping,
    Help(Option<&'static Entry>),
    Exit,
}

/// Which rows of a keyspace, and in which order.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Selection<'a> {
    pub(crate) start: Option<Bytes<'a>>,
    /// Included.
    pub(crate) end: Option<Bytes<'a>>,
    /// Excludes the other two.
    pub(crate) prefix: Option<Bytes<'a>>,
    pub(crate) limit: Option<usize>,
    pub(crate) order: Order,
}

/// Which end comes first.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) enum Order {
    #[default]
    Ascending,
    Descending,
}

/// The command of a line; `None` for a blank one.
pub(crate) fn parse(line: &[u8]) -> Result<Option<Command<'_>>, LineError> {
    let mut words = Words::new(line);
    let Some(word) = words.next()? else { return Ok(None) };
    let entry = command_called(&words, &word)?;
    let command = match entry.name {
        Name::Put => {
            let key = argument(&mut words, entry, "KEY")?;
            let needed = || words.error(format!("VALUE is missing: {}", entry.usage()));
            let value = words.verbatim().ok_or_else(needed)?;
            Command::Write(vec![Write::Put(key.bytes, value.into())])
        }
        Name::Get => Command::Get(argument(&mut words, entry, "KEY")?.bytes),
        Name::Delete => Command::Write(vec![Write::Delete(argument(&mut words, entry, "KEY")?.bytes)]),
        Name::Scan => Command::Scan(selection(&mut words)?),
        Name::Batch => Command::Write(pairs(&mut words, entry)?),
        Name::Begin => Command::Begin,
        Name::Commit => Command::Commit,
        Name::Abort => Command::Abort,
        Name::Stats => Command::Stats,
        Name::Compact => Command::Compact,
        Name::Flush => Command::Flush,
        Name::Sync => Command::Sync,
        Name::Verify => Command::Verify,
        Name::Use => {
            let word = argument(&mut words, entry, "NAME")?;
            let name = String::from_utf8(word.bytes.into_owned());
            Command::Use(name.map_err(|_| words.error_at(word.at, "a keyspace's name must be UTF-8"))?)
        }
        Name::Keyspaces => Command::Keyspaces,
        Name::Ping => Command::Ping,
        Name::Help => Command::Help(match words.next()? {
            Some(word) => Some(command_called(&words, &word)?),
            None => None,
        }),
        Name::Exit => Command::Exit,
    };
    // The value of put is the rest of the line.
    if entry.name != Name::Put
        && let Some(word) = words.next()?
    {
        return Err(words.error_at(word.at, surplus(&word, entry)));
    }
    Ok(Some(command))
}

fn command_called(words: &Words<'_>, word: &Word<'_>) -> Result<&'static Entry, LineError> {
    catalogue::find(&word.bytes).ok_or_else(|| {
        let hint = match catalogue::nearest(&word.bytes) {
            Some(name) => format!("did you mean {name}?"),
            None => "help lists the commands".to_owned(),
        };
        words.error_at(word.at, format!("there is no command {}; {hint}", shown(&word.bytes)))
    })
}

fn argument<'a>(words: &mut Words<'a>, entry: &Entry, name: &str) -> Result<Word<'a>, LineError> {
    let missing = |words: &Words<'_>| words.error(format!("{name} is missing: {}", entry.usage()));
    words.next()?.ok_or_else(|| missing(words))
}

fn surplus(word: &Word<'_>, entry: &Entry) -> String {
    let hint = match entry.name {
        Name::Get | Name::Delete | Name::Scan | Name::Use => "; what holds blanks stands in quotes",
        _ => "",
    };
    format!("{} is too much: {}{hint}", shown(&word.bytes), entry.usage())
}

/// A word of the user's within a message, which stays short.
fn shown(bytes: &[u8]) -> String {
    const CHARACTERS_MAX: usize = 40;
    // Four bytes a character at most, and one character more than fits.
    let head = bytes.get(..4 * (CHARACTERS_MAX + 1)).unwrap_or(bytes);
    let word = to_word(head);
    match word.char_indices().nth(CHARACTERS_MAX) {
        Some((at, _)) => format!("{}...", word.get(..at).unwrap_or_default()),
        None => word,
    }
}

/// The arguments of scan, with options in any place.
fn selection<'a>(words: &mut Words<'a>) -> Result<Selection<'a>, LineError> {
    let mut selection = Selection::default();
    while selection.end.is_none() || next_is_option(words)? {
        let Some(word) = words.next()? else { break };
        if word.is_option() {
            option(words, &word, &mut selection)?;
        } else if selection.start.is_none() {
            selection.start = Some(word.bytes);
        } else {
            selection.end = Some(word.bytes);
        }
        if selection.prefix.is_some() && selection.start.is_some() {
            return Err(words.error_at(word.at, "--prefix cannot be used with START or END"));
        }
    }
    Ok(selection)
}

fn next_is_option(words: &Words<'_>) -> Result<bool, LineError> {
    Ok(words.clone().next()?.is_some_and(|word| word.is_option()))
}

fn option<'a>(
    words: &mut Words<'a>,
    word: &Word<'a>,
    selection: &mut Selection<'a>,
) -> Result<(), LineError> {
    match &*word.bytes {
        b"--reverse" => selection.order = Order::Descending,
        b"--prefix" => {
            let prefix = words.next()?.ok_or_else(|| words.error("P is missing: --prefix P"))?;
            selection.prefix = Some(prefix.bytes);
        }
        b"--limit" => {
            let limit = words.next()?.ok_or_else(|| words.error("N is missing: --limit N"))?;
            let number = str::from_utf8(&limit.bytes).ok().and_then(|text| text.parse().ok());
            let what = || format!("{} is no number of rows: --limit N", shown(&limit.bytes));
            selection.limit = Some(number.ok_or_else(|| words.error_at(limit.at, what()))?);
        }
        other => {
            let what = format!(
                "there is no option {}, only --prefix P, --limit N and --reverse; a key that begins with -- stands in quotes",
                shown(other)
            );
            return Err(words.error_at(word.at, what));
        }
    }
    Ok(())
}

/// The words of batch, two by two.
fn pairs<'a>(words: &mut Words<'a>, entry: &Entry) -> Result<Vec<Write<'a>>, LineError> {
    let (key, value) = (argument(words, entry, "KEY")?, argument(words, entry, "VALUE")?);
    let mut pairs = vec![Write::Put(key.bytes, value.bytes)];
    while let Some(key) = words.next()? {
        let without_value = || words.error(format!("the key {} has no value", shown(&key.bytes)));
        let value = words.clone().next()?.ok_or_else(without_value)?;
        words.next()?;
        pairs.push(Write::Put(key.bytes, value.bytes));
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests;
