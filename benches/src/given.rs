//! Parameters of a strategy, as they were typed: `runs-min=4,table-bytes-max=1MiB`.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow, bail};
use siltstone_compaction::Similarity;

use crate::{nearest::unknown, units::parse_bytes};

/// What was given, by name with dashes. Each is taken once.
#[derive(Default, Debug)]
pub struct Given(BTreeMap<String, String>);

impl Given {
    /// Reads `NAME=VALUE`, several with commas between them.
    pub fn parse(text: &str) -> Result<Given> {
        let mut given = Given::default();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let Some((name, value)) = part.split_once('=') else {
                bail!("`{part}` is not of the form PARAMETER=VALUE");
            };
            if given.0.insert(name.trim().to_owned(), value.trim().to_owned()).is_some() {
                bail!("`{name}` is given twice");
            }
        }
        Ok(given)
    }

    /// Refuses names that a strategy does not have. `fields` are those of Rust, with underscores.
    pub fn check(&self, fields: &[&str]) -> Result<()> {
        let names: Vec<String> = fields.iter().map(|field| field.replace('_', "-")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        match self.0.keys().find(|name| !names.contains(&name.as_str())) {
            Some(name) => Err(anyhow!(unknown("parameter", name, &names))),
            None => Ok(()),
        }
    }

    /// The value of a parameter, if it was given.
    pub fn take<T: FromText>(&mut self, field: &str) -> Result<Option<T>> {
        let name = field.replace('_', "-");
        let Some(text) = self.0.remove(&name) else { return Ok(None) };
        T::from_text(&text).map(Some).map_err(|why| anyhow!("`{name}={text}`: {why}"))
    }

    /// Replaces a parameter's default, if it was given.
    pub fn set<T: FromText>(&mut self, field: &str, value: &mut T) -> Result<()> {
        if let Some(given) = self.take(field)? {
            *value = given;
        }
        Ok(())
    }
}

/// A type that parameters have.
pub trait FromText: Sized {
    /// Reads it.
    fn from_text(text: &str) -> Result<Self, String>;
}

impl FromText for u64 {
    fn from_text(text: &str) -> Result<u64, String> {
        if text == "max" { Ok(u64::MAX) } else { parse_bytes(text) }
    }
}

impl FromText for u32 {
    fn from_text(text: &str) -> Result<u32, String> {
        if text == "max" { Ok(u32::MAX) } else { text.parse().map_err(|_| "it is not a number".to_owned()) }
    }
}

impl FromText for usize {
    fn from_text(text: &str) -> Result<usize, String> {
        if text == "max" { Ok(usize::MAX) } else { text.parse().map_err(|_| "it is not a number".to_owned()) }
    }
}

impl FromText for bool {
    fn from_text(text: &str) -> Result<bool, String> {
        text.parse().map_err(|_| "it is neither `true` nor `false`".to_owned())
    }
}

impl FromText for Similarity {
    fn from_text(text: &str) -> Result<Similarity, String> {
        match text {
            "sum" => Ok(Similarity::Sum),
            "mean" => Ok(Similarity::Mean),
            _ => Err("it is neither `sum` nor `mean`".to_owned()),
        }
    }
}
