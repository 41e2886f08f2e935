//! The shell on piped input: no prompt, replies in order, flushed at once.

use std::io::{BufRead, Write};

use anyhow::Context as _;
use siltstone::Db;

use crate::shell::{
    input::{self, LINE_BYTES_MAX, Next},
    plain::Plain,
    printer::Printer as _,
    run::{Flow, OnError, Session, Start},
};

/// What failed, when it is not the command but its reply.
const WRITING: &str = "writing a reply failed";

/// Answers every line of the input. Returns how many were answered with an error.
pub(crate) fn run(db: &Db, start: Start, mut input: impl BufRead, out: impl Write) -> anyhow::Result<u64> {
    let mut session = Session::new(db, start, OnError::Spoil);
    let mut printer = Plain { out };
    let mut line = Vec::new();
    loop {
        let flow = match input::read_line(&mut input, &mut line, LINE_BYTES_MAX)
            .context("reading standard input failed")?
        {
            Next::End => Flow::End,
            Next::Line => session.run(&line, &mut printer).context(WRITING)?,
            Next::TooLong => {
                let what =
                    format!("the line has more than {LINE_BYTES_MAX} bytes, which no key and value need");
                session.refuse(what, &mut printer).context(WRITING)?;
                Flow::Continue
            }
        };
        printer.flush().context(WRITING)?;
        if flow == Flow::End {
            break;
        }
    }
    if let Some(writes @ 1..) = session.collected() {
        tracing::warn!(writes, "the input ended between begin and commit, so nothing of that was applied");
    }
    Ok(session.errors())
}
