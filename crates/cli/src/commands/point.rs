//! `put`, `get` and `delete`: one key each.

use std::io::{Write as _, stdout};

use siltstone::Db;

use crate::{CommandResult, status::Outcome, text::escape};

pub(crate) fn put(db: &Db, key: &str, value: &str) -> CommandResult {
    db.put(key, value)?;
    db.close()?;
    Ok(Outcome::Done)
}

pub(crate) fn get(db: &Db, key: &str, raw: bool) -> CommandResult {
    let Some(value) = db.get(key)? else {
        tracing::warn!("there is no key {}", escape(key.as_bytes()));
        return Ok(Outcome::NotFound);
    };
    let mut out = stdout().lock();
    if raw {
        out.write_all(&value)?;
    } else {
        writeln!(out, "{}", escape(&value))?;
    }
    out.flush()?;
    Ok(Outcome::Done)
}

pub(crate) fn delete(db: &Db, key: &str) -> CommandResult {
    db.delete(key)?;
    db.close()?;
    Ok(Outcome::Done)
}
