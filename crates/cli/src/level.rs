//! `--log`: the one place that knows how a level is written.

use tracing_subscriber::filter::LevelFilter;

/// Reads the name of a level.
///
/// # Errors
///
/// What would be right.
pub(crate) fn parse(text: &str) -> Result<LevelFilter, String> {
    text.parse().map_err(|_| "write off, error, warn, info, debug or trace".to_owned())
}
