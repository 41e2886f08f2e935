//! Completion on the terminal: commands, options, keyspaces, and keys that exist.

use rustyline::{
    Context, Helper, completion::Completer, highlight::Highlighter, hint::Hinter, validate::Validator,
};
use siltstone::{Db, Keyspace};

use crate::{
    shell::catalogue::{self, Name},
    words::{Word, Words, is_blank, to_quoted_word, to_word},
};

/// Keys that are offered; whoever sees so many types another letter.
const KEYS_MAX: usize = 50;

const SCAN_OPTIONS: [&str; 3] = ["--limit", "--prefix", "--reverse"];

/// Knows what may stand at the cursor.
#[derive(Debug)]
pub(crate) struct Completion {
    pub(crate) db: Db,
    /// The one in use.
    pub(crate) keyspace: Keyspace,
}

/// The word at the cursor, as far as it is written.
struct Partial {
    /// Where it begins, in bytes.
    at: usize,
    bytes: Vec<u8>,
    quoted: bool,
}

impl Completion {
    /// Where the word at the end of `line` begins, and what it may become.
    fn candidates(&self, line: &str) -> (usize, Vec<String>) {
        let Some((before, partial)) = split(line) else { return (line.len(), Vec::new()) };
        let Some((command, arguments)) = before.split_first() else {
            return (partial.at, starting_with(&partial, catalogue::words()));
        };
        let Some(entry) = catalogue::find(&command.bytes) else { return (partial.at, Vec::new()) };
        let found = match (entry.name, arguments) {
            (Name::Put | Name::Get | Name::Delete, []) => self.keys(&partial),
            // Every other word is a value.
            (Name::Batch, words) if words.len().is_multiple_of(2) => self.keys(&partial),
            (Name::Scan, words) => self.of_scan(words, &partial),
            (Name::Use, []) => self.keyspaces(&partial),
            (Name::Help, []) => starting_with(&partial, catalogue::words()),
            _ => Vec::new(),
        };
        (partial.at, found)
    }

    fn of_scan(&self, words: &[Word<'_>], partial: &Partial) -> Vec<String> {
        let is = |word: &Word<'_>, option: &[u8]| word.is_option() && *word.bytes == *option;
        if words.last().is_some_and(|word| is(word, b"--limit")) {
            return Vec::new();
        }
        if !partial.quoted && partial.bytes.starts_with(b"-") {
            return starting_with(partial, SCAN_OPTIONS.into_iter());
        }
        self.keys(partial)
    }

    fn keys(&self, partial: &Partial) -> Vec<String> {
        // What cannot be read cannot be offered; the command itself will say why.
        let keys = self.keyspace.prefix(&partial.bytes).take(KEYS_MAX).map_while(Result::ok);
        keys.map(|(key, _)| partial.completed(&key)).collect()
    }

    fn keyspaces(&self, partial: &Partial) -> Vec<String> {
        let names = self.db.keyspaces().unwrap_or_default();
        let names = names.iter().filter(|name| name.as_bytes().starts_with(&partial.bytes));
        names.map(|name| partial.completed(name.as_bytes())).collect()
    }
}

impl Partial {
    /// The whole word, in quotes if it needs them or was begun with one.
    fn completed(&self, bytes: &[u8]) -> String {
        if self.quoted { to_quoted_word(bytes) } else { to_word(bytes) }
    }
}

/// The whole words of a line, and the one at its end, which may be empty.
fn split(line: &str) -> Option<(Vec<Word<'_>>, Partial)> {
    let mut words = Words::new(line.as_bytes());
    let mut whole = Vec::new();
    let ends_in_blank = line.as_bytes().last().is_none_or(|&byte| is_blank(byte));
    loop {
        match words.next() {
            Ok(Some(word)) => whole.push(word),
            Ok(None) if ends_in_blank => {
                return Some((whole, Partial { at: line.len(), bytes: Vec::new(), quoted: false }));
            }
            Ok(None) => {
                let last = whole.pop()?;
                return Some((
                    whole,
                    Partial { at: last.at, bytes: last.bytes.into_owned(), quoted: last.quoted },
                ));
            }
            // A quote without its end is what is being written.
            Err(_) => {
                let at = whole.iter().fold(0, |at, word| at.max(word.at));
                return unfinished(line, at).map(|partial| (whole, partial));
            }
        }
    }
}

/// The quoted word at the end of a line that lacks its end; the last whole word begins at `last`.
fn unfinished(line: &str, last: usize) -> Option<Partial> {
    let behind_last = line.get(last..)?;
    let quotes = behind_last.match_indices('"').map(|(at, _)| last + at);
    // The first quote from which an added one makes a word of everything behind it.
    quotes.into_iter().find_map(|at| {
        let closed = format!("{}\"", line.get(at..)?);
        let mut words = Words::new(closed.as_bytes());
        let word = words.next().ok()??;
        let is_all = word.quoted && words.verbatim().is_none();
        is_all.then(|| Partial { at, bytes: word.bytes.into_owned(), quoted: true })
    })
}

/// The words that begin so, each with the blank that follows it.
fn starting_with<'a>(partial: &Partial, words: impl Iterator<Item = &'a str>) -> Vec<String> {
    let begins = |word: &&str| {
        let head = word.as_bytes().get(..partial.bytes.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(&partial.bytes))
    };
    words.filter(begins).map(|word| format!("{word} ")).collect()
}

