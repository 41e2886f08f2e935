//! What a command reads: a file, or standard input for `-`.

use std::{
    fs::File,
    io::{BufRead, BufReader, stdin},
    path::Path,
};

use anyhow::Context as _;

/// Something to read, and what it is called in messages.
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) reader: Box<dyn BufRead>,
    /// How long it is, where that is known.
    pub(crate) bytes: Option<u64>,
}

impl Input {
    /// Opens a file; `-` is standard input.
    ///
    /// # Errors
    ///
    /// The operating system's, with the name.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Input> {
        if path == Path::new("-") {
            return Ok(Input {
                name: "standard input".to_owned(),
                reader: Box::new(stdin().lock()),
                bytes: None,
            });
        }
        let name = path.display().to_string();
        #[expect(clippy::disallowed_methods, reason = "a user's file, not one of a database")]
        let file = File::open(path).with_context(|| format!("cannot open {name}"))?;
        let bytes = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
        Ok(Input { name, reader: Box::new(BufReader::with_capacity(1 << 20, file)), bytes })
    }
}
