//! Where the lines that were typed are kept from one session to the next.

use std::{
    env,
    path::{Path, PathBuf},
};

/// Lines that are kept.
pub(crate) const LINES_MAX: usize = 1000;

/// The file, in a folder that exists. `None` when the environment names no home, or the folder cannot be made: a shell without a history is better than none.
pub(crate) fn file() -> Option<PathBuf> {
    let folder =
        folder(env::var_os("XDG_STATE_HOME").map(PathBuf::from), env::var_os("HOME").map(PathBuf::from))?;
    match std::fs::create_dir_all(&folder) {
        Ok(()) => Some(folder.join("history")),
        Err(error) => {
            tracing::warn!(folder = %folder.display(), %error, "the history will not be kept");
            None
        }
    }
}

/// As the XDG Base Directory Specification has it: the folder for state, or its default below home. A relative path is to be ignored.
fn folder(state: Option<PathBuf>, home: Option<PathBuf>) -> Option<PathBuf> {
    let state = state.filter(|path| path.is_absolute());
    let below_home = |home: PathBuf| home.join(Path::new(".local").join("state"));
    Some(state.or_else(|| home.filter(|path| path.is_absolute()).map(below_home))?.join("siltstone"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_that_of_the_specification() {
        let path = |text: &str| Some(PathBuf::from(text));
        assert_eq!(folder(path("/state"), path("/home/a")), path("/state/siltstone"));
        assert_eq!(folder(None, path("/home/a")), path("/home/a/.local/state/siltstone"));
        assert_eq!(folder(path("relative"), path("/home/a")), path("/home/a/.local/state/siltstone"));
        assert_eq!(folder(path(""), path("")), None);
        assert_eq!(folder(None, None), None);
    }
}
