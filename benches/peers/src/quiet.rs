//! Waits until a store has nothing to do in the background, for stores that do not say so, or not reliably.

use std::{thread, time::Duration};

use anyhow::{Result, anyhow, bail};
use siltstone::{Clock as _, OsClock};
use siltstone_benches::process;

/// For so long nothing may be written: a merge writes its buffers more often.
const QUIET: Duration = Duration::from_millis(200);

/// Waits until the store is not busy and the process has written nothing for 200 ms. Returns how long it took until the last sign of work.
///
/// # Errors
///
/// When it takes more than ten minutes, where there is no `/proc`, and those of asking the store.
pub(crate) fn wait(began: Duration, is_busy: impl Fn() -> Result<bool>) -> Result<Duration> {
    let written = || process::written().map_err(|error| anyhow!("{error}"));
    let mut last = written()?;
    let mut last_sign = OsClock.monotonic();
    loop {
        let now = written()?;
        if now != last || is_busy()? {
            (last, last_sign) = (now, OsClock.monotonic());
        }
        if OsClock.monotonic().saturating_sub(last_sign) >= QUIET {
            return Ok(last_sign.saturating_sub(began));
        }
        if OsClock.monotonic().saturating_sub(began) > Duration::from_mins(10) {
            bail!("the store is still at work after ten minutes");
        }
        thread::sleep(Duration::from_millis(2));
    }
}
