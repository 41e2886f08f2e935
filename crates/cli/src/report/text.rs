//! The figures as the command `stats` prints them: one a line, in words.

use std::fmt;

use crate::{
    figures::{count, mb, moment},
    report::{Amplification, Keyspace, Level, Report, SinceOpen},
    text::escape,
};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { sequence, memtable, tables, .. } = self;
        writeln!(f, "last sequence number  {sequence}")?;
        let (keys, bytes, mb) =
            (count(memtable.keys, "key"), count(memtable.bytes, "byte"), mb(memtable.bytes));
        writeln!(f, "memtable              {keys}, {bytes} ({mb:.3} MB)")?;
        let bytes = count(tables.bytes, "byte");
        writeln!(f, "tables                {}, {bytes} ({:.3} MB)", tables.count, tables.mb)?;
        self.levels.iter().try_for_each(|level| level.fmt(f))?;
        self.keyspaces.iter().try_for_each(|keyspace| keyspace.fmt(f))?;
        self.amplification.fmt(f)?;
        writeln!(f, "since this process opened the database:")?;
        self.since_open.fmt(f)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (runs, tables) = (count(self.runs, "run"), count(self.tables, "table"));
        let (bytes, entries) = (count(self.bytes, "byte"), count(self.entries, "entry"));
        write!(
            f,
            "  level {}: {runs}, {tables}, {bytes}, {} before compression, ",
            self.number, self.raw_bytes
        )?;
        writeln!(f, "{entries}, {} of them deletes", self.tombstones)
    }
}

impl fmt::Display for Keyspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = escape(self.name.as_bytes());
        let (keys, kept) = (count(self.memtable_keys, "key"), count(self.memtable_bytes, "byte"));
        let (runs, tables) = (count(self.runs, "run"), count(self.tables, "table"));
        write!(f, "  keyspace {name}: {keys} and {kept} in memory, {runs}, {tables}, ")?;
        writeln!(f, "{}", count(self.bytes, "byte"))
    }
}

impl fmt::Display for Amplification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let write = self.write.map_or_else(
            || "unknown: nothing was written since this process opened the database".to_owned(),
            |ratio| format!("{ratio:.2} since this process opened the database"),
        );
        writeln!(f, "write amplification   {write}")?;
        writeln!(f, "read amplification    {} at most for a lookup", count(self.read, "run"))?;
        let space = match (self.live_bytes, self.space, self.space_estimate) {
            (Some(_), Some(exact), _) => format!("{exact:.2}"),
            (Some(_), None, _) => "unknown: there are no keys".to_owned(),
            (None, _, Some(estimate)) => format!("about {estimate:.2}; --exact reads everything to tell"),
            (None, _, None) => "unknown: there are no tables".to_owned(),
        };
        writeln!(f, "space amplification   {space}")
    }
}

impl fmt::Display for SinceOpen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each = self
            .tables_read_per_get
            .map_or_else(String::new, |read| format!(", {read:.2} tables read for each"));
        writeln!(f, "  lookups             {}{each}", self.gets)?;
        writeln!(f, "  filter hits         {} not read", count(self.filter_hits, "table"))?;
        let misses = count(self.filter_misses, "table");
        writeln!(f, "  filter misses       {misses} read, {} in vain", self.filter_false_positives)?;
        let rate =
            self.filter_hit_rate.map_or_else(|| "none yet".into(), |rate| format!("{:.1} %", rate * 100.0));
        writeln!(f, "  filter hit rate     {rate}")?;
        let (cached, read) = (self.blocks_from_cache, self.blocks_from_file);
        writeln!(f, "  blocks              {cached} from the cache, {read} from files")?;
        let (entries, batches) = (count(self.entries_written, "entry"), count(self.batches, "batch"));
        writeln!(f, "  written             {entries} in {batches}, {}", count(self.user_bytes, "byte"))?;
        writeln!(f, "  log                 {}", count(self.log_bytes, "byte"))?;
        writeln!(f, "  flushes             {}, {}", self.flushes, count(self.flush_bytes, "byte"))?;
        writeln!(f, "  compactions         {}, {}", self.compactions, count(self.compaction_bytes, "byte"))?;
        writeln!(f, "  keys removed        {}", self.keys_removed)?;
        writeln!(f, "  bytes reclaimed     {}", self.bytes_reclaimed)?;
        let last = self.last_compaction_unix_ms.map_or_else(|| "none yet".into(), moment);
        writeln!(f, "  last compaction     {last}")
    }
}
