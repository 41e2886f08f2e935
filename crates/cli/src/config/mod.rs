//! One configuration: a TOML file, then the environment, then the command line. What comes later wins.

mod environment;
mod file;

use std::path::{PathBuf, absolute};

use siltstone::{DEFAULT_KEYSPACE, Durability, Settings};
use tracing_subscriber::filter::LevelFilter;

use crate::{
    args::Global,
    config::{environment::Environment, file::File},
    status::Usage,
};

/// What every command is told.
#[derive(Debug)]
pub(crate) struct Config {
    /// Directory of the database, as it was given.
    pub(crate) db: PathBuf,
    /// Name of the keyspace.
    pub(crate) keyspace: String,
    /// When a write is acknowledged; `None` leaves it to the settings of the database.
    pub(crate) durability: Option<Durability>,
    /// Whether a database or keyspace that does not exist may be created by a command that does so.
    pub(crate) may_create: bool,
    /// What is reported on standard error.
    pub(crate) log: LevelFilter,
    /// All settings of the engine; `None` takes those that the database has stored.
    pub(crate) settings: Option<Settings>,
}

impl Config {
    /// Puts the three together.
    ///
    /// # Errors
    ///
    /// [`Usage`], with the place that is wrong.
    pub(crate) fn load(options: &Global) -> Result<Config, Usage> {
        let environment = Environment::read(std::env::vars_os())?;
        let path = options.config.as_ref().or(environment.config.as_ref());
        let file = path.map_or(Ok(File::default()), |path| File::read(path))?;
        let keyspace = options.keyspace.clone().or(environment.keyspace).or(file.keyspace);
        let keyspace = keyspace.unwrap_or_else(|| DEFAULT_KEYSPACE.into());
        check_keyspace(&keyspace)?;
        let no_create = options.no_create || environment.no_create.unwrap_or(file.no_create);
        Ok(Config {
            db: options.db.clone().or(environment.db).or(file.db).unwrap_or_else(|| "data".into()),
            keyspace,
            durability: options.durability.or(environment.durability).or(file.durability),
            may_create: !no_create,
            log: options.log.or(environment.log).or(file.log).unwrap_or(LevelFilter::INFO),
            settings: file.settings,
        })
    }

    /// The directory of the database for messages: it must be found from anywhere.
    pub(crate) fn absolute_db(&self) -> PathBuf {
        absolute(&self.db).unwrap_or_else(|_| self.db.clone())
    }
}

/// The engine would refuse the name too, but only once there is a database.
fn check_keyspace(name: &str) -> Result<(), Usage> {
    const NAME_BYTES_MAX: usize = 255;
    if (1..=NAME_BYTES_MAX).contains(&name.len()) {
        return Ok(());
    }
    let what = format!("--keyspace: a keyspace's name has 1 to {NAME_BYTES_MAX} bytes, not {}", name.len());
    Err(Usage(what))
}
