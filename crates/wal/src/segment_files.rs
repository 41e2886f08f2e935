//! Names of segments.

use std::path::{Path, PathBuf};

/// How names of files that mean nothing end.
pub(crate) const TEMPORARY: &str = ".tmp";

const EXTENSION: &str = ".log";

/// The file of a segment: its number with six digits, or more when it needs them.
pub(crate) fn segment_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:06}{EXTENSION}"))
}

/// Where a segment is written before it has its name.
pub(crate) fn temporary_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(TEMPORARY);
    PathBuf::from(name)
}

/// The number in a segment's name; `None` for any other name, and for other spellings of a number.
pub(crate) fn segment_number(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    let number = name.strip_suffix(EXTENSION)?.parse().ok()?;
    (format!("{number:06}{EXTENSION}") == name).then_some(number)
}

/// True for files that mean nothing.
pub(crate) fn is_temporary(path: &Path) -> bool {
    path.to_str().is_some_and(|path| path.ends_with(TEMPORARY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_for_a_number_in_one_spelling_only() {
        for number in [0, 1, 999_999, 1_000_000, u64::MAX] {
            assert_eq!(segment_number(&segment_path(Path::new("d"), number)), Some(number));
        }
        for name in ["1.log", "0000001.log", "+00001.log", "000001.sst", "000001.log.tmp", ".log", "000001"] {
            assert_eq!(segment_number(Path::new(name)), None, "{name}");
        }
    }
}
