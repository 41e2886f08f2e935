//! The shape of a workload: what is written and read, how often, of which sizes; derived from a trace, or known by name.

use anyhow::{Result, anyhow};
use siltstone_benches::{
    nearest::unknown,
    units::{grouped, number},
};

use crate::{skew, trace::Trace};

/// How keys are written.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Writes {
    /// New keys, each behind all before it.
    Append,
    /// New keys in random order.
    Insert,
    /// Keys that are there, with this skew.
    Overwrite(f64),
}

/// How keys are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reads {
    /// Keys that are there.
    Get,
    /// Keys that are not.
    Miss,
    /// Ranges.
    Scan,
}

/// A workload, as far as advice depends on it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Shape {
    /// What it is called, or what is known of the trace.
    pub(crate) words: Vec<String>,
    pub(crate) writes: Writes,
    /// Writes in a hundred operations.
    pub(crate) write_percent: u32,
    /// Deletes in a hundred writes.
    pub(crate) delete_percent: u32,
    pub(crate) reads: Reads,
    /// Skew of the reads.
    pub(crate) reads_skew: f64,
    pub(crate) key_bytes: u64,
    pub(crate) value_bytes: u64,
}

/// Below this, keys are taken to be used equally often: nothing in a tree depends on so little.
const SKEW_MIN: f64 = 0.3;

/// A workload by its name: name, what it is, writes, how many in a hundred operations, reads, and skew of the reads.
type Named = (&'static str, &'static str, Writes, u32, Reads, f64);

/// Those of `cargo xtask bench` that differ in what a tree makes of them.
const NAMED: &[Named] = &[
    ("fillseq", "new keys in ascending order", Writes::Append, 100, Reads::Get, 0.0),
    ("fillrandom", "new keys in random order", Writes::Insert, 100, Reads::Get, 0.0),
    ("overwrite", "random keys written again and again", Writes::Overwrite(0.0), 100, Reads::Get, 0.0),
    ("deleterandom", "random keys deleted", Writes::Overwrite(0.0), 100, Reads::Get, 0.0),
    ("readrandom", "random keys read", Writes::Overwrite(0.0), 0, Reads::Get, 0.0),
    ("readmissing", "keys looked up that are not there", Writes::Overwrite(0.0), 0, Reads::Miss, 0.0),
    ("seekrandom", "short ranges read", Writes::Overwrite(0.0), 0, Reads::Scan, 0.0),
    ("readwhilewriting", "random keys read and written", Writes::Overwrite(0.0), 50, Reads::Get, 0.0),
    ("ycsb-a", "50 % reads, 50 % writes, zipfian", Writes::Overwrite(0.99), 50, Reads::Get, 0.99),
    ("ycsb-b", "95 % reads, 5 % writes, zipfian", Writes::Overwrite(0.99), 5, Reads::Get, 0.99),
    ("ycsb-c", "reads, zipfian", Writes::Overwrite(0.99), 0, Reads::Get, 0.99),
    ("ycsb-d", "95 % reads, 5 % inserts", Writes::Insert, 5, Reads::Get, 0.99),
    ("ycsb-e", "95 % ranges, 5 % inserts", Writes::Insert, 5, Reads::Scan, 0.99),
    ("ycsb-f", "reads, half of them written again, zipfian", Writes::Overwrite(0.99), 33, Reads::Get, 0.99),
];

/// The workloads by name, for the help.
pub(crate) fn help() -> String {
    let lines = NAMED.iter().map(|(name, about, ..)| format!("\n  {name}: {about}"));
    format!("Workloads:{}", lines.collect::<String>())
}

impl Shape {
    /// A workload by its name, with values of so many bytes.
    pub(crate) fn named(name: &str, value_bytes: u64) -> Result<Shape> {
        let names: Vec<&str> = NAMED.iter().map(|named| named.0).collect();
        let found = NAMED.iter().find(|named| named.0 == name);
        let (_, about, writes, write_percent, reads, reads_skew) =
            *found.ok_or_else(|| anyhow!(unknown("workload", name, &names)))?;
        Ok(Shape {
            words: vec![format!("workload {name}: {about}, keys of 16 bytes, values of {value_bytes}")],
            writes,
            write_percent,
            delete_percent: if name == "deleterandom" { 100 } else { 0 },
            reads,
            reads_skew,
            key_bytes: 16,
            value_bytes,
        })
    }

    /// What a trace does.
    pub(crate) fn of(trace: &Trace) -> Shape {
        let writes_skew = usable(skew::skew(trace.writes_by_key()));
        let reads_skew = usable(skew::skew(trace.reads_by_key()));
        let percent_of_puts = |count: u64| 100.0 * number(count) / number(trace.puts.max(1));
        let writes = if trace.puts > 0 && percent_of_puts(trace.appends) >= 90.0 {
            Writes::Append
        } else if trace.puts > 0 && percent_of_puts(trace.inserts) >= 90.0 {
            Writes::Insert
        } else {
            Writes::Overwrite(writes_skew)
        };
        let value_bytes = trace.value_bytes.iter().map(|bytes| u64::from(*bytes)).sum::<u64>();
        let written = trace.puts + trace.deletes;
        let mean = |sum: u64, default: u64| sum.checked_div(trace.puts).unwrap_or(default);
        let mut shape = Shape {
            words: Vec::new(),
            writes,
            write_percent: percent_of(written, trace.operations()),
            delete_percent: percent_of(trace.deletes, written),
            reads: if trace.scans > trace.gets { Reads::Scan } else { Reads::Get },
            reads_skew,
            key_bytes: mean(trace.key_bytes, 16).max(1),
            // A trace that only reads says nothing of sizes.
            value_bytes: mean(value_bytes, 100),
        };
        shape.words = describe(trace, &shape);
        shape
    }
}

