//! What the shell's `stats` says: pairs of a name and a figure.

use siltstone::Stats;

use crate::{
    figures::moment,
    report::{Level, Report, SinceOpen},
};

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

/// The figures of a database, those of the command `stats` without `--exact`.
pub(crate) fn of_stats(stats: &Stats) -> Vec<Fact> {
    let Report { memtable, tables, levels, keyspaces, amplification, since_open, .. } =
        Report::new(stats, None);
    let sum = |of: fn(&Level) -> u64| levels.iter().map(of).sum::<u64>();
    let mut facts = vec![
        fact("keyspaces", keyspaces.len()),
        fact("memtable keys", memtable.keys),
        fact("memtable bytes", memtable.bytes),
        fact("tables", tables.count),
        fact("levels", levels.len()),
        fact("runs", sum(|level| level.runs)),
        fact("table keys", sum(|level| level.entries)),
        fact("tombstones", sum(|level| level.tombstones)),
        fact("table bytes", tables.bytes),
        fact("total MB", format!("{:.3}", tables.mb)),
        fact("write amplification", decimal(amplification.write)),
        fact("read amplification", amplification.read),
        fact("estimated space amplification", decimal(amplification.space_estimate)),
    ];
    facts.extend(since_opening(&since_open));
    facts
}

fn since_opening(since: &SinceOpen) -> [Fact; 14] {
    let rate = since.filter_hit_rate.map_or_else(|| "-".to_owned(), |rate| format!("{:.1} %", 100.0 * rate));
    [
        fact("gets", since.gets),
        fact("tables read per get", decimal(since.tables_read_per_get)),
        fact("filter hits", since.filter_hits),
        fact("filter misses", since.filter_misses),
        fact("filter hit rate", rate),
        fact("false positives", since.filter_false_positives),
        fact("blocks from cache", since.blocks_from_cache),
        fact("blocks from file", since.blocks_from_file),
        fact("writes", since.entries_written),
        fact("flushes", since.flushes),
        fact("compactions", since.compactions),
        fact("keys removed", since.keys_removed),
        fact("bytes reclaimed", since.bytes_reclaimed),
        fact("last compaction", since.last_compaction_unix_ms.map_or_else(|| "never".to_owned(), moment)),
    ]
}

fn decimal(figure: Option<f64>) -> String {
    figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.2}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_of_the_database() {
        let db = siltstone::Db::builder("in-memory").in_memory().open().unwrap();
        let figure = |name: &str| {
            let facts = of_stats(&db.stats().unwrap());
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
        // Both tables hold both keys, so the larger one has half of all data.
        assert!(figure("estimated space amplification").parse::<f64>().unwrap() >= 2.0);
        assert_eq!(figure("read amplification"), "2");
        db.compact().unwrap();
        assert_eq!((&*figure("compactions"), &*figure("keys removed")), ("1", "2"));
        assert!(figure("last compaction").ends_with('Z'));
        assert_eq!(answers("table bytes"), db.stats().unwrap().file_bytes());
    }
}
