//! `results.jsonl`: lines are appended as they come, so that a run that ends early keeps what it has.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use siltstone_benches::row::{Failure, Line, Row, Run, SCHEMA};

/// What a file holds.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Results {
    pub(crate) run: Run,
    pub(crate) rows: Vec<Row>,
    pub(crate) failures: Vec<Failure>,
}

impl Results {
    /// Reads the results of a run: its folder, or the file itself.
    pub(crate) fn read(run: &Path) -> Result<Results> {
        let path = if run.is_dir() { file(run) } else { run.to_owned() };
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Results::parse(&text).with_context(|| format!("{}", path.display()))
    }

    /// Reads lines. The last one may be torn, when the program was killed while it wrote it: then it does not count.
    pub(crate) fn parse(text: &str) -> Result<Results> {
        let mut lines = text.lines().enumerate().peekable();
        let first = lines.next().context("the file is empty")?.1;
        let Line::Run(run) = serde_json::from_str(first).context("line 1")? else {
            bail!("line 1 is not that of a run");
        };
        if run.schema != SCHEMA {
            bail!("lines are of version {}, and this program knows version {SCHEMA}", run.schema);
        }
        let mut results = Results { run, rows: Vec::new(), failures: Vec::new() };
        while let Some((at, line)) = lines.next() {
            match serde_json::from_str(line) {
                Ok(Line::Cell(row)) => results.rows.push(*row),
                Ok(Line::Error(failure)) => results.failures.push(failure),
                Ok(Line::Run(_)) => bail!("line {} is that of another run", at + 1),
                Err(_) if lines.peek().is_none() && !text.ends_with('\n') => {}
                Err(error) => return Err(error).with_context(|| format!("line {}", at + 1)),
            }
        }
        Ok(results)
    }

    /// Writes what goes on: the run and its rows. Cells that failed are tried again.
    pub(crate) fn begin(&self, folder: &Path) -> Result<()> {
        let mut text = serde_json::to_string(&Line::Run(self.run.clone()))? + "\n";
        for row in &self.rows {
            text += &(serde_json::to_string(&Line::Cell(Box::new(row.clone())))? + "\n");
        }
        fs::write(file(folder), text).with_context(|| format!("cannot write {}", file(folder).display()))
    }
}

/// The file in a run's folder.
pub(crate) fn file(folder: &Path) -> PathBuf {
    folder.join("results.jsonl")
}

/// Adds a line.
#[expect(clippy::disallowed_methods, reason = "it is no file of a database")]
pub(crate) fn append(folder: &Path, line: &Line) -> Result<()> {
    let path = file(folder);
    let mut file =
        fs::OpenOptions::new().append(true).open(&path).with_context(|| format!("{}", path.display()))?;
    // In one call, so that no other line can come between.
    file.write_all((serde_json::to_string(line)? + "\n").as_bytes())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn lines_come_back_and_a_torn_last_one_does_not_count() {
        let text = fixture::TEXT;
        let results = Results::parse(text).unwrap();
        assert_eq!(results.rows.len() + results.failures.len(), text.lines().count() - 1);
        let whole = results.rows.len();
        let torn = &text[..text.len() - 20];
        let results = Results::parse(torn).unwrap();
        assert_eq!(results.rows.len() + results.failures.len(), text.lines().count() - 2);
        assert!(whole > 0);
        let broken = text.replacen("\"kind\":\"cell\"", "\"kind\":\"sell\"", 1);
        assert!(format!("{:#}", Results::parse(&broken).unwrap_err()).contains("line 2"));
        assert!(Results::parse("").is_err());
        let newer = text.replacen("\"schema\":2", "\"schema\":3", 1);
        assert!(format!("{:#}", Results::parse(&newer).unwrap_err()).contains("version 3, and"));
    }

    #[test]
    fn what_goes_on_has_every_row_and_no_failure() {
        let folder = tempfile::tempdir().unwrap();
        let results = Results::parse(fixture::TEXT).unwrap();
        results.begin(folder.path()).unwrap();
        append(folder.path(), &Line::Cell(Box::new(fixture::row()))).unwrap();
        let again = Results::read(folder.path()).unwrap();
        assert_eq!(again.rows.len(), results.rows.len() + 1);
        assert_eq!((again.rows[0].clone(), again.failures.len()), (results.rows[0].clone(), 0));
    }
}