/// Rounded down.
fn percent_of(part: u64, all: u64) -> u32 {
    (part * 100).checked_div(all).and_then(|percent| u32::try_from(percent).ok()).unwrap_or(0)
}

fn usable(skew: f64) -> f64 {
    if skew < SKEW_MIN { 0.0 } else { skew }
}

fn describe(trace: &Trace, shape: &Shape) -> Vec<String> {
    let all = trace.operations();
    let percent = |count: u64| format!("{:.0} %", 100.0 * number(count) / number(all));
    let mut words = vec![format!(
        "{} operations on {} distinct keys: {} puts, {} deletes, {} gets, {} scans",
        grouped(all),
        grouped(trace.keys()),
        percent(trace.puts),
        percent(trace.deletes),
        percent(trace.gets),
        percent(trace.scans)
    )];
    if trace.puts > 0 {
        words.push(sizes(trace, shape));
    }
    words.push(match shape.writes {
        _ if trace.puts + trace.deletes == 0 => {
            "nothing is written, so writing is simulated as random overwrites".to_owned()
        }
        Writes::Append => "new keys, nearly each behind all before it".to_owned(),
        Writes::Insert => "new keys, in no order".to_owned(),
        Writes::Overwrite(skew) => format!("writes go to keys that were written before, {}", skewed(skew)),
    });
    words.push(match shape.reads {
        _ if trace.gets + trace.scans == 0 => {
            "nothing is read, so reading is simulated as random gets".to_owned()
        }
        Reads::Scan => format!(
            "reads are mostly ranges, of {:.0} entries on average, {}",
            number(trace.scanned) / number(trace.scans.max(1)),
            skewed(shape.reads_skew)
        ),
        _ => format!("reads are mostly gets, {}", skewed(shape.reads_skew)),
    });
    words
}

fn sizes(trace: &Trace, shape: &Shape) -> String {
    let mut sizes = trace.value_bytes.clone();
    sizes.sort_unstable();
    let quantile = |percent: usize| sizes.get((sizes.len() - 1) * percent / 100).copied().unwrap_or(0);
    format!(
        "keys of {} bytes and values of {} on average; half of the values have {} or less, the largest {}",
        grouped(shape.key_bytes),
        grouped(shape.value_bytes),
        grouped(quantile(50).into()),
        grouped(quantile(100).into())
    )
}

fn skewed(skew: f64) -> String {
    if skew == 0.0 {
        "no key much more often than others".to_owned()
    } else if skew >= skew::SKEW_MAX {
        "some much more often than others (zipfian, skew 0.99 or more)".to_owned()
    } else {
        format!("some more often than others (zipfian, skew {skew:.2})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: impl Iterator<Item = String>) -> Shape {
        let text: Vec<String> = lines.collect();
        Shape::of(&Trace::parse(text.join("\n").as_bytes()).unwrap())
    }

    #[test]
    fn ascending_keys_are_appended_and_others_inserted() {
        let shape = of((0..1000).map(|number| format!("put k{number:05} 50")));
        assert_eq!((shape.writes, shape.write_percent, shape.delete_percent), (Writes::Append, 100, 0));
        assert_eq!((shape.key_bytes, shape.value_bytes), (6, 50));
        let shape = of((0..1000).map(|number| format!("put k{:05} 50", number * 7919 % 100_000)));
        assert_eq!(shape.writes, Writes::Insert);
    }

    #[test]
    fn overwrites_deletes_and_scans_are_seen() {
        let line = |number: u32| match number % 4 {
            0 => format!("put k{:03} {}", number / 4 * 37 % 100, number % 3 * 100),
            1 => format!("delete k{:03}", number / 4 * 53 % 100),
            2 => format!("get k{:03}", number / 4 * 71 % 100),
            _ => format!("scan k{:03} 20", number / 4 * 71 % 100),
        };
        let shape = of((0..4000).map(line).chain((0..10).map(|_| "scan k000 20".to_owned())));
        assert_eq!((shape.write_percent, shape.delete_percent, shape.reads), (49, 50, Reads::Scan));
        assert!(matches!(shape.writes, Writes::Overwrite(_)), "{shape:?}");
        let words = shape.words.join("\n");
        assert!(words.contains("4,010 operations on 100 distinct keys: 25 % puts, 25 % deletes"), "{words}");
        assert!(words.contains("of 20 entries on average"), "{words}");
    }

    #[test]
    fn one_popular_key_is_skew() {
        let shape = of((0..4000)
            .map(|number| format!("put k{:04} 8", if number % 2 == 0 { 0 } else { number * 7919 % 500 })));
        assert_eq!(shape.writes, Writes::Overwrite(skew::SKEW_MAX));
    }

    #[test]
    fn unknown_names_are_refused_with_the_names() {
        assert_eq!(Shape::named("ycsb-e", 100).unwrap().reads, Reads::Scan);
        let message = Shape::named("ycbs-a", 100).unwrap_err().to_string();
        assert_eq!(message, "there is no workload `ycbs-a`; did you mean `ycsb-a`?");
        let message = Shape::named("anything", 100).unwrap_err().to_string();
        assert!(message.contains("there are fillseq, fillrandom"), "{message}");
    }
}
