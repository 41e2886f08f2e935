//! Names of files and the content of CURRENT. Prose: `docs/format/files.md`.
#![deny(clippy::indexing_slicing)]

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use crate::{Error, Result};

/// The version of CURRENT that this code writes.
const CURRENT_VERSION: &str = "1";
const CURRENT_MAGIC: &str = "siltstone";

/// Identity of a database: 128 bits drawn when it is created.
pub type Identity = [u8; 16];

/// What a name in a database's directory stands for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum FileKind {
    /// `MANIFEST-000007`
    Manifest(u64),
    /// `wal/000012.log`
    Log(u64),
    /// `sst/000013.sst`
    Table(u64),
    /// `CURRENT.tmp` and `OPTIONS.tmp`: unfinished.
    Temporary,
    /// `LOCK`
    Lock,
    /// `CURRENT`
    Current,
    /// `OPTIONS`
    Options,
    /// Not ours.
    Foreign,
}

/// The paths of one database.
#[derive(Clone, Debug)]
pub struct Layout {
    dir: PathBuf,
    wal_dir: PathBuf,
    sst_dir: PathBuf,
}

impl Layout {
    /// The paths below a database's directory.
    pub fn new(dir: impl Into<PathBuf>) -> Layout {
        let dir = dir.into();
        Layout { wal_dir: dir.join("wal"), sst_dir: dir.join("sst"), dir }
    }

    /// The directory itself.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The folder of the logs.
    pub fn wal_dir(&self) -> &Path {
        &self.wal_dir
    }

    /// The folder of the tables.
    pub fn sst_dir(&self) -> &Path {
        &self.sst_dir
    }

    /// Path of a manifest.
    pub fn manifest(&self, number: u64) -> PathBuf {
        self.dir.join(manifest_name(number))
    }

    /// Path of a log.
    pub fn log(&self, number: u64) -> PathBuf {
        self.wal_dir.join(format!("{number:06}.log"))
    }

    /// Path of a table.
    pub fn table(&self, number: u64) -> PathBuf {
        self.sst_dir.join(format!("{number:06}.sst"))
    }

    /// Path of CURRENT.
    pub fn current(&self) -> PathBuf {
        self.dir.join("CURRENT")
    }

    /// Path of OPTIONS.
    pub fn options(&self) -> PathBuf {
        self.dir.join("OPTIONS")
    }

    /// Path of the lock.
    pub fn lock(&self) -> PathBuf {
        self.dir.join("LOCK")
    }

    /// What a path in the directory or one of its folders stands for.
    pub fn kind(&self, path: &Path) -> FileKind {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return FileKind::Foreign };
        let parent = path.parent();
        if parent == Some(&self.wal_dir) {
            return name.strip_suffix(".log").and_then(number).map_or(FileKind::Foreign, FileKind::Log);
        }
        if parent == Some(&self.sst_dir) {
            return name.strip_suffix(".sst").and_then(number).map_or(FileKind::Foreign, FileKind::Table);
        }
        match name {
            "LOCK" => FileKind::Lock,
            "CURRENT" => FileKind::Current,
            "OPTIONS" => FileKind::Options,
            "CURRENT.tmp" | "OPTIONS.tmp" => FileKind::Temporary,
            _ => {
                name.strip_prefix("MANIFEST-").and_then(number).map_or(FileKind::Foreign, FileKind::Manifest)
            }
        }
    }
}

fn manifest_name(number: u64) -> String {
    format!("MANIFEST-{number:06}")
}

/// Reads a number in its one valid spelling.
fn number(digits: &str) -> Option<u64> {
    let number: u64 = digits.parse().ok()?;
    (format!("{number:06}") == digits).then_some(number)
}

/// Whether a database was closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Closing {
    /// Open for writing, or left so by a process that died.
    Open,
    /// Closed cleanly, with a manifest of this many bytes.
    Closed {
        /// Length of the manifest.
        manifest_bytes: u64,
    },
}

/// Content of CURRENT.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Current {
    /// Number of the manifest.
    pub manifest: u64,
    /// The database.
    pub identity: Identity,
    /// Whether it was closed.
    pub closing: Closing,
}

impl Current {
    /// The line, its newline included.
    pub fn encode(&self) -> String {
        let mut line = format!("{CURRENT_MAGIC} {CURRENT_VERSION} {} ", manifest_name(self.manifest));
        line.push_str(&hex_identity(self.identity));
        match self.closing {
            Closing::Open => line.push_str(" open 0 "),
            Closing::Closed { manifest_bytes } => {
                let _ = write!(line, " closed {manifest_bytes} ");
            }
        }
        let crc = crc32c::crc32c(line.as_bytes());
        let _ = writeln!(line, "{crc:08x}");
        line
    }

