//! Checks of files' names, and of folders.

use std::{
    io::{self, ErrorKind, IoSlice},
    path::Path,
};

use super::{content_of, kind_of, list_checks, put};
use crate::{Fs, Metadata};

list_checks!(
    create_refuses_a_name_that_is_taken,
    opening_what_is_not_there_fails,
    a_missing_folder_is_not_made_on_the_way,
    a_file_is_no_folder,
    a_folder_is_no_file,
    metadata_tells_files_from_folders,
    rename_replaces,
    rename_keeps_open_handles,
    rename_refuses_to_mix_files_and_folders,
    rename_to_itself_changes_nothing,
    rename_moves_folders_with_their_content,
    rename_moves_between_folders,
    a_folder_cannot_move_into_itself,
    hard_links_share_content,
    hard_link_refuses_a_name_that_is_taken,
    a_removed_file_lives_on_in_its_handles,
    a_name_is_free_again_after_remove,
    list_is_sorted_and_has_full_paths,
    folders_are_made_with_their_parents,
    only_empty_folders_are_removed,
    folders_sync,
);

fn create_refuses_a_name_that_is_taken(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    put(fs, &root.join("f"), b"first")?;
    fs.create_dir_all(&root.join("d"))?;
    assert_eq!(kind_of(fs.create(&root.join("f"))), ErrorKind::AlreadyExists);
    assert_eq!(kind_of(fs.create(&root.join("d"))), ErrorKind::AlreadyExists);
    assert_eq!(content_of(fs, &root.join("f"))?, b"first");
    Ok(())
}

fn opening_what_is_not_there_fails(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    let gone = &root.join("gone");
    assert_eq!(kind_of(fs.open(gone)), ErrorKind::NotFound);
    assert_eq!(kind_of(fs.open_for_overwrite(gone)), ErrorKind::NotFound);
    assert_eq!(kind_of(fs.metadata(gone)), ErrorKind::NotFound);
    assert_eq!(kind_of(fs.remove(gone)), ErrorKind::NotFound);
    assert_eq!(kind_of(fs.rename(gone, &root.join("x"))), ErrorKind::NotFound);
    assert_eq!(kind_of(fs.hard_link(gone, &root.join("x"))), ErrorKind::NotFound);
    assert_eq!(kind_of(fs.list(gone)), ErrorKind::NotFound);
    assert_eq!(kind_of(fs.remove_dir(gone)), ErrorKind::NotFound);
    assert_eq!(kind_of(fs.sync_dir(gone)), ErrorKind::NotFound);
    assert_eq!(kind_of(fs.available_bytes(gone)), ErrorKind::NotFound);
    assert!(fs.list(root)?.is_empty());
    Ok(())
}

fn a_missing_folder_is_not_made_on_the_way(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    put(fs, &root.join("f"), b"")?;
    let path = &root.join("gone/f");
    assert_eq!(kind_of(fs.create(path)), ErrorKind::NotFound);
    assert_eq!(kind_of(fs.lock(path)), ErrorKind::NotFound);
    assert_eq!(kind_of(fs.rename(&root.join("f"), path)), ErrorKind::NotFound);
    assert_eq!(kind_of(fs.hard_link(&root.join("f"), path)), ErrorKind::NotFound);
    assert_eq!(fs.list(root)?, [root.join("f")]);
    Ok(())
}

fn a_file_is_no_folder(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    let file = &root.join("f");
    put(fs, file, b"")?;
    assert_eq!(kind_of(fs.create(&file.join("x"))), ErrorKind::NotADirectory);
    assert_eq!(kind_of(fs.open(&file.join("x"))), ErrorKind::NotADirectory);
    assert_eq!(kind_of(fs.list(file)), ErrorKind::NotADirectory);
    assert_eq!(kind_of(fs.sync_dir(file)), ErrorKind::NotADirectory);
    assert_eq!(kind_of(fs.remove_dir(file)), ErrorKind::NotADirectory);
    assert_eq!(kind_of(fs.create_dir_all(file)), ErrorKind::AlreadyExists);
    assert_eq!(kind_of(fs.create_dir_all(&file.join("x"))), ErrorKind::NotADirectory);
    Ok(())
}

