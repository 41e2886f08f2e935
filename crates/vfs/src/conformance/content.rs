//! Checks of what is in files.

use std::{
    io::{self, ErrorKind, IoSlice},
    path::Path,
};

use super::{content_of, kind_of, list_checks, put};
use crate::{Advice, Fs};

list_checks!(
    reads_stop_at_the_end,
    reads_take_any_offset,
    writes_join_their_parts,
    empty_writes_change_nothing,
    overwriting_keeps_the_rest,
    opening_for_overwrite_keeps_content_and_length,
    holes_read_as_zeros,
    cutting_and_extending_zeroes,
    allocate_extends_with_zeros,
    allocate_keeps_content_and_never_shortens,
    absurd_offsets_are_refused,
    readers_see_what_writers_wrote,
    syncs_keep_content,
    advice_changes_nothing,
    some_bytes_are_available,
);

/// Longer than a page, so that it crosses two edges, and different everywhere nearby.
fn pattern() -> Vec<u8> {
    (0_u8..251).cycle().take(10_000).collect()
}

fn reads_stop_at_the_end(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    put(fs, &root.join("f"), b"12345")?;
    let file = fs.open(&root.join("f"))?;
    let mut buf = [9; 8];
    assert_eq!(file.read_at(&mut buf, 3)?, 2);
    assert_eq!(buf, [b'4', b'5', 9, 9, 9, 9, 9, 9]);
    assert_eq!(file.read_at(&mut buf, 5)?, 0);
    assert_eq!(file.read_at(&mut buf, 1 << 40)?, 0);
    assert_eq!(file.read_at(&mut [], 0)?, 0);
    assert_eq!(kind_of(file.read_exact_at(&mut buf, 3)), ErrorKind::UnexpectedEof);
    Ok(())
}

fn reads_take_any_offset(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    let pattern = pattern();
    put(fs, &root.join("f"), &pattern)?;
    let file = fs.open(&root.join("f"))?;
    for offset in [0, 1, 4095, 4096, 4097, 8191, 8192, 9999] {
        for len in [1, 2, 4096, 4097, 10_000] {
            let rest = pattern.get(offset..).unwrap_or_default();
            let expected = rest.get(..len).unwrap_or(rest);
            let mut buf = vec![0; expected.len()];
            file.read_exact_at(&mut buf, offset as u64)?;
            assert!(buf == expected, "offset={offset} len={len}");
        }
    }
    Ok(())
}

fn writes_join_their_parts(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    let pattern = pattern();
    let mut parts = vec![IoSlice::new(&[])];
    parts.extend(pattern.chunks(7).map(IoSlice::new));
    parts.insert(5, IoSlice::new(&[]));
    let file = fs.create(&root.join("f"))?;
    file.write_at(&parts, 0)?;
    assert_eq!(file.len()?, 10_000);
    assert!(content_of(fs, &root.join("f"))? == pattern);
    Ok(())
}

fn empty_writes_change_nothing(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    let file = fs.create(&root.join("f"))?;
    file.write_at(&[], 100)?;
    file.write_at(&[IoSlice::new(&[])], 100)?;
    file.write_at(&[IoSlice::new(&[]), IoSlice::new(&[])], 100)?;
    assert_eq!(file.len()?, 0);
    assert!(file.is_empty()?);
    Ok(())
}

fn overwriting_keeps_the_rest(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    let mut expected = pattern();
    let file = fs.create(&root.join("f"))?;
    file.write_at(&[IoSlice::new(&expected)], 0)?;
    for (offset, len) in [(0_usize, 1), (4000, 200), (4096, 4096), (9990, 20)] {
        let new = vec![255; len];
        file.write_at(&[IoSlice::new(&new)], offset as u64)?;
        expected.resize(expected.len().max(offset + len), 0);
        expected.iter_mut().skip(offset).take(len).for_each(|byte| *byte = 255);
        assert!(content_of(fs, &root.join("f"))? == expected, "offset={offset} len={len}");
    }
    Ok(())
}

fn opening_for_overwrite_keeps_content_and_length(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    let path = &root.join("f");
    put(fs, path, b"recycled")?;
    let file = fs.open_for_overwrite(path)?;
    assert_eq!(file.len()?, 8);
    file.write_at(&[IoSlice::new(b"RE")], 0)?;
    assert_eq!(content_of(fs, path)?, b"REcycled");
    Ok(())
}

