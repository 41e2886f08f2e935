//! What this process takes of memory and processors, as Linux counts it.

use std::{fs, time::Duration};

use crate::Outcome;

/// The most bytes that were resident since the process began, or since [`forget_peak`].
///
/// # Errors
///
/// Where there is no `/proc`.
pub fn peak_bytes() -> Outcome<u64> {
    status_bytes("VmHWM:")
}

/// The bytes that are resident now.
///
/// # Errors
///
/// Where there is no `/proc`.
pub fn resident_bytes() -> Outcome<u64> {
    status_bytes("VmRSS:")
}

fn status_bytes(field: &str) -> Outcome<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kibibytes: u64 = line
        .ok_or_else(|| format!("no {field} in /proc/self/status"))?
        .trim()
        .trim_end_matches(" kB")
        .parse()?;
    Ok(kibibytes << 10)
}

/// Lets the peak begin anew from what is resident now (`clear_refs` in proc(5)).
///
/// # Errors
///
/// Where there is no `/proc`, or it may not be written.
pub fn forget_peak() -> Outcome {
    Ok(fs::write("/proc/self/clear_refs", "5")?)
}

/// Time on processors, of all threads since the process began, to a hundredth of a second.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct CpuTime {
    /// In the program.
    pub user: Duration,
    /// In the kernel on its behalf.
    pub system: Duration,
}

/// What it took so far.
///
/// # Errors
///
/// Where there is no `/proc`.
pub fn cpu_time() -> Outcome<CpuTime> {
    parse_stat(&fs::read_to_string("/proc/self/stat")?).ok_or_else(|| "no times in /proc/self/stat".into())
}

/// The 14th and 15th field of proc(5). The second is the program's name, which may hold anything, in brackets.
fn parse_stat(stat: &str) -> Option<CpuTime> {
    let (_, behind_name) = stat.rsplit_once(')')?;
    let mut fields = behind_name.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    // Linux counts hundredths for programs, whatever it counts for itself.
    Some(CpuTime { user: Duration::from_millis(ticks()? * 10), system: Duration::from_millis(ticks()? * 10) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_any_name() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 100 0 0 0 250 31 0 0 20 0 1 0 100 0 0";
        let expected = CpuTime { user: Duration::from_millis(2_500), system: Duration::from_millis(310) };
        assert_eq!(parse_stat(stat), Some(expected));
        assert_eq!(parse_stat("7 (a) S 1"), None);
    }

    #[test]
    fn the_peak_is_not_below_what_is_resident() {
        assert!(resident_bytes().unwrap() <= peak_bytes().unwrap());
    }
}
