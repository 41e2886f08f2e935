//! `import`: writes the records of a file.

use std::{
    collections::BTreeMap,
    fmt,
    io::{BufRead as _, Write as _},
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context as _, anyhow, bail};
use indicatif::{ProgressBar, ProgressStyle};
use siltstone::{Clock as _, Db, Durability, Keyspace, OsClock, WriteBatch};
use siltstone_types::limits::check_key;

use crate::{
    CommandResult,
    config::Config,
    figures::count,
    formats::{Format, Record},
    input::Input,
    interrupt::Interrupt,
    open,
    output::Output,
    status::Outcome,
};

/// A batch is written when it has this many bytes, however few records it holds.
const BATCH_BYTES_MAX: usize = 8 << 20;

/// What to import, and how.
#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    /// The file, or - for standard input
    file: PathBuf,
    /// What its lines are [default: jsonl for a name that ends in .jsonl, else tsv]
    #[arg(long, value_name = "FORMAT", value_parser = Format::lossless())]
    format: Option<Format>,
    /// Records that become visible together
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    batch: u32,
}

/// Writes the records of a file, a batch at a time, and syncs once at the end.
pub(crate) fn run(config: &Config, arguments: &Arguments) -> CommandResult {
    let Arguments { file, format, batch } = arguments;
    let is_jsonl = file.extension().is_some_and(|ending| ending == "jsonl");
    let format = format.unwrap_or(if is_jsonl { Format::Jsonl } else { Format::Tsv });
    // Before a database is created for a file that is not there.
    let mut source = Source::new(Input::open(file)?);
    let interrupt = Interrupt::listen().context("cannot listen for Ctrl-C")?;
    let started = OsClock.monotonic();
    let db = open::for_writing(config)?;
    let mut sink = Sink::new(config, &db, *batch)?;
    let progress = progress(&source);
    let imported = copy(&mut source, format, &mut sink, &interrupt, &progress);
    progress.finish_and_clear();
    // After a wrong line, too, what is imported is imported: dropping the database closes it.
    let end = imported?;
    db.sync()?;
    let seconds = OsClock.monotonic().saturating_sub(started).as_secs_f64();
    db.close()?;
    if end == End::Interrupted {
        bail!(
            "interrupted; imported and synced: {}; import all again to complete them",
            count(sink.written, "record")
        );
    }
    print_summary(sink.records, sink.bytes, seconds)?;
    Ok(Outcome::Done)
}

/// Why no more is imported.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    OfInput,
    Interrupted,
}

fn copy(
    source: &mut Source,
    format: Format,
    sink: &mut Sink<'_>,
    interrupt: &Interrupt,
    progress: &ProgressBar,
) -> anyhow::Result<End> {
    while source.next_line()? {
        let wrong = |what: &dyn fmt::Display| source.wrong(what, sink.written);
        let record = format.parse(source.text()).map_err(|what| wrong(&what))?;
        // The database would refuse such a key too, but does not know the line.
        record.entry.iter().try_for_each(|(key, _)| check_key(key)).map_err(|error| wrong(&error))?;
        sink.add(&record).map_err(|error| source.wrong(&error, sink.written))?;
        progress.set_position(source.bytes);
        if sink.is_full() {
            sink.write()?;
            if interrupt.is_asked() {
                return Ok(End::Interrupted);
            }
        }
    }
    sink.write()?;
    Ok(End::OfInput)
}

/// The lines to import.
struct Source {
    input: Input,
    line: Vec<u8>,
    /// Lines read.
    number: u64,
    /// Bytes read.
    bytes: u64,
}

impl Source {
    fn new(input: Input) -> Source {
        Source { input, line: Vec::new(), number: 0, bytes: 0 }
    }

    /// Reads one line; false at the end.
    fn next_line(&mut self) -> anyhow::Result<bool> {
        self.line.clear();
        let read = self.input.reader.read_until(b'\n', &mut self.line);
        let read = read.with_context(|| format!("reading {} failed", self.input.name))?;
        self.number += 1;
        self.bytes += read as u64;
        Ok(read > 0)
    }

    /// The line, without its end.
    fn text(&self) -> &[u8] {
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        line.strip_suffix(b"\r").unwrap_or(line)
    }

    fn wrong(&self, what: &dyn fmt::Display, written: u64) -> anyhow::Error {
        let Source { input: Input { name, .. }, number, .. } = self;
        if written == 0 {
            anyhow!("{name} line {number}: {what}; nothing was imported")
        } else {
            anyhow!("{name} line {number}: {what}; imported before it: {}", count(written, "record"))
        }
    }
}

/// Where the records go.
struct Sink<'a> {
    config: &'a Config,
    db: &'a Db,
    durability: Durability,
    keyspace: Keyspace,
    /// Those that lines have named.
    keyspaces: BTreeMap<String, Keyspace>,
    batch: WriteBatch,
    batch_records: u32,
    /// Records that were read, and those of them that were written.
    records: u64,
    written: u64,
    /// Of keys and values.
    bytes: u64,
}

impl<'a> Sink<'a> {
    fn new(config: &'a Config, db: &'a Db, batch_records: u32) -> anyhow::Result<Sink<'a>> {
        Ok(Sink {
            config,
            db,
            // One sync at the end does for all, unless somebody wants more.
            durability: config.durability.unwrap_or(Durability::Buffered),
            keyspace: open::keyspace_for_writing(config, db)?,
            keyspaces: BTreeMap::new(),
            batch: WriteBatch::new(),
            batch_records,
            records: 0,
            written: 0,
            bytes: 0,
        })
    }

    fn add(&mut self, record: &Record<'_>) -> anyhow::Result<()> {
        let keyspace = match &record.keyspace {
            None => &self.keyspace,
            Some(name) => {
                let name: &str = name;
                if !self.keyspaces.contains_key(name) {
                    let keyspace = open::named_for_writing(self.config, self.db, name)?;
                    self.keyspaces.insert(name.to_owned(), keyspace);
                }
                self.keyspaces.get(name).unwrap_or(&self.keyspace)
            }
        };
        if let Some((key, value)) = &record.entry {
            self.batch.put_in(keyspace, key, value);
            self.records += 1;
            self.bytes += (key.len() + value.len()) as u64;
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.batch.len() >= self.batch_records || self.batch.bytes() >= BATCH_BYTES_MAX
    }

    fn write(&mut self) -> anyhow::Result<()> {
        self.db.write_with(&mut self.batch, self.durability)?;
        self.written = self.records;
        Ok(())
    }
}

/// A bar on a terminal, nothing elsewhere.
fn progress(source: &Source) -> ProgressBar {
    let (bar, template) = match source.input.bytes {
        Some(bytes) => (
            ProgressBar::new(bytes),
            "{wide_bar} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} eta {eta}",
        ),
        None => (ProgressBar::no_length(), "{spinner} {decimal_bytes} {decimal_bytes_per_sec}"),
    };
    // A template that is wrong leaves the default one.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn print_summary(records: u64, bytes: u64, seconds: f64) -> anyhow::Result<()> {
    let (records_per_s, mb_per_s) = (records as f64 / seconds, bytes as f64 / seconds / 1e6);
    let mut out = Output::new();
    writeln!(
        out,
        "imported {}, {} in {seconds:.3} s: {records_per_s:.0} records/s, {mb_per_s:.1} MB/s",
        count(records, "record"),
        count(bytes, "byte")
    )?;
    out.flush()?;
    Ok(())
}
