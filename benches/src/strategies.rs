//! The strategies that can be named on the command line, and their parameters.

use anyhow::{Context as _, Result, anyhow};
use siltstone_compaction::{CompactionStrategy, Fifo, LazyLeveled, Leveled, SizeTiered};

use crate::{given::Given, nearest::unknown};

/// Makes a strategy. Tables end at so many bytes unless something else is given.
type Make = fn(&mut Given, u64) -> Result<Box<dyn CompactionStrategy>>;

/// A strategy that has a name here.
struct Named {
    name: &'static str,
    /// As they are called in Rust.
    parameters: &'static [&'static str],
    make: Make,
}

/// `"name", what it is by default, [fields that can be set]`. A field `table_bytes_max` is set from the command line's
/// size of tables as well. `+ [names]` are parameters that the default itself takes from `given`.
macro_rules! named {
    ($name:literal, |$given:ident| $default:expr, [$($field:ident),*] $(+ [$($also:literal),*])?) => {
        Named {
            name: $name,
            parameters: &[$($($also,)*)? $(stringify!($field)),*],
            make: |$given, table_bytes| {
                let mut strategy = $default;
                $(preset(stringify!($field), &mut strategy.$field, table_bytes);)*
                $($given.set(stringify!($field), &mut strategy.$field)?;)*
                Ok(Box::new(strategy))
            },
        }
    };
}

/// One line for each.
#[rustfmt::skip]
const STRATEGIES: &[Named] = &[
    named!("leveled", |given| leveled(given)?, [ratio, base_bytes, last_level, table_bytes_max, level0_runs, level0_merge_runs_min, moves, tombstone_percent_min, tombstone_age_ms_max, hot_reads_min] + ["boundary_percent_min", "overlap_bytes_max"]),
    named!("size-tiered", |given| size_tiered(given)?, [runs_min, runs_max, merge_runs_min, merge_runs_max, similarity, size_ratio_percent, space_amplification_percent_max, table_bytes_max] + ["tiers"]),
    named!("lazy-leveled", |_given| LazyLeveled::default(), [ratio, last_level, merge_runs_max, table_bytes_max, tombstone_percent_min, tombstone_age_ms_max]),
    named!("fifo", |_given| Fifo::default(), [bytes_max, age_ms_max]),
];

/// `tiers=8` stands for a set of parameters, of which single ones may be replaced.
fn size_tiered(given: &mut Given) -> Result<SizeTiered> {
    Ok(given.take("tiers")?.map_or_else(SizeTiered::default, SizeTiered::tiers))
}

/// Where tables may end early is a part of its own of the strategy.
fn leveled(given: &mut Given) -> Result<Leveled> {
    let mut leveled = Leveled::default();
    given.set("boundary_percent_min", &mut leveled.cuts.boundary_percent_min)?;
    given.set("overlap_bytes_max", &mut leveled.cuts.overlap_bytes_max)?;
    Ok(leveled)
}

fn preset<T: 'static>(field: &str, value: &mut T, table_bytes: u64) {
    if field == "table_bytes_max"
        && let Some(value) = (value as &mut dyn std::any::Any).downcast_mut::<u64>()
    {
        *value = table_bytes;
    }
}

/// A strategy as it was asked for. Holding one means that it can be made.
#[derive(Debug)]
pub struct Chosen {
    /// Its name and what was given, as typed.
    pub text: String,
    table_bytes: u64,
}

impl Chosen {
    /// Reads `NAME`, or `NAME,PARAMETER=VALUE` with as many parameters as one likes.
    pub fn parse(text: &str, table_bytes: u64) -> Result<Chosen> {
        make(text, table_bytes)?;
        Ok(Chosen { text: text.to_owned(), table_bytes })
    }

    /// A new one, which has seen no tree.
    pub fn make(&self) -> Result<Box<dyn CompactionStrategy>> {
        make(&self.text, self.table_bytes)
    }
}

fn make(text: &str, table_bytes: u64) -> Result<Box<dyn CompactionStrategy>> {
    let (name, parameters) = text.split_once(',').unwrap_or((text, ""));
    let names: Vec<&str> = STRATEGIES.iter().map(|named| named.name).collect();
    let found = STRATEGIES.iter().find(|named| named.name == name);
    let found = found.ok_or_else(|| anyhow!(unknown("strategy", name, &names)))?;
    let mut given = Given::parse(parameters)?;
    given.check(found.parameters).with_context(|| format!("strategy `{name}`"))?;
    (found.make)(&mut given, table_bytes).with_context(|| format!("strategy `{name}`"))
}

/// The strategies and their parameters, for the help.
pub fn help() -> String {
    let line = |named: &Named| {
        let parameters: Vec<String> = named.parameters.iter().map(|field| field.replace('_', "-")).collect();
        format!("\n  {}: {}", named.name, parameters.join(", "))
    };
    let lines: String = STRATEGIES.iter().map(line).collect();
    format!("Strategies and their parameters; `max` is the highest number there is:{lines}")
}

/// Every strategy as it comes.
pub fn all(table_bytes: u64) -> Result<Vec<Chosen>> {
    STRATEGIES.iter().map(|named| Chosen::parse(named.name, table_bytes)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(text: &str) -> String {
        format!("{:?}", Chosen::parse(text, 5 << 20).unwrap().make().unwrap())
    }

    fn refused(text: &str) -> String {
        format!("{:#}", Chosen::parse(text, 0).unwrap_err())
    }

    #[test]
    fn every_strategy_can_be_made_by_its_name_alone() {
        assert_eq!(all(1 << 20).unwrap().len(), STRATEGIES.len());
        assert!(help().contains("\n  size-tiered: tiers, runs-min, "), "{}", help());
    }

    #[test]
    fn parameters_replace_defaults() {
        let expected = SizeTiered { table_bytes_max: 5 << 20, ..SizeTiered::default() };
        assert_eq!(made("size-tiered"), format!("{expected:?}"));
        let expected = SizeTiered { runs_min: 7, table_bytes_max: 1 << 20, ..SizeTiered::tiers(8) };
        assert_eq!(made("size-tiered,table-bytes-max=1MiB,runs-min=7,tiers=8"), format!("{expected:?}"));
    }

    #[test]
    fn what_nobody_knows_is_refused_with_what_was_meant() {
        assert_eq!(refused("size-tired"), "there is no strategy `size-tired`; did you mean `size-tiered`?");
        assert_eq!(
            refused("size-tiered,run-min=4"),
            "strategy `size-tiered`: there is no parameter `run-min`; did you mean `runs-min`?"
        );
        assert!(refused("size-tiered,nonsense=4").contains("there are tiers, runs-min"));
        assert_eq!(
            refused("size-tiered,runs-min=many"),
            "strategy `size-tiered`: `runs-min=many`: it is not a number"
        );
        assert_eq!(refused("size-tiered,runs-min"), "`runs-min` is not of the form PARAMETER=VALUE");
        assert_eq!(refused("size-tiered,runs-min=1,runs-min=2"), "`runs-min` is given twice");
    }
}
