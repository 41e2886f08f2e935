//! A pseudo-terminal with a program in it.
//!
//! Whatever is typed is typed after the program has shown that it is ready for it. Nothing here depends on how fast the machine is.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    os::fd::OwnedFd,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
};

use rustix::{
    fs::{Mode, OFlags},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};

use crate::shell::PATIENCE;

/// A terminal with a program in it.
pub(crate) struct Terminal {
    pub(crate) child: Child,
    keyboard: File,
    output: Receiver<Vec<u8>>,
    /// Everything that was shown so far.
    pub(crate) raw: Vec<u8>,
    /// How much of it, without control sequences, was looked at.
    seen: usize,
}

/// Output without control sequences; one that is not complete yet is left out.
fn without_sequences(raw: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut bytes = raw.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte == 0x1b {
            // ESC [ ... and one byte from @ to ~, or ESC and one byte.
            if bytes.next() == Some(b'[') {
                bytes.by_ref().find(|byte| (0x40..=0x7e).contains(byte));
            }
        } else {
            text.push(byte);
        }
    }
    text
}

/// Both ends of a pseudo-terminal of 80 columns.
fn pseudo_terminal() -> (OwnedFd, OwnedFd) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&ours, size).unwrap();
    (ours, theirs)
}

impl Terminal {
    /// Starts a program on a terminal of its own.
    pub(crate) fn start(mut command: Command) -> Terminal {
        let (ours, theirs) = pseudo_terminal();
        let end = || Stdio::from(theirs.try_clone().unwrap());
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        // With it go the copies of the other end, so that output ends when the program does.
        drop(command);
        drop(theirs);
        let keyboard = File::from(ours);
        let mut screen = keyboard.try_clone().unwrap();
        let (send, output) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // Linux reports an error at the end.
            while let Ok(len @ 1..) = screen.read(&mut buffer) {
                if send.send(buffer[..len].to_vec()).is_err() {
                    break;
                }
            }
        });
        Terminal { child, keyboard, output, raw: Vec::new(), seen: 0 }
    }

    pub(crate) fn type_keys(&mut self, keys: &[&str]) {
        self.keyboard.write_all(keys.concat().as_bytes()).unwrap();
    }

    /// Waits until a text is shown behind what was looked at already. Returns what stands in front of it.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        loop {
            let shown = without_sequences(&self.raw);
            let fresh = &shown[self.seen..];
            if let Some(at) = fresh.windows(text.len()).position(|window| window == text.as_bytes()) {
                let before = String::from_utf8(fresh[..at].to_vec()).unwrap();
                self.seen += at + text.len();
                return before;
            }
            let more = self.output.recv_timeout(PATIENCE);
            assert!(more.is_ok(), "{more:?}, not {text:?}, behind {:?}", String::from_utf8_lossy(fresh));
            self.raw.extend(more.unwrap());
        }
    }

    /// Waits for the end. Returns the exit status.
    #[track_caller]
    pub(crate) fn status(&mut self) -> Option<i32> {
        // The output ends with the program.
        while let Ok(more) = self.output.recv_timeout(PATIENCE) {
            self.raw.extend(more);
        }
        self.child.wait().unwrap().code()
    }
}