fn a_folder_is_no_file(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    let dir = &root.join("d");
    fs.create_dir_all(dir)?;
    assert_eq!(kind_of(fs.open_for_overwrite(dir)), ErrorKind::IsADirectory);
    assert_eq!(kind_of(fs.remove(dir)), ErrorKind::IsADirectory);
    assert_eq!(kind_of(fs.lock(dir)), ErrorKind::IsADirectory);
    assert_eq!(kind_of(fs.hard_link(dir, &root.join("x"))), ErrorKind::PermissionDenied);
    // Some systems open folders, but none reads them.
    assert_eq!(kind_of(fs.open(dir).and_then(|dir| dir.read_at(&mut [0], 0))), ErrorKind::IsADirectory);
    Ok(())
}

fn metadata_tells_files_from_folders(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    put(fs, &root.join("f"), b"12345")?;
    assert_eq!(fs.metadata(&root.join("f"))?, Metadata { len: 5, is_dir: false });
    assert_eq!(fs.metadata(root)?, Metadata { len: 0, is_dir: true });
    Ok(())
}

fn rename_replaces(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    let (from, to) = (&root.join("CURRENT.tmp"), &root.join("CURRENT"));
    put(fs, from, b"new")?;
    put(fs, to, b"older")?;
    fs.rename(from, to)?;
    assert_eq!(content_of(fs, to)?, b"new");
    assert_eq!(fs.list(root)?, std::slice::from_ref(to));
    Ok(())
}

fn rename_keeps_open_handles(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    let (from, to) = (&root.join("a"), &root.join("b"));
    let writer = fs.create(from)?;
    put(fs, to, b"replaced")?;
    let replaced = fs.open(to)?;
    fs.rename(from, to)?;
    writer.write_at(&[IoSlice::new(b"after")], 0)?;
    assert_eq!(content_of(fs, to)?, b"after");
    assert_eq!(replaced.len()?, 8);
    Ok(())
}

fn rename_refuses_to_mix_files_and_folders(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    let (file, dir, full) = (&root.join("f"), &root.join("d"), &root.join("full"));
    put(fs, file, b"")?;
    fs.create_dir_all(dir)?;
    fs.create_dir_all(&full.join("inner"))?;
    assert_eq!(kind_of(fs.rename(file, dir)), ErrorKind::IsADirectory);
    assert_eq!(kind_of(fs.rename(dir, file)), ErrorKind::NotADirectory);
    assert_eq!(kind_of(fs.rename(dir, full)), ErrorKind::DirectoryNotEmpty);
    fs.rename(full, dir)?;
    assert_eq!(fs.list(root)?, [dir.clone(), file.clone()]);
    Ok(())
}

fn rename_to_itself_changes_nothing(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    let (a, b) = (&root.join("a"), &root.join("b"));
    put(fs, a, b"x")?;
    fs.rename(a, a)?;
    // POSIX: when both names are links to one file, both stay.
    fs.hard_link(a, b)?;
    fs.rename(a, b)?;
    assert_eq!(fs.list(root)?, [a.clone(), b.clone()]);
    assert_eq!(content_of(fs, a)?, b"x");
    Ok(())
}

fn rename_moves_folders_with_their_content(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    fs.create_dir_all(&root.join("old/inner"))?;
    put(fs, &root.join("old/inner/f"), b"x")?;
    fs.rename(&root.join("old"), &root.join("new"))?;
    assert_eq!(content_of(fs, &root.join("new/inner/f"))?, b"x");
    assert_eq!(kind_of(fs.metadata(&root.join("old"))), ErrorKind::NotFound);
    Ok(())
}

fn rename_moves_between_folders(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    fs.create_dir_all(&root.join("from"))?;
    fs.create_dir_all(&root.join("to"))?;
    put(fs, &root.join("from/f"), b"x")?;
    fs.rename(&root.join("from/f"), &root.join("to/g"))?;
    assert_eq!(content_of(fs, &root.join("to/g"))?, b"x");
    assert!(fs.list(&root.join("from"))?.is_empty());
    Ok(())
}

