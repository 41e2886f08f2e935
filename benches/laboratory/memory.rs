//! What this process takes, as Linux counts it.

use std::fs;

use super::Outcome;

/// The most bytes that were resident since the process began, or since [`forget_peak`].
pub(crate) fn peak_bytes() -> Outcome<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes: u64 =
        line.ok_or("no VmHWM in /proc/self/status")?.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes << 10)
}

/// Lets the peak begin anew from what is resident now (`clear_refs` in proc(5)).
pub(crate) fn forget_peak() -> Outcome {
    Ok(fs::write("/proc/self/clear_refs", "5")?)
}
