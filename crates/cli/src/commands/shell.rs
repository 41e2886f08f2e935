//! `shell`: commands from a terminal or a pipe.

use crate::{
    CommandResult,
    config::Config,
    open,
    shell::{self, Start, UnknownKeyspaces},
    status::Outcome,
};

/// What can be said to `shell`.
#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    /// End with status 3 when a line was answered with an error
    #[arg(long)]
    strict: bool,
}

/// Runs the shell, then closes the database.
pub(crate) fn run(config: &Config, arguments: &Arguments) -> CommandResult {
    let db = open::for_writing(config)?;
    let start = Start {
        keyspace: open::keyspace_for_writing(config, &db)?,
        durability: config.durability,
        unknown_keyspaces: UnknownKeyspaces::from_no_create(!config.may_create),
    };
    let errors = shell::run(&db, start)?;
    db.close()?;
    if arguments.strict && errors > 0 {
        anyhow::bail!("lines answered with an error: {errors}");
    }
    Ok(Outcome::Done)
}