    /// Reads the line; `path` is for the error.
    ///
    /// # Errors
    ///
    /// Corruption at the first field that is wrong; *format too new* for a later version of the line.
    pub fn decode(bytes: &[u8], path: &Path) -> Result<Current> {
        let damaged = |offset: usize, what: &'static str| Error::corruption(path, offset as u64, what);
        let text = std::str::from_utf8(bytes)
            .map_err(|error| damaged(error.valid_up_to(), "CURRENT is not ASCII"))?;
        let mut at = 0;
        let mut field = |what: &'static str| -> Result<(usize, &str)> {
            let rest = text.get(at..).unwrap_or_default();
            let (field, _) = rest.split_once([' ', '\n']).ok_or_else(|| damaged(at, what))?;
            let start = at;
            at += field.len() + 1;
            Ok((start, field))
        };
        let (_, magic) = field("CURRENT is cut short")?;
        if magic != CURRENT_MAGIC {
            return Err(damaged(0, "CURRENT does not begin with its magic word"));
        }
        let (version_at, version) = field("CURRENT has no version")?;
        let (manifest_at, manifest) = field("CURRENT names no manifest")?;
        let (identity_at, identity) = field("CURRENT has no identity")?;
        let (closing_at, closing) = field("CURRENT does not say whether it was closed")?;
        let (bytes_at, manifest_bytes) = field("CURRENT has no manifest length")?;
        let (crc_at, crc) = field("CURRENT has no checksum")?;
        let expected = crc32c::crc32c(text.get(..crc_at).unwrap_or_default().as_bytes());
        // Before the fields are believed, the version among them.
        if crc != format!("{expected:08x}") {
            return Err(damaged(crc_at, "the checksum of CURRENT does not match"));
        }
        if text.len() != at || !text.ends_with('\n') {
            return Err(damaged(at, "CURRENT does not end behind its checksum"));
        }
        if version != CURRENT_VERSION {
            return match version.parse::<u32>() {
                Ok(2..) => Err(Error::format_too_new(path, format!("CURRENT of version {version}"))),
                _ => Err(damaged(version_at, "CURRENT has no valid version")),
            };
        }
        let manifest = manifest
            .strip_prefix("MANIFEST-")
            .and_then(number)
            .ok_or_else(|| damaged(manifest_at, "CURRENT names no valid manifest"))?;
        let identity =
            parse_identity(identity).ok_or_else(|| damaged(identity_at, "CURRENT has no valid identity"))?;
        let manifest_bytes = manifest_bytes
            .parse::<u64>()
            .ok()
            .filter(|number| number.to_string() == manifest_bytes)
            .ok_or_else(|| damaged(bytes_at, "CURRENT has no valid manifest length"))?;
        let closing = match (closing, manifest_bytes) {
            ("open", 0) => Closing::Open,
            ("closed", manifest_bytes) => Closing::Closed { manifest_bytes },
            _ => return Err(damaged(closing_at, "CURRENT says neither open nor closed")),
        };
        Ok(Current { manifest, identity, closing })
    }
}

/// An identity as 32 digits.
pub(crate) fn hex_identity(identity: Identity) -> String {
    identity.iter().fold(String::new(), |mut digits, byte| {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

pub(crate) fn parse_identity(digits: &str) -> Option<Identity> {
    let lower = digits.bytes().all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit));
    if digits.len() != 32 || !lower {
        return None;
    }
    // Big-endian digits of one number are the bytes in order.
    let number = u128::from_str_radix(digits, 16).ok()?;
    let mut identity = number.to_le_bytes();
    identity.reverse();
    Some(identity)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "siltstone 1 MANIFEST-000007 000102030405060708090a0b0c0d0e0f closed 1234 ";

    fn current() -> Current {
        let identity = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
        Current { manifest: 7, identity, closing: Closing::Closed { manifest_bytes: 1234 } }
    }

    #[test]
    fn the_line_is_the_documented_one() {
        let line = current().encode();
        assert_eq!(line, format!("{LINE}{:08x}\n", crc32c::crc32c(LINE.as_bytes())));
        assert_eq!(Current::decode(line.as_bytes(), Path::new("CURRENT")).unwrap(), current());
        let open = Current { closing: Closing::Open, ..current() };
        assert_eq!(Current::decode(open.encode().as_bytes(), Path::new("CURRENT")).unwrap(), open);
    }

    #[test]
    fn every_flip_and_every_cut_is_noticed() {
        let line = current().encode().into_bytes();
        for (at, bit) in (0..line.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut bytes = line.clone();
            bytes[at] ^= 1 << bit;
            let error = Current::decode(&bytes, Path::new("CURRENT")).unwrap_err();
            assert!(matches!(error, Error::Corruption { .. }), "byte {at} bit {bit}: {error}");
        }
        for len in 0..line.len() {
            assert!(Current::decode(&line[..len], Path::new("CURRENT")).is_err(), "cut to {len}");
        }
        let longer = [line.as_slice(), b"x"].concat();
        assert!(Current::decode(&longer, Path::new("CURRENT")).is_err());
    }

    #[test]
    fn a_later_version_is_refused_as_such() {
        let body = LINE.replace("siltstone 1", "siltstone 2");
        let line = format!("{body}{:08x}\n", crc32c::crc32c(body.as_bytes()));
        let error = Current::decode(line.as_bytes(), Path::new("CURRENT")).unwrap_err();
        assert!(matches!(error, Error::FormatTooNew { .. }), "{error}");
    }

    #[test]
    fn a_name_has_one_spelling() {
        let layout = Layout::new("db");
        assert_eq!(layout.kind(&layout.log(12)), FileKind::Log(12));
        assert_eq!(layout.kind(&layout.table(1_234_567)), FileKind::Table(1_234_567));
        assert_eq!(layout.kind(&layout.manifest(7)), FileKind::Manifest(7));
        for foreign in
            ["db/sst/1.sst", "db/sst/0000001.sst", "db/wal/000001.sst", "db/000001.log", "db/MANIFEST-7"]
        {
            assert_eq!(layout.kind(Path::new(foreign)), FileKind::Foreign, "{foreign}");
        }
        assert_eq!(layout.kind(Path::new("db/CURRENT.tmp")), FileKind::Temporary);
    }
}
