//! Runs commands against a database, and says through a printer what came of them.

use std::{io, ops::Bound};

use siltstone::{Db, Durability, Error, KeyValue, Keyspace, WriteBatch};
use siltstone_types::limits::BATCH_BYTES_MAX;

use crate::{
    advice,
    report::work,
    shell::{
        catalogue::CATALOGUE,
        facts,
        line::{self, Bytes, Command, Order, Selection},
        printer::Printer,
    },
    words::to_word,
    write::Write,
};

/// What the command line asked for.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    /// The keyspace to begin in.
    pub(crate) keyspace: Keyspace,
    /// When writes are acknowledged; as the database's settings say where it is `None`.
    pub(crate) durability: Option<Durability>,
    pub(crate) unknown_keyspaces: UnknownKeyspaces,
}

/// What `use` does with a keyspace that does not exist.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum UnknownKeyspaces {
    Create,
    Refuse,
}

impl UnknownKeyspaces {
    /// As `--no-create` says.
    pub(crate) fn from_no_create(no_create: bool) -> UnknownKeyspaces {
        if no_create { UnknownKeyspaces::Refuse } else { UnknownKeyspaces::Create }
    }
}

/// What an error does to the writes that are being collected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum OnError {
    /// Commit then refuses them: a program that sends lines ahead has not seen the error, and must not get half of what it asked for.
    Spoil,
    /// They stay: a person sees the error, and decides.
    Keep,
}

/// Whether the shell goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Flow {
    Continue,
    End,
}

/// A database, a keyspace of it, and the writes that are being collected.
#[derive(Debug)]
pub(crate) struct Session<'db> {
    db: &'db Db,
    start: Start,
    keyspace: Keyspace,
    collected: Option<Collected>,
    on_error: OnError,
    errors: u64,
}

/// Writes between begin and commit.
#[derive(Default, Debug)]
struct Collected {
    batch: WriteBatch,
    /// The first error since begin, if it matters.
    spoiled: Option<String>,
}

/// Why a command could not be carried out.
enum Failure {
    /// What is answered.
    Reply(String),
    /// Nobody can be answered any more.
    Output(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Output(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Reply(advice::message(&error.into()))
    }
}

impl From<siltstone_types::Error> for Failure {
    fn from(error: siltstone_types::Error) -> Failure {
        Error::from(error).into()
    }
}

fn refuse<T>(what: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Reply(what.into()))
}

impl<'db> Session<'db> {
    /// A session that nobody has typed anything in yet.
    pub(crate) fn new(db: &'db Db, start: Start, on_error: OnError) -> Session<'db> {
        let keyspace = start.keyspace.clone();
        Session { db, start, keyspace, collected: None, on_error, errors: 0 }
    }

    /// Runs the command of a line, and writes the reply, which is not flushed. An error that is answered is no failure of this.
    pub(crate) fn run(&mut self, line: &[u8], printer: &mut impl Printer) -> io::Result<Flow> {
        let outcome = match line::parse(line) {
            Ok(None) => return Ok(Flow::Continue),
            Ok(Some(Command::Exit)) => return Ok(Flow::End),
            Ok(Some(command)) => self.perform(command, printer),
            Err(error) => refuse(error.to_string()),
        };
        match outcome {
            Ok(()) => Ok(Flow::Continue),
            Err(Failure::Output(error)) => Err(error),
            Err(Failure::Reply(what)) => self.refuse(what, printer).map(|()| Flow::Continue),
        }
    }

    /// Answers with an error.
    pub(crate) fn refuse(&mut self, what: String, printer: &mut impl Printer) -> io::Result<()> {
        self.errors += 1;
        printer.error(&what)?;
        if self.on_error == OnError::Spoil
            && let Some(collected) = &mut self.collected
        {
            collected.spoiled.get_or_insert(what);
        }
        Ok(())
    }

    /// How many lines were answered with an error.
    pub(crate) const fn errors(&self) -> u64 {
        self.errors
    }

    /// The keyspace in use.
    pub(crate) const fn keyspace(&self) -> &Keyspace {
        &self.keyspace
    }

    /// How many writes are being collected; `None` outside of begin and commit.
    pub(crate) fn collected(&self) -> Option<u32> {
        self.collected.as_ref().map(|collected| collected.batch.len())
    }

    fn perform(&mut self, command: Command<'_>, printer: &mut impl Printer) -> Result<(), Failure> {
        match command {
            Command::Write(writes) => self.write(&writes, printer)?,
            Command::Get(key) => match self.keyspace.get(key)? {
                Some(value) => printer.value(&value)?,
                None => printer.word("(not found)")?,
            },
            Command::Scan(selection) => self.scan(&selection, printer)?,
            Command::Begin => self.begin(printer)?,
            Command::Commit => self.commit(printer)?,
            Command::Abort => match self.collected.take() {
                Some(_) => printer.word("OK")?,
                None => return refuse("there is nothing to abort; begin comes first"),
            },
            Command::Stats => printer.facts(&facts::of_stats(&self.db.stats()?))?,
            Command::Compact => printer.sentence(&work::of_compaction(&self.db.compact()?))?,
            Command::Flush => self.db.flush().map_err(Failure::from).and_then(|()| ok(printer))?,
            Command::Sync => self.db.sync().map_err(Failure::from).and_then(|()| ok(printer))?,
            Command::Verify => {
                let report = self.db.verify()?;
                if !report.damages.is_empty() {
                    return refuse(work::of_damages(&report));
                }
                printer.sentence(&work::of_verification(&report))?;
            }
            Command::Use(name) => self.use_keyspace(&name, printer)?,
            Command::Keyspaces => printer.keyspaces(&self.db.keyspaces()?, self.keyspace.name())?,
            Command::Ping => printer.word("PONG")?,
            Command::Help(None) => printer.commands(CATALOGUE)?,
            Command::Help(Some(entry)) => printer.command(entry)?,
            // Ends the session before it comes here.
            Command::Exit => {}
        }
        Ok(())
    }

    fn scan(&self, selection: &Selection<'_>, printer: &mut impl Printer) -> Result<(), Failure> {
        let included = |key: &Option<Bytes<'_>>| match key {
            Some(key) => Bound::Included(key.to_vec()),
            None => Bound::Unbounded,
        };
        let range = match &selection.prefix {
            Some(prefix) => self.keyspace.prefix(prefix),
            None => self.keyspace.range((included(&selection.start), included(&selection.end))),
        };
        let limit = selection.limit.unwrap_or(usize::MAX);
        let count = match selection.order {
            Order::Ascending => print_rows(range.take(limit), printer)?,
            Order::Descending => print_rows(range.rev().take(limit), printer)?,
        };
        Ok(printer.end_of_rows(count)?)
    }