fn holes_read_as_zeros(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    let file = fs.create(&root.join("f"))?;
    file.write_at(&[IoSlice::new(b"end")], 9000)?;
    file.write_at(&[IoSlice::new(b"start")], 0)?;
    let content = content_of(fs, &root.join("f"))?;
    assert!(content.starts_with(b"start") && content.ends_with(b"end"));
    assert!(content.iter().skip(5).take(9000 - 5).all(|&byte| byte == 0));
    Ok(())
}

fn cutting_and_extending_zeroes(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    for cut in [0, 1, 4095, 4096, 5000, 9999] {
        let path = &root.join(format!("f{cut}"));
        let mut expected = pattern();
        put(fs, path, &expected)?;
        let file = fs.open_for_overwrite(path)?;
        file.set_len(cut)?;
        assert_eq!(file.len()?, cut);
        file.set_len(10_000)?;
        let kept = usize::try_from(cut).map_err(io::Error::other)?;
        expected.iter_mut().skip(kept).for_each(|byte| *byte = 0);
        assert!(content_of(fs, path)? == expected, "cut={cut}");
    }
    Ok(())
}

fn allocate_extends_with_zeros(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    let file = fs.create(&root.join("f"))?;
    file.allocate(0, 0)?;
    assert_eq!(file.len()?, 0);
    file.write_at(&[IoSlice::new(b"x")], 0)?;
    file.allocate(100, 9000)?;
    assert_eq!(file.len()?, 9100);
    let content = content_of(fs, &root.join("f"))?;
    assert_eq!(content.first(), Some(&b'x'));
    assert!(content.iter().skip(1).all(|&byte| byte == 0));
    Ok(())
}

fn allocate_keeps_content_and_never_shortens(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    let pattern = pattern();
    put(fs, &root.join("f"), &pattern)?;
    fs.open_for_overwrite(&root.join("f"))?.allocate(0, 5000)?;
    assert!(content_of(fs, &root.join("f"))? == pattern);
    Ok(())
}

fn absurd_offsets_are_refused(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    let file = fs.create(&root.join("f"))?;
    kind_of(file.write_at(&[IoSlice::new(b"x")], u64::MAX));
    kind_of(file.write_at(&[IoSlice::new(b"x"), IoSlice::new(b"y")], u64::MAX));
    kind_of(file.allocate(u64::MAX, 1));
    kind_of(file.allocate(1, u64::MAX));
    kind_of(file.set_len(u64::MAX));
    assert_eq!(file.len()?, 0);
    Ok(())
}

fn readers_see_what_writers_wrote(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    let writer = fs.create(&root.join("f"))?;
    let reader = fs.open(&root.join("f"))?;
    assert!(reader.is_empty()?);
    for byte in 0..3 {
        writer.write_at(&[IoSlice::new(&[byte])], u64::from(byte))?;
        let mut read = [255];
        reader.read_exact_at(&mut read, u64::from(byte))?;
        assert_eq!(read, [byte]);
        assert_eq!(reader.len()?, u64::from(byte) + 1);
    }
    Ok(())
}

fn syncs_keep_content(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    let file = fs.create(&root.join("f"))?;
    file.sync_data()?;
    file.write_at(&[IoSlice::new(b"a")], 0)?;
    file.sync_data()?;
    file.sync_data()?;
    file.write_at(&[IoSlice::new(b"b")], 1)?;
    file.sync_all()?;
    assert_eq!(content_of(fs, &root.join("f"))?, b"ab");
    Ok(())
}

fn advice_changes_nothing(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    let pattern = pattern();
    put(fs, &root.join("f"), &pattern)?;
    let file = fs.open(&root.join("f"))?;
    for advice in [Advice::Sequential, Advice::Random, Advice::WillNeed, Advice::DontNeed] {
        file.advise(0, 0, advice)?;
        file.advise(100, 5000, advice)?;
        file.advise(0, 1 << 30, advice)?;
    }
    assert!(content_of(fs, &root.join("f"))? == pattern);
    Ok(())
}

fn some_bytes_are_available(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    assert!(0 < fs.available_bytes(root)?);
    Ok(())
}
