//! Runs a process to its end, or to the end of the time that it has.

use std::{
    io::{self, Read},
    process::{Child, Command, ExitStatus, Output, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow, bail};
use siltstone::{Clock as _, OsClock};

/// How long lies between two looks at a process.
const EVERY: Duration = Duration::from_millis(5);

/// Runs a command and returns what it printed. It is killed when it takes longer than it may, and that is an error.
pub(crate) fn output_within(command: &mut Command, time_max: Duration) -> Result<Output> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot run the cell")?;
    // Read while it runs: a pipe that is full would stop it.
    let stdout = child.stdout.take().map(read_beside);
    let stderr = child.stderr.take().map(read_beside);
    let ended = wait(&mut child, time_max);
    if !matches!(ended, Ok(Some(_))) {
        // It may have ended by itself just now.
        let _ = child.kill();
        child.wait().context("cannot end the cell")?;
    }
    let Some(status) = ended? else {
        bail!(
            "it took longer than {} s and was killed; `cell-seconds-max` of the matrix allows more",
            time_max.as_secs_f64()
        );
    };
    Ok(Output { status, stdout: joined(stdout)?, stderr: joined(stderr)? })
}

/// `None` when the time is over.
fn wait(child: &mut Child, time_max: Duration) -> Result<Option<ExitStatus>> {
    let began = OsClock.monotonic();
    loop {
        if let Some(status) = child.try_wait().context("cannot wait for the cell")? {
            return Ok(Some(status));
        }
        if OsClock.monotonic().saturating_sub(began) >= time_max {
            return Ok(None);
        }
        thread::sleep(EVERY);
    }
}

type Reading = thread::JoinHandle<io::Result<Vec<u8>>>;

fn read_beside(mut pipe: impl Read + Send + 'static) -> Reading {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes)?;
        Ok(bytes)
    })
}

fn joined(reading: Option<Reading>) -> Result<Vec<u8>> {
    let Some(reading) = reading else { return Ok(Vec::new()) };
    let bytes = reading.join().map_err(|_| anyhow!("the thread that reads from the cell has panicked"))?;
    bytes.context("cannot read what the cell printed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(script: &str, time_max: Duration) -> Result<Output> {
        output_within(Command::new("sh").args(["-c", script]), time_max)
    }

    #[test]
    fn what_takes_too_long_is_killed() {
        let began = OsClock.monotonic();
        let error = run("exec sleep 60", Duration::from_millis(100)).unwrap_err().to_string();
        assert!(error.contains("longer than 0.1 s") && error.contains("`cell-seconds-max`"), "{error}");
        assert!(OsClock.monotonic().saturating_sub(began) < Duration::from_secs(30));
    }

    #[test]
    fn more_than_a_pipe_holds_comes_through() {
        let output =
            run("head -c 1000000 /dev/zero; echo words >&2; exit 3", Duration::from_mins(1)).unwrap();
        assert_eq!((output.stdout.len(), output.stderr.as_slice()), (1_000_000, b"words\n".as_slice()));
        assert_eq!(output.status.code(), Some(3));
    }
}