    fn use_keyspace(&mut self, name: &str, printer: &mut impl Printer) -> Result<(), Failure> {
        if self.start.unknown_keyspaces == UnknownKeyspaces::Refuse
            && !self.db.keyspaces()?.iter().any(|known| known == name)
        {
            let name = to_word(name.as_bytes());
            return refuse(format!("there is no keyspace {name}, and --no-create forbids to create one"));
        }
        self.keyspace = self.db.keyspace(name)?;
        ok(printer)
    }

    fn begin(&mut self, printer: &mut impl Printer) -> Result<(), Failure> {
        if self.collected.is_some() {
            return refuse("writes are being collected already; commit or abort them first");
        }
        self.collected = Some(Collected::default());
        ok(printer)
    }

    fn commit(&mut self, printer: &mut impl Printer) -> Result<(), Failure> {
        let Some(mut collected) = self.collected.take() else {
            return refuse("there is nothing to commit; begin comes first");
        };
        if let Some(error) = collected.spoiled {
            return refuse(format!("nothing was applied, because of an error since begin: {error}"));
        }
        self.apply(&mut collected.batch)?;
        ok(printer)
    }

    /// Applies writes as one batch, or adds them to those that are being collected: all of them, or none.
    fn write(&mut self, writes: &[Write<'_>], printer: &mut impl Printer) -> Result<(), Failure> {
        writes.iter().try_for_each(Write::check)?;
        if let Some(collected) = &mut self.collected {
            let bytes = writes.iter().map(Write::bytes_max).sum::<usize>() + collected.batch.bytes();
            if bytes > BATCH_BYTES_MAX {
                return refuse(format!(
                    "the collected writes have {bytes} bytes, the limit is {BATCH_BYTES_MAX}; commit what there is"
                ));
            }
            writes.iter().for_each(|write| write.add_to(&mut collected.batch, &self.keyspace));
            return Ok(printer.word("QUEUED")?);
        }
        let mut batch = WriteBatch::new();
        writes.iter().for_each(|write| write.add_to(&mut batch, &self.keyspace));
        self.apply(&mut batch)?;
        ok(printer)
    }

    fn apply(&self, batch: &mut WriteBatch) -> Result<(), Failure> {
        match self.start.durability {
            Some(durability) => self.db.write_with(batch, durability)?,
            None => self.db.write(batch)?,
        };
        Ok(())
    }
}

fn ok(printer: &mut impl Printer) -> Result<(), Failure> {
    Ok(printer.word("OK")?)
}

fn print_rows(
    entries: impl Iterator<Item = siltstone::Result<KeyValue>>,
    printer: &mut impl Printer,
) -> Result<u64, Failure> {
    let mut count = 0;
    for entry in entries {
        let (key, value) = entry?;
        printer.row(&key, &value)?;
        count += 1;
    }
    Ok(count)
}
