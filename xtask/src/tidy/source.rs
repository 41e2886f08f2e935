//! Reads the files that the rules look at.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};

/// A text file of the workspace.
#[derive(Debug)]
pub(super) struct Source {
    /// From the workspace's root, with `/` between its parts.
    pub(super) path: String,
    pub(super) text: String,
}

impl Source {
    /// The parts of the path.
    pub(super) fn parts(&self) -> Vec<&str> {
        self.path.split('/').collect()
    }

    /// The name of the crate and the path below its `src`, for a library source that is no test.
    pub(super) fn in_library(&self) -> Option<(&str, Vec<&str>)> {
        match self.parts().as_slice() {
            ["crates", name, "src", below @ ..] => {
                let is_test = below.iter().any(|part| *part == "tests" || *part == "tests.rs");
                (!is_test).then(|| (*name, below.to_vec()))
            }
            _ => None,
        }
    }

    /// The lines of code with their numbers from 1: without line comments, and without the test module at the end.
    pub(super) fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let code = &self.text[..self.test_module_at()];
        // A string that holds `//` is cut too, which can only hide what follows it in its line.
        code.lines().enumerate().map(|(idx, line)| (idx + 1, line.split("//").next().unwrap_or_default()))
    }

    /// The byte at which an inline test module starts; the end of the text when there is none.
    fn test_module_at(&self) -> usize {
        self.text
            .match_indices("#[cfg(")
            .filter(|(at, _)| {
                ["#[cfg(test)]", "#[cfg(all(test,"].iter().any(|cfg| self.text[*at..].starts_with(cfg))
            })
            .map(|(at, _)| at)
            .find(|&at| {
                let mut rest =
                    self.text[at..].lines().map(str::trim).skip_while(|line| line.starts_with('#'));
                rest.next().is_some_and(|line| line.starts_with("mod ") && line.ends_with('{'))
            })
            .unwrap_or(self.text.len())
    }
}

/// Words and single punctuation characters.
pub(super) fn tokens(code: &str) -> impl Iterator<Item = &str> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut rest = code;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let first = rest.chars().next()?;
        let length = if is_word(first) {
            rest.find(|c: char| !is_word(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (token, after) = rest.split_at(length);
        rest = after;
        Some(token)
    })
}

/// All files below `root` whose names end in `.extension`, by path. Hidden folders and build output are left out.
pub(super) fn read(root: &Path, extension: &str) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(&folder).with_context(|| format!("could not list {}", folder.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("could not list {}", folder.display()))?;
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type().with_context(|| format!("could not look at {}", path.display()))?.is_dir() {
                if !name.starts_with('.') && name != "target" {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|found| found == extension) {
                let text = fs::read_to_string(&path)
                    .with_context(|| format!("could not read {}", path.display()))?;
                sources.push(Source { path: relative(root, &path)?, text });
            }
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

fn relative(root: &Path, path: &Path) -> Result<String> {
    let below =
        path.strip_prefix(root).with_context(|| format!("{} is not below the root", path.display()))?;
    let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
    Ok(parts.join("/"))
}

#[cfg(test)]
pub(super) fn source(path: &str, text: &str) -> Source {
    Source { path: path.into(), text: text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_by_their_ending_and_build_output_is_not() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let sources = read(root, "rs").unwrap();
        assert!(sources.iter().any(|source| source.path == "xtask/src/tidy/source.rs"));
        assert!(sources.iter().all(|source| !source.path.contains("target/")));
    }

    #[test]
    fn comments_and_the_test_module_are_not_code() {
        for cfg in ["#[cfg(test)]", "#[cfg(all(test, not(f)))]"] {
            let text = format!("a // b\n#[cfg(test)]\nuse c;\n{cfg}\n#[expect(d)]\nmod tests {{\ne\n}}\n");
            let source = source("x.rs", &text);
            let code: Vec<_> = source.code_lines().collect();
            assert_eq!(code, [(1, "a "), (2, "#[cfg(test)]"), (3, "use c;")]);
        }
    }
}