impl Completer for Completion {
    type Candidate = String;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(self.candidates(line.get(..pos).unwrap_or_default()))
    }
}

impl Helper for Completion {}
impl Highlighter for Completion {}
impl Validator for Completion {}
impl Hinter for Completion {
    type Hint = String;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completion(keys: &[&[u8]]) -> Completion {
        let db = Db::builder("in-memory").in_memory().open().unwrap();
        let keyspace = db.keyspace("default").unwrap();
        keys.iter().for_each(|key| keyspace.put(key, "v").unwrap());
        Completion { db, keyspace }
    }

    /// The line once completed, for each candidate.
    fn completed(completion: &Completion, line: &str) -> Vec<String> {
        let (at, candidates) = completion.candidates(line);
        candidates.iter().map(|candidate| format!("{}{candidate}", &line[..at])).collect()
    }

    #[test]
    fn commands_complete_at_the_start_and_behind_help() {
        let completion = completion(&[]);
        assert_eq!(completed(&completion, "co"), ["commit ", "compact "]);
        assert_eq!(completed(&completion, "  GE"), ["  get "]);
        assert_eq!(completed(&completion, "help keys"), ["help keyspaces "]);
        assert_eq!(completed(&completion, "").len(), catalogue::words().count());
        assert_eq!(completed(&completion, "xy"), [""; 0]);
        assert_eq!(completed(&completion, "xy a"), [""; 0]);
    }

    #[test]
    fn keys_complete_where_a_key_stands() {
        let completion = completion(&[b"apple", b"apricot", b"big apple", b"big \"x\""]);
        assert_eq!(completed(&completion, "get ap"), ["get apple", "get apricot"]);
        assert_eq!(completed(&completion, "GET appl"), ["GET apple"]);
        assert_eq!(completed(&completion, "delete b"), ["delete \"big \\\"x\\\"\"", "delete \"big apple\""]);
        assert_eq!(completed(&completion, "get \"big a"), ["get \"big apple\""]);
        assert_eq!(completed(&completion, "get \"big \\\""), ["get \"big \\\"x\\\"\""]);
        assert_eq!(completed(&completion, "get \"ap"), ["get \"apple\"", "get \"apricot\""]);
        assert_eq!(completed(&completion, "put appl"), ["put apple"]);
        assert_eq!(completed(&completion, "put apple ap"), [""; 0]);
        assert_eq!(completed(&completion, "batch x 1 appl"), ["batch x 1 apple"]);
        assert_eq!(completed(&completion, "batch x appl"), [""; 0]);
        assert_eq!(completed(&completion, "batch \"x y\" 1 \"big a"), ["batch \"x y\" 1 \"big apple\""]);
        assert_eq!(completed(&completion, "get ").len(), 4);
    }

    #[test]
    fn a_scan_completes_options_and_keys() {
        let completion = completion(&[b"apple"]);
        assert_eq!(completed(&completion, "scan --"), ["scan --limit ", "scan --prefix ", "scan --reverse "]);
        assert_eq!(completed(&completion, "scan a b --r"), ["scan a b --reverse "]);
        assert_eq!(completed(&completion, "range --prefix a"), ["range --prefix apple"]);
        assert_eq!(completed(&completion, "scan --limit "), [""; 0]);
    }

    #[test]
    fn keyspaces_complete_behind_use() {
        let completion = completion(&[]);
        completion.db.keyspace("users").unwrap();
        completion.db.keyspace("größte Namen").unwrap();
        assert_eq!(completed(&completion, "use u"), ["use users"]);
        assert_eq!(completed(&completion, "use gr"), ["use \"größte Namen\""]);
        assert_eq!(completed(&completion, "use ").len(), 3);
    }

    #[test]
    fn no_more_than_a_screenful_of_keys_is_offered() {
        let keys: Vec<_> = (0..200).map(|number| format!("k{number:03}")).collect();
        let keys: Vec<_> = keys.iter().map(String::as_bytes).collect();
        assert_eq!(completed(&completion(&keys), "get k").len(), KEYS_MAX);
    }
}
