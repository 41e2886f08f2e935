//! The configuration file: TOML, every mistake with its line.

use std::{
    ops::Range,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer, de::Error as _};
use siltstone::{Durability, Settings};
use tracing_subscriber::filter::LevelFilter;

use crate::{durability, level, nearest::nearest, status::Usage};

/// The configuration file.
#[derive(Deserialize, Default, Debug)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct File {
    pub(super) db: Option<PathBuf>,
    pub(super) keyspace: Option<String>,
    #[serde(deserialize_with = "read_durability")]
    pub(super) durability: Option<Durability>,
    pub(super) no_create: bool,
    #[serde(deserialize_with = "read_log")]
    pub(super) log: Option<LevelFilter>,
    pub(super) settings: Option<Settings>,
}

impl File {
    pub(super) fn read(path: &Path) -> Result<File, Usage> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Usage(format!(
                "{}: the configuration file cannot be read: {error}; check --config",
                path.display()
            ))
        })?;
        let wrong = |line: usize, what: &str| Usage(format!("{} line {line}: {what}", path.display()));
        let mut file: File = toml::from_str(&text)
            .map_err(|error| wrong(line_at(&text, error.span()), &explain(error.message())))?;
        if let Some(settings) = &file.settings {
            settings.validate().map_err(|error| {
                let what = error.to_string();
                wrong(line_of_setting(&text, &what), &what)
            })?;
        }
        // The file means the same wherever the command is run.
        let folder = path.parent().unwrap_or(Path::new(""));
        file.db = file.db.map(|db| folder.join(db));
        Ok(file)
    }
}

fn read_durability<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Durability>, D::Error> {
    let text = String::deserialize(deserializer)?;
    durability::parse(&text)
        .map(Some)
        .map_err(|what| D::Error::custom(format!("durability `{text}`: {what}")))
}

fn read_log<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<LevelFilter>, D::Error> {
    let text = String::deserialize(deserializer)?;
    level::parse(&text).map(Some).map_err(|what| D::Error::custom(format!("log `{text}`: {what}")))
}

/// The line in which a piece of the text begins, counted from 1.
fn line_at(text: &str, span: Option<Range<usize>>) -> usize {
    let before = text.get(..span.map_or(0, |span| span.start)).unwrap_or(text);
    before.matches('\n').count() + 1
}

/// The line of the setting that a message of [`Settings::validate`] is about. It begins with the name.
fn line_of_setting(text: &str, what: &str) -> usize {
    let words = || what.split_whitespace();
    let names = |line: &str| {
        let name = line.split('=').next().unwrap_or_default().trim();
        let name = name.rsplit('.').next().unwrap_or_default();
        !name.is_empty() && words().any(|word| word == name)
    };
    text.lines().position(names).map_or(1, |idx| idx + 1)
}

/// Adds the nearest name to what is said about one that is not known. Such a message quotes the name first, and then all that would be right.
fn explain(message: &str) -> String {
    // The names of Rust's types say nothing to whoever writes a configuration.
    let types = [
        ("u32", "a whole number"),
        ("u64", "a whole number"),
        ("f64", "a number"),
        ("a boolean", "true or false"),
    ];
    let message = types.iter().fold(message.replace('\n', "; "), |message, (name, meaning)| {
        message.replace(&format!("expected {name}"), &format!("expected {meaning}"))
    });
    if !message.starts_with("unknown ") {
        return message;
    }
    let mut quoted = message.split('`').skip(1).step_by(2);
    let unknown = quoted.next().unwrap_or_default();
    match nearest(unknown, quoted) {
        Some(near) => {
            let what = message.split(", expected").next().unwrap_or_default();
            format!("{what}; did you mean `{near}`?")
        }
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(content: &str) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("siltstone.toml");
        std::fs::write(&path, content).unwrap();
        let Usage(what) = File::read(&path).unwrap_err();
        what.strip_prefix(&format!("{} ", path.display())).unwrap().to_owned()
    }

    #[test]
    fn a_file_that_says_everything_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("siltstone.toml");
        let content = "db = 'of/file'\nkeyspace = 'users'\ndurability = 'buffered'\nno-create = true\nlog = 'debug'\n\
                       [settings]\nblock-bytes = 8192\ncompression = ['none', { zstd = { level = 3 } }]\n";
        std::fs::write(&path, content).unwrap();
        let file = File::read(&path).unwrap();
        assert_eq!(file.db, Some(dir.path().join("of/file")));
        assert_eq!(file.keyspace.as_deref(), Some("users"));
        assert_eq!(file.durability, Some(Durability::Buffered));
        assert!(file.no_create);
        assert_eq!(file.log, Some(LevelFilter::DEBUG));
        let settings = file.settings.unwrap();
        assert_eq!(settings.block_bytes, 8192);
        assert_eq!(settings.compression.len(), 2);
        assert_eq!(
            Settings { block_bytes: 4096, compression: Settings::default().compression, ..settings },
            Settings::default()
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_the_nearest_name() {
        for (content, what) in [
            ("db = 'x'\n\nkeyspce = 'a'\n", "line 3: unknown field `keyspce`; did you mean `keyspace`?"),
            (
                "[settings]\ncache-byte = 1\n",
                "line 2: unknown field `cache-byte`; did you mean `cache-bytes`?",
            ),
            ("[setings]\ncache-bytes = 1\n", "line 1: unknown field `setings`; did you mean `settings`?"),
            ("settings.worker = 1\n", "line 1: unknown field `worker`; did you mean `workers`?"),
            ("[settings]\n\ndurability = 'snyc'\n", "line 3: unknown variant `snyc`; did you mean `sync`?"),
            (
                "[settings]\ncompression = ['none',\n 'lz5']\n",
                "line 3: unknown variant `lz5`; did you mean `lz4`?",
            ),
            ("log = 'loud'\n", "line 1: log `loud`: write off, error"),
            ("\ndurability = 'never'\n", "line 2: durability `never`: write sync, buffered"),
            ("keyspace = 7\n", "line 1: invalid type: integer `7`, expected a string"),
            (
                "[settings]\nworkers = 1\nblock-bytes = 1\n",
                "line 3: settings: block-bytes must be from 64 to",
            ),
            ("[settings]\nworkers = -1\n", "line 2: invalid value: integer `-1`"),
            (
                "[settings]\nworkers = 'two'\n",
                "line 2: invalid type: string \"two\", expected a whole number",
            ),
            ("no-create = 'yes'\n", "line 1: invalid type: string \"yes\", expected true or false"),
            ("db = 'x\n", "line 1: "),
            ("db = 'x'\ndb = 'y'\n", "line 2: duplicate key"),
            ("temperature = 1\n", "line 1: unknown field `temperature`, expected one of `db`, `keyspace`,"),
        ] {
            let error = error(content);
            assert!(error.starts_with(what), "{content}: {error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }
}
