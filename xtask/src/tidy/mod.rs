//! The rules that no compiler checks. Each is a function from what was read to what is wrong, in a file of its own.

mod async_runtime;
mod first_line;
mod format_hash;
mod gated_test;
mod layers;
mod length;
mod link;
mod locks;
mod marker;
mod metadata;
mod paths;
mod source;
mod std_fs;

use std::{fmt, fs};

use anyhow::{Context as _, Result, bail};

use crate::{step::Outcome, workspace::Workspace};
use metadata::Metadata;
use source::Source;

/// Something that breaks a rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Violation {
    /// A path from the workspace's root, with a line where there is one, or a package.
    place: String,
    /// What is wrong and what to do instead.
    what: String,
}

impl Violation {
    fn new(place: impl Into<String>, what: impl Into<String>) -> Violation {
        Violation { place: place.into(), what: what.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// Checks all rules and prints every violation.
pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let metadata = Metadata::read(workspace)?;
    let sources = source::read(workspace.root(), "rs")?;
    let pages = source::read(workspace.root(), "md")?;
    let exists = |path: &str| workspace.root().join(path).exists();

    let mut violations = Vec::new();
    violations.extend(layers::check(&metadata));
    violations.extend(async_runtime::check(&metadata));
    violations.extend(gated_test::check(&metadata));
    violations.extend(first_line::check(&sources));
    violations.extend(std_fs::check(&sources));
    violations.extend(locks::check(&sources));
    violations.extend(marker::check(&sources));
    violations.extend(length::check(&sources));
    violations.extend(format_hash::check(&pages, &sources));
    violations.extend(link::check(&pages, exists));
    violations.sort();

    for violation in &violations {
        println!("{violation}");
    }
    match violations.len() {
        0 => {
            println!(
                "tidy: {} packages, {} sources, {} pages",
                metadata.packages.len(),
                sources.len(),
                pages.len()
            );
            Ok(Outcome::Done)
        }
        1 => bail!("tidy found 1 violation"),
        count => bail!("tidy found {count} violations"),
    }
}

/// Writes the hashes of the format sources into the pages that describe them.
pub(crate) fn bless(workspace: &Workspace) -> Result<()> {
    let sources = source::read(workspace.root(), "rs")?;
    let pages: Vec<Source> = source::read(workspace.root(), "md")?;
    for page in pages.iter().filter(|page| format_hash::is_format_page(page)) {
        let text = format_hash::blessed(page, &sources);
        if text != page.text {
            let path = workspace.root().join(&page.path);
            fs::write(&path, text).with_context(|| format!("could not write {}", path.display()))?;
            println!("blessed {}", page.path);
        }
    }
    Ok(())
}
