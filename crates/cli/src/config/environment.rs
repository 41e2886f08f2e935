//! The environment: variables that begin with `SILTSTONE_`, every mistake with its name.

use std::{ffi::OsString, path::PathBuf};

use siltstone::Durability;
use tracing_subscriber::filter::LevelFilter;

use crate::{durability, level, nearest::nearest, status::Usage};

const PREFIX: &str = "SILTSTONE_";

/// The variables there are.
const NAMES: &[&str] = &[
    "SILTSTONE_DB",
    "SILTSTONE_CONFIG",
    "SILTSTONE_KEYSPACE",
    "SILTSTONE_DURABILITY",
    "SILTSTONE_NO_CREATE",
    "SILTSTONE_LOG",
];

/// What the variables say; `None` where there is none.
#[derive(Default, Debug)]
pub(super) struct Environment {
    pub(super) db: Option<PathBuf>,
    pub(super) config: Option<PathBuf>,
    pub(super) keyspace: Option<String>,
    pub(super) durability: Option<Durability>,
    pub(super) no_create: Option<bool>,
    pub(super) log: Option<LevelFilter>,
}

impl Environment {
    /// Takes what is ours from all variables.
    ///
    /// # Errors
    ///
    /// [`Usage`]. A misspelt or empty variable would silently leave the default directory to be written to.
    pub(super) fn read(variables: impl Iterator<Item = (OsString, OsString)>) -> Result<Environment, Usage> {
        let mut environment = Environment::default();
        for (name, value) in variables {
            let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else { continue };
            environment.set(name, value).map_err(|what| Usage(format!("environment: {what}")))?;
        }
        Ok(environment)
    }

    fn set(&mut self, name: &str, value: OsString) -> Result<(), String> {
        if NAMES.contains(&name) && value.is_empty() {
            return Err(format!("{name} is empty; give it a value, or unset it"));
        }
        match name {
            "SILTSTONE_DB" => self.db = Some(value.into()),
            "SILTSTONE_CONFIG" => self.config = Some(value.into()),
            "SILTSTONE_KEYSPACE" => self.keyspace = Some(parse(name, &value, |text| Ok(text.to_owned()))?),
            "SILTSTONE_DURABILITY" => self.durability = Some(parse(name, &value, durability::parse)?),
            "SILTSTONE_NO_CREATE" => self.no_create = Some(parse(name, &value, parse_switch)?),
            "SILTSTONE_LOG" => self.log = Some(parse(name, &value, level::parse)?),
            _ => return Err(format!("there is no variable {name}; {}", hint(name))),
        }
        Ok(())
    }
}

fn parse<T>(name: &str, value: &OsString, read: impl FnOnce(&str) -> Result<T, String>) -> Result<T, String> {
    let text = value.to_str().ok_or_else(|| format!("{name} is not UTF-8"))?;
    read(text).map_err(|what| format!("{name} `{text}`: {what}"))
}

fn parse_switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err("write true or false".to_owned()),
    }
}

fn hint(name: &str) -> String {
    // What all names have in common would make them all look alike.
    let own = |name: &'static str| name.strip_prefix(PREFIX).unwrap_or(name);
    match nearest(name.strip_prefix(PREFIX).unwrap_or(name), NAMES.iter().map(|name| own(name))) {
        Some(near) => format!("did you mean {PREFIX}{near}?"),
        None => format!("there are {}", NAMES.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Environment, String> {
        let others = [("PATH", ""), ("siltstone_db", "x")];
        let all = others.iter().chain(variables).map(|(name, value)| (name.into(), value.into()));
        Environment::read(all).map_err(|Usage(what)| what)
    }

    #[test]
    fn every_variable_is_read() {
        let values = ["a/b", "c.toml", "users", "interval:5", "Yes", "warn"];
        let variables: Vec<_> = NAMES.iter().copied().zip(values).collect();
        let read = read(&variables).unwrap();
        assert_eq!((read.db, read.config), (Some("a/b".into()), Some("c.toml".into())));
        assert_eq!(read.keyspace.as_deref(), Some("users"));
        assert_eq!(read.durability, Some(Durability::Interval { ms: 5 }));
        assert_eq!((read.no_create, read.log), (Some(true), Some(LevelFilter::WARN)));
    }

    #[test]
    fn what_is_wrong_is_told_with_the_variable() {
        for (name, value, what) in [
            ("SILTSTONE_DBS", "x", "there is no variable SILTSTONE_DBS; did you mean SILTSTONE_DB?"),
            (
                "SILTSTONE_TEMPERATURE",
                "",
                "there is no variable SILTSTONE_TEMPERATURE; there are SILTSTONE_DB, SILT",
            ),
            ("SILTSTONE_DB", "", "SILTSTONE_DB is empty; give it a value, or unset it"),
            ("SILTSTONE_LOG", "loud", "SILTSTONE_LOG `loud`: write off, error, warn, info, debug or trace"),
            ("SILTSTONE_DURABILITY", "never", "SILTSTONE_DURABILITY `never`: write sync, buffered or"),
            ("SILTSTONE_NO_CREATE", "maybe", "SILTSTONE_NO_CREATE `maybe`: write true or false"),
        ] {
            let error = read(&[(name, value)]).unwrap_err();
            assert!(error.starts_with(&format!("environment: {what}")), "{error}");
        }
    }
}
