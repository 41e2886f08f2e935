//! Multi-figure replies as pairs of a name and a figure.

use std::fmt::Write as _;

use siltstone::{CompactionReport, Stats, VerifyReport};

/// A figure and what it counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Fact {
    pub(crate) name: &'static str,
    pub(crate) figure: String,
}

#[expect(clippy::needless_pass_by_value, reason = "figures are small, and most are literals of a call")]
fn fact(name: &'static str, figure: impl ToString) -> Fact {
    Fact { name, figure: figure.to_string() }
}

/// What `stats` says of a database with so many keyspaces.
pub(crate) fn of_stats(stats: &Stats, keyspaces: usize) -> Vec<Fact> {
    let (reads, writes) = (&stats.reads, &stats.writes);
    let (hits, misses) = (reads.filter_skips, reads.tables_read);
    let written_bytes = writes.log_bytes + writes.flush_bytes + writes.compaction_bytes;
    let sum = |of: fn(&siltstone::LevelStats) -> u64| stats.levels.values().map(of).sum::<u64>();
    vec![
        fact("keyspaces", keyspaces),
        fact("memtable keys", stats.memtable_entries),
        fact("memtable bytes", stats.memtable_bytes),
        fact("tables", stats.tables()),
        fact("levels", stats.levels.len()),
        fact("runs", sum(|level| level.runs)),
        fact("table keys", sum(|level| level.entries)),
        fact("tombstones", sum(|level| level.tombstones)),
        fact("table bytes", stats.file_bytes()),
        fact("total MB", ratio(stats.file_bytes(), 1_000_000, 3)),
        fact("gets", reads.gets),
        fact("filter hits", hits),
        fact("filter misses", misses),
        fact("filter hit rate", percentage(hits, hits + misses)),
        fact("false positives", reads.filter_false_positives),
        fact("blocks from cache", reads.blocks_from_cache),
        fact("blocks from file", reads.blocks_from_file),
        fact("read amplification", ratio(misses, reads.gets, 2)),
        fact("writes", writes.entries),
        fact("write amplification", ratio(written_bytes, writes.user_bytes, 2)),
        fact("flushes", writes.flushes),
        fact("compactions", writes.compactions),
        fact("keys removed", writes.entries_removed),
        fact("bytes reclaimed", writes.bytes_reclaimed),
        fact("last compaction", moment(writes.last_compaction_unix_ms)),
    ]
}

/// What `compact` says.
pub(crate) fn of_compaction(report: &CompactionReport) -> Vec<Fact> {
    vec![
        fact("tables before", report.tables_before),
        fact("tables after", report.tables_after),
        fact("keys removed", report.entries_removed),
        fact("bytes reclaimed", report.bytes_reclaimed),
        fact("seconds", format!("{:.3}", report.duration.as_secs_f64())),
    ]
}

/// What `verify` says when nothing is damaged.
pub(crate) fn of_verification(report: &VerifyReport) -> Vec<Fact> {
    vec![
        fact("files", report.files),
        fact("bytes", report.bytes),
        fact("damaged", report.damages.len()),
        fact("foreign files", report.foreign.len()),
    ]
}

/// What is damaged, file by file; `None` when nothing is.
pub(crate) fn damage(report: &VerifyReport) -> Option<String> {
    if report.damages.is_empty() {
        return None;
    }
    let mut text = format!("{} of {} files are damaged", report.damages.len(), report.files);
    for (number, damage) in report.damages.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = write!(text, "{} {}", if number == 0 { ":" } else { ";" }, damage.error);
    }
    Some(text)
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn ratio(part: u64, of: u64, decimals: usize) -> String {
    if of == 0 { "-".to_owned() } else { format!("{:.decimals$}", part as f64 / of as f64) }
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn percentage(part: u64, of: u64) -> String {
    if of == 0 { "-".to_owned() } else { format!("{:.1} %", 100.0 * part as f64 / of as f64) }
}

/// A moment in UTC, to the second.
fn moment(unix_ms: u64) -> String {
    if unix_ms == 0 {
        return "never".to_owned();
    }
    let (days, second) = (unix_ms / 86_400_000, unix_ms / 1000 % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Year, month and day of the Gregorian calendar, so many days after 1 January 1970.
fn date(mut days: u64) -> (u64, u64, u64) {
    let is_leap =
        |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    // Every 400 years have as many days.
    let mut year = 1970 + days / 146_097 * 400;
    days %= 146_097;
    loop {
        let days_of_year = 365 + u64::from(is_leap(year));
        if days < days_of_year {
            break;
        }
        days -= days_of_year;
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for days_of_month in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < days_of_month {
            break;
        }
        days -= days_of_month;
        month += 1;
    }
    (year, month, days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_dates() {
        // As `date -u -d @SECONDS` has them.
        for (seconds, text) in [
            (1, "1970-01-01T00:00:01Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (1_735_689_600, "2025-01-01T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(moment(seconds * 1000 + 999), text);
        }
        assert_eq!(moment(0), "never");
    }

    #[test]
    fn a_ratio_to_nothing_is_a_dash() {
        assert_eq!((ratio(1, 0, 2), percentage(0, 0)), ("-".to_owned(), "-".to_owned()));
        assert_eq!((ratio(3, 2, 2), percentage(1, 3)), ("1.50".to_owned(), "33.3 %".to_owned()));
    }

    #[test]
    fn figures_are_those_of_the_database() {
        let db = siltstone::Db::builder("in-memory").in_memory().open().unwrap();
        let figure = |name: &str| {
            let facts = of_stats(&db.stats().unwrap(), db.keyspaces().unwrap().len());
            facts.into_iter().find(|fact| fact.name == name).unwrap().figure
        };
        assert_eq!(
            (&*figure("memtable keys"), &*figure("tables"), &*figure("last compaction")),
            ("0", "0", "never")
        );
        assert_eq!((&*figure("filter hit rate"), &*figure("write amplification")), ("-", "-"));
        for round in ["1", "2"] {
            db.put("k", round).unwrap();
            db.put("l", round).unwrap();
            db.flush().unwrap();
        }
        assert_eq!((&*figure("memtable keys"), &*figure("tables"), &*figure("table keys")), ("0", "2", "4"));
        db.get("k").unwrap();
        db.get("kk").unwrap();
        assert_eq!(figure("gets"), "2");
        // The absent key lies between the others, and both tables are asked for it.
        let answers = |name: &str| figure(name).parse::<u64>().unwrap();
        assert_eq!(answers("filter hits") + answers("filter misses"), 3);
        let report = of_compaction(&db.compact().unwrap());
        let text: Vec<_> = report.iter().map(|fact| format!("{} {}", fact.name, fact.figure)).collect();
        assert_eq!(text[..3], ["tables before 2", "tables after 1", "keys removed 2"]);
        assert_eq!((&*figure("compactions"), &*figure("keys removed")), ("1", "2"));
        assert!(figure("last compaction").ends_with('Z'));
        assert_eq!(answers("table bytes"), db.stats().unwrap().file_bytes());
    }
}
