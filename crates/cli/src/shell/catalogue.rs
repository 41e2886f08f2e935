//! The commands of the shell: their names, how they are written, what they do. Parser, help and completion all read this table.

use crate::nearest;

/// A command by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Name {
    Put,
    Get,
    Delete,
    Scan,
    Batch,
    Begin,
    Commit,
    Abort,
    Stats,
    Compact,
    Flush,
    Sync,
    Verify,
    Use,
    Keyspaces,
    Ping,
    Help,
    Exit,
}

/// What there is to say about a command.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    pub(crate) name: Name,
    /// What it is called, in lower case; the first is the one that help lists.
    pub(crate) words: &'static [&'static str],
    /// What stands behind the word.
    pub(crate) arguments: &'static str,
    /// One line.
    pub(crate) summary: &'static str,
    /// More lines, for `help COMMAND`.
    pub(crate) details: &'static [&'static str],
}

impl Entry {
    /// What else it is called.
    pub(crate) fn other_words(&self) -> &'static [&'static str] {
        self.words.get(1..).unwrap_or_default()
    }

    /// How it is written.
    pub(crate) fn usage(&self) -> String {
        let word = self.words.first().copied().unwrap_or_default();
        if self.arguments.is_empty() { word.to_owned() } else { format!("{word} {}", self.arguments) }
    }
}

/// All commands, in the order of help.
pub(crate) const CATALOGUE: &[Entry] = &[
    Entry {
        name: Name::Put,
        words: &["put"],
        arguments: "KEY VALUE",
        summary: "set a key to a value",
        details: &[
            "VALUE is everything behind the one blank that follows KEY, as it is: blanks, quotes and backslashes are part of it.",
            "A KEY with blanks or other bytes stands in quotes: \"a b\", with \\\" \\\\ \\n \\r \\t \\xHH. A value with such bytes: see batch.",
        ],
    },
    Entry {
        name: Name::Get,
        words: &["get"],
        arguments: "KEY",
        summary: "print the value of a key, or (not found)",
        details: &[
            "A value that holds a newline is printed as one line, with \\n, \\t, \\r, \\\\ and \\xHH. scan KEY KEY always prints it so.",
        ],
    },
    Entry {
        name: Name::Delete,
        words: &["delete"],
        arguments: "KEY",
        summary: "delete a key, whether it exists or not",
        details: &[],
    },
    Entry {
        name: Name::Scan,
        words: &["scan", "range"],
        arguments: "[START [END]] [--prefix P] [--limit N] [--reverse]",
        summary: "print keys and values in order, START and END included",
        details: &[
            "Without END it goes to the last key, without START it begins at the first. --prefix P prints the keys that begin with P.",
            "--limit N prints at most N rows. --reverse prints the same rows from the last to the first.",
            "A key that begins with -- stands in quotes.",
        ],
    },
    Entry {
        name: Name::Batch,
        words: &["batch"],
        arguments: "KEY VALUE [KEY VALUE ...]",
        summary: "set several keys, all or none of them",
        details: &["Here VALUE is a word as KEY is: in quotes, with escapes, it can be any bytes."],
    },
    Entry {
        name: Name::Begin,
        words: &["begin"],
        arguments: "",
        summary: "collect the writes that follow, until commit or abort",
        details: &[
            "put, delete and batch are then answered QUEUED. Reads see what is committed. use may change the keyspace in between.",
            "The end of input aborts. When input is piped, an error between begin and commit makes commit apply nothing and say why.",
        ],
    },
    Entry {
        name: Name::Commit,
        words: &["commit"],
        arguments: "",
        summary: "apply the collected writes, all or none of them",
        details: &["The collection ends, applied or not."],
    },
    Entry {
        name: Name::Abort,
        words: &["abort"],
        arguments: "",
        summary: "forget the collected writes",
        details: &[],
    },
    Entry {
        name: Name::Stats,
        words: &["stats"],
        arguments: "",
        summary: "print figures about memory, tables, reads and writes",
        details: &[
            "Reads, writes and compactions are counted from the opening of the database on.",
            "filter hits: tables that need not be read, because their filter knows that the key is absent. filter misses: tables that were read.",
            "filter hit rate: hits out of hits and misses. tables read per get: misses for each key that was looked up.",
            "write amplification: bytes written to logs and tables for each byte of keys and values.",
            "read amplification: runs that a lookup may have to ask, at most.",
            "estimated space amplification: bytes of tables for each byte of keys and values, if all stale data is outside the largest run.",
        ],
    },
    Entry {
        name: Name::Compact,
        words: &["compact"],
        arguments: "",
        summary: "merge all tables, and report what that removed",
        details: &["All keyspaces are compacted. What is in memory is written to tables first."],
    },
    Entry {
        name: Name::Flush,
        words: &["flush"],
        arguments: "",
        summary: "write what is in memory to tables",
        details: &[],
    },
    Entry {
        name: Name::Sync,
        words: &["sync"],
        arguments: "",
        summary: "make everything written so far survive a power cut",
        details: &[],
    },
    Entry {
        name: Name::Verify,
        words: &["verify"],
        arguments: "",
        summary: "check every byte of every table",
        details: &["Damage is an error, which names the files."],
    },
    Entry {
        name: Name::Use,
        words: &["use"],
        arguments: "NAME",
        summary: "go to another keyspace, created if there is none",
        details: &[
            "It holds for the commands that follow. The keyspace is created at once, unless --no-create forbids it. The keyspace that every database has is called default.",
        ],
    },
    Entry {
        name: Name::Keyspaces,
        words: &["keyspaces"],
        arguments: "",
        summary: "list the keyspaces",
        details: &[],
    },
    Entry { name: Name::Ping, words: &["ping"], arguments: "", summary: "answer PONG", details: &[] },
    Entry {
        name: Name::Help,
        words: &["help"],
        arguments: "[COMMAND]",
        summary: "list the commands, or explain one",
        details: &[],
    },
    Entry {
        name: Name::Exit,
        words: &["exit", "quit"],
        arguments: "",
        summary: "end the shell; the end of input does so too",
        details: &["Writes that were begun and not committed are forgotten."],
    },
];

