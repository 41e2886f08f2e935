//! Opens the database that the configuration names, and the keyspace in it.

use std::fmt::Write as _;

use anyhow::anyhow;
use siltstone::{Builder, Db, Error, Keyspace, WriteBatch};

use crate::{config::Config, nearest::nearest, text::escape};

/// For commands that may create the database.
pub(crate) fn for_writing(config: &Config) -> anyhow::Result<Db> {
    open(config, |builder| builder.create_if_missing(config.may_create))
}

/// For commands that change a database but never create one.
pub(crate) fn existing(config: &Config) -> anyhow::Result<Db> {
    open(config, |builder| builder.create_if_missing(false))
}

/// For commands that change nothing: they write no byte, and do not need the lock.
pub(crate) fn for_reading(config: &Config) -> anyhow::Result<Db> {
    open(config, |builder| builder.read_only(true))
}

fn open(config: &Config, way: impl FnOnce(Builder) -> Builder) -> anyhow::Result<Db> {
    let mut builder = Db::builder(&config.db);
    if let Some(settings) = &config.settings {
        builder = builder.settings(settings.clone());
    }
    match way(builder).open() {
        Ok(db) => {
            report_recovery(&db);
            Ok(db)
        }
        Err(Error::NotFound { .. }) => Err(anyhow!(
            "there is no database at {}; name another one with --db, or create it with put or import",
            config.absolute_db().display()
        )),
        Err(error) => Err(error.into()),
    }
}

/// Says what opening recovered.
fn report_recovery(db: &Db) {
    let recovery = db.recovery();
    if recovery.records > 0 || recovery.dropped_bytes > 0 {
        tracing::info!(
            records = recovery.records,
            bytes = recovery.bytes,
            dropped_bytes = recovery.dropped_bytes,
            milliseconds = recovery.duration.as_millis(),
            "recovered what was not closed"
        );
    }
}

/// The configured keyspace, for commands that may create it.
pub(crate) fn keyspace_for_writing(config: &Config, db: &Db) -> anyhow::Result<Keyspace> {
    named_for_writing(config, db, &config.keyspace)
}

/// A keyspace that may be created, unless the configuration forbids it.
pub(crate) fn named_for_writing(config: &Config, db: &Db, name: &str) -> anyhow::Result<Keyspace> {
    if config.may_create { Ok(db.keyspace(name)?) } else { named(config, db, name) }
}

/// The configured keyspace, which must exist.
pub(crate) fn existing_keyspace(config: &Config, db: &Db) -> anyhow::Result<Keyspace> {
    named(config, db, &config.keyspace)
}

fn named(config: &Config, db: &Db, name: &str) -> anyhow::Result<Keyspace> {
    let names = db.keyspaces()?;
    if names.iter().any(|known| known == name) {
        return Ok(db.keyspace(name)?);
    }
    let mut what = format!(
        "there is no keyspace {} in the database at {}; ",
        escape(name.as_bytes()),
        config.absolute_db().display()
    );
    // Writing to a string cannot fail.
    let _ = match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => write!(what, "did you mean {}?", escape(near.as_bytes())),
        None => write!(what, "the command keyspaces lists those there are"),
    };
    Err(anyhow!(what))
}

/// Writes a batch as durably as the configuration says, or else the database's settings.
pub(crate) fn write(config: &Config, db: &Db, batch: &mut WriteBatch) -> siltstone::Result<()> {
    let receipt = match config.durability {
        Some(durability) => db.write_with(batch, durability),
        None => db.write(batch),
    };
    receipt.map(|_| ())
}
