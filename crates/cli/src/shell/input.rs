//! Reads lines of bytes, whatever their content, and holds no more of one than the longest command needs.

use std::io::{self, BufRead};

use siltstone_types::limits::BATCH_BYTES_MAX;

/// Longest line, in bytes: a value of the greatest length, with room for its key even when every byte of that is written as `\xHH`.
pub(crate) const LINE_BYTES_MAX: usize = BATCH_BYTES_MAX;

/// What the input holds next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Next {
    /// A line, which is now in the buffer, without its end. The last one may lack its newline.
    Line,
    /// A line longer than the limit, which was read to its end and thrown away.
    TooLong,
    /// Nothing.
    End,
}

/// Reads the next line, of at most so many bytes, into a buffer. A carriage return in front of the newline belongs to the line's end.
pub(crate) fn read_line(
    input: &mut impl BufRead,
    buffer: &mut Vec<u8>,
    bytes_max: usize,
) -> io::Result<Next> {
    buffer.clear();
    let mut is_too_long = false;
    let mut is_empty = true;
    loop {
        let available = match input.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            available => available?,
        };
        if available.is_empty() {
            break;
        }
        is_empty = false;
        let newline = available.iter().position(|&byte| byte == b'\n');
        let part = available.get(..newline.unwrap_or(available.len())).unwrap_or_default();
        if buffer.len() + part.len() > bytes_max {
            is_too_long = true;
            // The memory too: such a line is large.
            *buffer = Vec::new();
        }
        if !is_too_long {
            buffer.extend_from_slice(part);
        }
        let read = part.len() + usize::from(newline.is_some());
        input.consume(read);
        if newline.is_some() {
            break;
        }
    }
    if buffer.last() == Some(&b'\r') {
        buffer.pop();
    }
    Ok(match (is_empty, is_too_long) {
        (true, _) => Next::End,
        (false, true) => Next::TooLong,
        (false, false) => Next::Line,
    })
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    /// All lines, `None` for one that is too long, read through a buffer of so many bytes.
    fn lines(input: &[u8], capacity: usize, bytes_max: usize) -> Vec<Option<Vec<u8>>> {
        let mut input = BufReader::with_capacity(capacity, input);
        let (mut buffer, mut lines) = (Vec::new(), Vec::new());
        loop {
            match read_line(&mut input, &mut buffer, bytes_max).unwrap() {
                Next::Line => lines.push(Some(buffer.clone())),
                Next::TooLong => lines.push(None),
                Next::End => return lines,
            }
        }
    }

    #[test]
    fn lines_are_bytes_up_to_a_newline() {
        let some = |line: &[u8]| Some(line.to_vec());
        for capacity in [1, 2, 3, 7, 100] {
            let lines = |input: &[u8]| lines(input, capacity, 100);
            assert_eq!(lines(b""), []);
            assert_eq!(lines(b"\n"), [some(b"")]);
            assert_eq!(lines(b"a\n\nb"), [some(b"a"), some(b""), some(b"b")]);
            assert_eq!(lines(b"\xff\x00\r\r\n \r x\r\n"), [some(b"\xff\x00\r"), some(b" \r x")]);
        }
    }

    #[test]
    fn a_line_above_the_limit_is_skipped_and_the_next_one_read() {
        for capacity in [1, 2, 5, 11, 100] {
            let lines = |input: &[u8]| lines(input, capacity, 5);
            let next = Some(b"next".to_vec());
            assert_eq!(lines(b"12345\nnext\n"), [Some(b"12345".to_vec()), next.clone()], "{capacity}");
            assert_eq!(lines(b"123456\nnext"), [None, next.clone()], "{capacity}");
            assert_eq!(lines(b"12345678901234567890\nnext"), [None, next], "{capacity}");
            assert_eq!(lines(b"\n123456"), [Some(vec![]), None], "{capacity}");
        }
    }
}