/// The command that is called so, in any case.
pub(crate) fn find(word: &[u8]) -> Option<&'static Entry> {
    CATALOGUE.iter().find(|entry| entry.words.iter().any(|name| word.eq_ignore_ascii_case(name.as_bytes())))
}

/// All words that begin a line.
pub(crate) fn words() -> impl Iterator<Item = &'static str> {
    CATALOGUE.iter().flat_map(|entry| entry.words).copied()
}

/// The word that was probably meant.
pub(crate) fn nearest(word: &[u8]) -> Option<&'static str> {
    nearest::nearest(&String::from_utf8_lossy(word).to_lowercase(), words())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_any_case_and_belong_to_one_command() {
        assert_eq!(find(b"PuT").map(|entry| entry.name), Some(Name::Put));
        assert_eq!(find(b"Range").map(|entry| entry.name), Some(Name::Scan));
        assert_eq!(find(b"QUIT").map(|entry| entry.name), Some(Name::Exit));
        assert!(find(b"").is_none() && find(b"putt").is_none() && find(b"\xff").is_none());
        let mut all: Vec<_> = words().collect();
        all.sort_unstable();
        let count = all.len();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn every_command_is_on_the_page_of_the_shell() {
        let page = include_str!("../../../../docs/shell.md");
        for entry in CATALOGUE.iter().filter(|entry| entry.name != Name::Scan) {
            assert!(page.contains(&format!("\n| `{}`", entry.usage())), "{}", entry.usage());
        }
        for word in words() {
            assert!(page.contains(&format!("`{word}")), "{word}");
        }
        for option in ["--prefix P", "--limit N", "--reverse"] {
            assert!(page.contains(&format!("`{option}`")), "{option}");
        }
    }

    #[test]
    fn a_mistyped_word_is_near_to_the_one_that_was_meant() {
        for (typed, meant) in [
            ("gte", "get"),
            ("GTE", "get"),
            ("pu", "put"),
            ("dlete", "delete"),
            ("comit", "commit"),
            ("keyspace", "keyspaces"),
            ("exti", "exit"),
        ] {
            assert_eq!(nearest(typed.as_bytes()), Some(meant), "{typed}");
        }
        for strange in ["", "select", "xyzzy", "\u{fffd}", &"get".repeat(1000)] {
            assert_eq!(nearest(strange.as_bytes()), None, "{strange}");
        }
    }
}
