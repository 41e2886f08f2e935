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

/// Bytes that the process wrote since it began.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Written {
    /// Given to write calls of any kind, into files and elsewhere.
    pub write_calls: u64,
    /// Made dirty in pages of files, or written around them: what is bound for a disk. A page that is dirty already is not counted again.
    pub dirtied: u64,
}

/// What it wrote so far (`io` in proc(5)).
///
/// # Errors
///
/// Where there is no `/proc`.
pub fn written() -> Outcome<Written> {
    parse_io(&fs::read_to_string("/proc/self/io")?)
        .ok_or_else(|| "no wchar and write_bytes in /proc/self/io".into())
}

fn parse_io(io: &str) -> Option<Written> {
    let field = |name: &str| io.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    Some(Written { write_calls: field("wchar:")?, dirtied: field("write_bytes:")? })
}

/// For how long the calling thread was ready to run so far and waited for a processor, because others had them (`schedstat` of Linux's scheduler statistics). Zero where nobody
/// counts it.
pub fn waited() -> Duration {
    fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|stat| parse_schedstat(&stat))
        .unwrap_or_default()
}

/// Nanoseconds on a processor, nanoseconds of waiting for one, and how often.
fn parse_schedstat(stat: &str) -> Option<Duration> {
    Some(Duration::from_nanos(stat.split_whitespace().nth(1)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_the_second_number() {
        assert_eq!(parse_schedstat("123 4567 8\n"), Some(Duration::from_nanos(4_567)));
        assert_eq!(parse_schedstat("123"), None);
    }

    #[test]
    fn times_are_found_behind_any_name() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 100 0 0 0 250 31 0 0 20 0 1 0 100 0 0";
        let expected = CpuTime { user: Duration::from_millis(2_500), system: Duration::from_millis(310) };
        assert_eq!(parse_stat(stat), Some(expected));
        assert_eq!(parse_stat("7 (a) S 1"), None);
    }

    #[test]
    fn what_is_written_is_counted() {
        let io = "rchar: 5\nwchar: 7\nsyscr: 1\nread_bytes: 0\nwrite_bytes: 4096\ncancelled_write_bytes: 1\n";
        assert_eq!(parse_io(io), Some(Written { write_calls: 7, dirtied: 4096 }));
        assert_eq!(parse_io("rchar: 5\n"), None);
        let before = written().unwrap();
        fs::write("/dev/null", [0; 5_000]).unwrap();
        assert!(written().unwrap().write_calls >= before.write_calls + 5_000);
    }

    #[test]
    fn the_peak_is_not_below_what_is_resident() {
        assert!(resident_bytes().unwrap() <= peak_bytes().unwrap());
    }
}