fn a_folder_cannot_move_into_itself(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    fs.create_dir_all(&root.join("d/inner"))?;
    assert_eq!(kind_of(fs.rename(&root.join("d"), &root.join("d/inner/x"))), ErrorKind::InvalidInput);
    assert_eq!(fs.list(&root.join("d"))?, [root.join("d/inner")]);
    Ok(())
}

fn hard_links_share_content(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    let (a, b) = (&root.join("a"), &root.join("b"));
    put(fs, a, b"one")?;
    fs.hard_link(a, b)?;
    fs.open_for_overwrite(b)?.write_at(&[IoSlice::new(b"two")], 0)?;
    assert_eq!(content_of(fs, a)?, b"two");
    fs.remove(a)?;
    assert_eq!(content_of(fs, b)?, b"two");
    Ok(())
}

fn hard_link_refuses_a_name_that_is_taken(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    let (a, b) = (&root.join("a"), &root.join("b"));
    put(fs, a, b"a")?;
    put(fs, b, b"b")?;
    assert_eq!(kind_of(fs.hard_link(a, b)), ErrorKind::AlreadyExists);
    assert_eq!(content_of(fs, b)?, b"b");
    Ok(())
}

fn a_removed_file_lives_on_in_its_handles(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    let path = &root.join("f");
    let writer = fs.create(path)?;
    let reader = fs.open(path)?;
    fs.remove(path)?;
    writer.write_at(&[IoSlice::new(b"still here")], 0)?;
    writer.sync_all()?;
    let mut content = [0; 10];
    reader.read_exact_at(&mut content, 0)?;
    assert_eq!(&content, b"still here");
    assert_eq!(kind_of(fs.open(path)), ErrorKind::NotFound);
    Ok(())
}

fn a_name_is_free_again_after_remove(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    let path = &root.join("f");
    put(fs, path, b"old content")?;
    let old = fs.open(path)?;
    fs.remove(path)?;
    put(fs, path, b"new")?;
    assert_eq!(content_of(fs, path)?, b"new");
    assert_eq!(old.len()?, 11);
    Ok(())
}

fn list_is_sorted_and_has_full_paths(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    let names = ["000010.log", "000009.log", "B", "a", "a.b", "a/inner"];
    for name in names.into_iter().filter(|name| !name.starts_with('a')) {
        put(fs, &root.join(name), b"")?;
    }
    fs.create_dir_all(&root.join("a/inner"))?;
    put(fs, &root.join("a.b"), b"")?;
    let sorted = ["000009.log", "000010.log", "B", "a", "a.b"].map(|name| root.join(name));
    assert_eq!(fs.list(root)?, sorted);
    Ok(())
}

fn folders_are_made_with_their_parents(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    fs.create_dir_all(&root.join("a/b/c"))?;
    fs.create_dir_all(&root.join("a/b/c"))?;
    fs.create_dir_all(&root.join("a/b/d"))?;
    fs.create_dir_all(root)?;
    assert_eq!(fs.list(&root.join("a/b"))?, [root.join("a/b/c"), root.join("a/b/d")]);
    Ok(())
}

fn only_empty_folders_are_removed(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    let dir = &root.join("d");
    fs.create_dir_all(dir)?;
    put(fs, &dir.join("f"), b"")?;
    assert_eq!(kind_of(fs.remove_dir(dir)), ErrorKind::DirectoryNotEmpty);
    fs.remove(&dir.join("f"))?;
    fs.remove_dir(dir)?;
    assert_eq!(kind_of(fs.metadata(dir)), ErrorKind::NotFound);
    fs.create_dir_all(dir)?;
    assert!(fs.list(dir)?.is_empty());
    Ok(())
}

fn folders_sync(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    fs.create_dir_all(&root.join("d"))?;
    put(fs, &root.join("d/f"), b"")?;
    fs.sync_dir(&root.join("d"))?;
    fs.sync_dir(root)
}
