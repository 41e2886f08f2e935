//! Trees as text, for golden tests, logs and examples.
//!
//! A line for each level that holds tables: its number, and behind a `|` each of its runs, newest first: the
//! epoch, a colon, and the tables in key order. A table is `id=first..last`, then `*bytes` unless that is 1,
//! then `!tombstones` unless there are none:
//!
//! ```text
//! 0 | 9: 12=a..k | 8: 11=c..f 10=g..x*70!3
//! 1 | 4: 7=a..z*900
//! ```
//!
//! Keys are printable ASCII without spaces, `.`, `*`, `!` and `|`; other bytes are written as Rust escapes,
//! and not read back. A table that is read has as many entries as bytes, the same size before and after
//! compression, and its id as sequence number.

use std::{fmt::Write as _, sync::Arc};

use siltstone_types::SequenceNumber;

use crate::{Epoch, KeyRange, LEVELS_MAX, Level, Run, TableId, TableMeta, check_levels, levels_from_tables};

/// Reads levels.
///
/// # Errors
///
/// The word or line that is not understood, or the rule of [`check_levels`] that is broken.
pub fn parse_levels(text: &str) -> Result<Vec<Level>, String> {
    let mut tables = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut runs = line.split('|').map(str::trim);
        let level: u32 = number(runs.next().unwrap_or_default())?;
        if level >= LEVELS_MAX {
            return Err(format!("level {level} is not below the limit of {LEVELS_MAX}"));
        }
        for run in runs {
            let (epoch, words) =
                run.split_once(':').ok_or_else(|| format!("a run without a colon: {run}"))?;
            let epoch = Epoch(number(epoch)?);
            for word in words.split_whitespace() {
                tables.push((level, epoch, Arc::new(parse_table(word)?)));
            }
        }
    }
    let levels = levels_from_tables(tables);
    check_levels(&levels)?;
    Ok(levels)
}

fn parse_table(word: &str) -> Result<TableMeta, String> {
    let broken = || format!("not a table: {word}");
    let (id, rest) = word.split_once('=').ok_or_else(broken)?;
    let (rest, tombstones) = rest.split_once('!').unwrap_or((rest, "0"));
    let (range, bytes) = rest.split_once('*').unwrap_or((rest, "1"));
    let (first, last) = range.split_once("..").ok_or_else(broken)?;
    let (id, bytes) = (number(id)?, number(bytes)?);
    let sequence = SequenceNumber::new(id).ok_or_else(broken)?;
    let tombstones = number(tombstones)?;
    Ok(TableMeta {
        id: TableId(id),
        file_bytes: bytes,
        raw_bytes: bytes,
        entries: bytes.max(tombstones),
        tombstones,
        range: KeyRange::new(first, last),
        first_sequence: sequence,
        last_sequence: sequence,
        created_unix_ms: 0,
        oldest_tombstone_unix_ms: (tombstones > 0).then_some(0),
    })
}

fn number<N: std::str::FromStr>(word: &str) -> Result<N, String> {
    word.parse().map_err(|_| format!("not a number: {word}"))
}

/// Writes levels. [`parse_levels`] reads them.
pub fn render_levels(levels: &[Level]) -> String {
    let mut text = String::new();
    for (number, level) in levels.iter().enumerate().filter(|(_, level)| !level.runs.is_empty()) {
        text += &number.to_string();
        for run in &level.runs {
            render_run(run, &mut text);
        }
        text.push('\n');
    }
    text
}

fn render_run(run: &Run, text: &mut String) {
    // Writing to a string cannot fail.
    let _ = write!(text, " | {}:", run.epoch);
    for table in &run.tables {
        let KeyRange { first, last } = &table.range;
        let _ = write!(text, " {}={}..{}", table.id, first.escape_ascii(), last.escape_ascii());
        if table.file_bytes != 1 {
            let _ = write!(text, "*{}", table.file_bytes);
        }
        if table.tombstones > 0 {
            let _ = write!(text, "!{}", table.tombstones);
        }
    }
}
