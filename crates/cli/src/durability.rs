//! `--durability`: the one place that knows how a durability is written.

use siltstone::Durability;

/// Reads `sync`, `buffered` or `interval:MS`.
///
/// # Errors
///
/// What is wrong, and what would be right.
pub(crate) fn parse(text: &str) -> Result<Durability, String> {
    match text.split_once(':') {
        None if text == "sync" => Ok(Durability::Sync),
        None if text == "buffered" => Ok(Durability::Buffered),
        Some(("interval", ms)) => match ms.parse() {
            Ok(ms) if ms > 0 => Ok(Durability::Interval { ms }),
            _ => Err(format!(
                "`{ms}` is no number of milliseconds above 0; write interval:MS, as interval:100"
            )),
        },
        _ => Err("write sync, buffered or interval:MS".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_exactly() {
        assert_eq!(parse("sync"), Ok(Durability::Sync));
        assert_eq!(parse("buffered"), Ok(Durability::Buffered));
        assert_eq!(parse("interval:100"), Ok(Durability::Interval { ms: 100 }));
        for wrong in ["", "Sync", "sync ", "buffered:1", "interval", "interval:", "interval:0", "interval:-1"]
        {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
