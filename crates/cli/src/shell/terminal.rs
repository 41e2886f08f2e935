//! The shell on a terminal: prompt, line editing, history, completion, colours.

use std::{
    env,
    io::{BufWriter, Write as _, stdout},
};

use anyhow::Context as _;
use rustyline::{
    CompletionType, Config, Editor,
    error::{ReadlineError, Signal},
    history::DefaultHistory,
};
use siltstone::Db;

use crate::{
    figures::count,
    shell::{
        complete::Completion,
        history,
        pretty::{Colours, Pretty},
        printer::Printer as _,
        run::{Flow, OnError, Session, Start},
    },
};

/// Talks to a person until that person leaves. Returns how many lines were answered with an error.
pub(crate) fn run(db: &Db, start: Start) -> anyhow::Result<u64> {
    let colours = wanted_colours();
    let mut session = Session::new(db, start, OnError::Keep);
    let mut printer = Pretty::new(BufWriter::new(stdout()), colours);
    let mut editor = editor(&session, db)?;
    let history = history::file();
    if let Some(path) = &history {
        // It does not exist before the first session ends.
        let _ = editor.load_history(path);
    }
    writeln!(printer.out, "siltstone {}. help lists the commands.", env!("CARGO_PKG_VERSION"))?;
    loop {
        printer.flush()?;
        if let Some(completion) = editor.helper_mut() {
            completion.keyspace = session.keyspace().clone();
        }
        let flow = match editor.readline(&prompt(&session, colours)) {
            Ok(line) => session.run(line.as_bytes(), &mut printer)?,
            // Ctrl-C abandons the line only.
            Err(ReadlineError::Interrupted | ReadlineError::Signal(Signal::Resize)) => Flow::Continue,
            Err(ReadlineError::Eof) => Flow::End,
            Err(error) => return Err(error).context("reading from the terminal failed"),
        };
        if flow == Flow::End {
            break;
        }
    }
    if let Some(writes @ 1..) = session.collected() {
        writeln!(printer.out, "not committed, and forgotten: {}", count(writes.into(), "write"))?;
    }
    printer.flush()?;
    if let Some(path) = &history
        && let Err(error) = editor.append_history(path)
    {
        tracing::warn!(path = %path.display(), %error, "the history could not be kept");
    }
    Ok(session.errors())
}

fn editor(session: &Session<'_>, db: &Db) -> anyhow::Result<Editor<Completion, DefaultHistory>> {
    let config = Config::builder()
        .max_history_size(history::LINES_MAX)?
        .history_ignore_dups(true)?
        // For what should not be kept.
        .history_ignore_space(true)
        .auto_add_history(true)
        .completion_type(CompletionType::List)
        .build();
    let mut editor = Editor::with_config(config)?;
    editor.set_helper(Some(Completion { db: db.clone(), keyspace: session.keyspace().clone() }));
    Ok(editor)
}

/// The prompt without and with colours: it names the keyspace unless that is the default one, and a star says that writes are being collected.
fn prompt(session: &Session<'_>, colours: Colours) -> (String, String) {
    let name = session.keyspace().name();
    let keyspace =
        if name == siltstone::DEFAULT_KEYSPACE { String::new() } else { format!(":{}", name.escape_debug()) };
    let star = if session.collected().is_some() { "*" } else { "" };
    let plain = format!("siltstone{keyspace}{star}> ");
    let painted = match colours {
        Colours::Yes => format!("\x1b[1;34m{plain}\x1b[0m"),
        Colours::No => plain.clone(),
    };
    (plain, painted)
}

/// Colours, unless `NO_COLOR` is set (<https://no-color.org>) or the terminal has none.
fn wanted_colours() -> Colours {
    let forbidden = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
    if forbidden || is_dumb { Colours::No } else { Colours::Yes }
}
