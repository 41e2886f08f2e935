//! What a power cut takes and leaves, case by case.

use std::{
    collections::BTreeSet,
    io::IoSlice,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use siltstone_vfs::{Fs, MemFs, PAGE_BYTES};

use crate::{content, write};

const SEEDS: std::ops::Range<u64> = 0..300;
const PAGE: u64 = PAGE_BYTES as u64;

fn path(path: &str) -> &Path {
    Path::new(path)
}

/// A file system with the durable file `/f` of this content.
fn with_durable_file(bytes: &[u8]) -> MemFs {
    let fs = MemFs::new();
    let file = fs.create(path("/f")).unwrap();
    write(&*file, bytes, 0);
    file.sync_data().unwrap();
    fs.sync_dir(path("/")).unwrap();
    fs
}

/// All outcomes of power cuts over many seeds.
fn outcomes<T: Ord>(fs: &MemFs, look: impl Fn(&MemFs) -> T) -> BTreeSet<T> {
    SEEDS.map(|seed| look(&fs.power_cut(seed))).collect()
}

fn names(fs: &MemFs) -> Vec<String> {
    fs.list(path("/")).unwrap().iter().map(|path| path.display().to_string()).collect()
}

#[test]
fn what_was_synced_with_its_name_survives() {
    let fs = with_durable_file(b"safe");
    assert_eq!(outcomes(&fs, |fs| content(fs, "/f")), BTreeSet::from([Some(b"safe".to_vec())]));
    assert_eq!(content(&fs.power_cut_worst(), "/f").unwrap(), b"safe");
}

#[test]
fn a_synced_file_whose_name_was_not_may_be_gone() {
    let fs = MemFs::new();
    let file = fs.create(path("/f")).unwrap();
    write(&*file, b"x", 0);
    file.sync_all().unwrap();
    assert_eq!(content(&fs.power_cut_worst(), "/f"), None);
    assert_eq!(content(&fs.power_cut_best(), "/f").unwrap(), b"x");
    assert_eq!(outcomes(&fs, |fs| content(fs, "/f")), BTreeSet::from([None, Some(b"x".to_vec())]));
}

#[test]
fn a_synced_name_whose_content_was_not_may_be_empty() {
    let fs = MemFs::new();
    let file = fs.create(path("/f")).unwrap();
    write(&*file, b"x", 0);
    fs.sync_dir(path("/")).unwrap();
    let empty_zeros_or_all = [b"".to_vec(), b"\0".to_vec(), b"x".to_vec()].map(Some);
    assert_eq!(outcomes(&fs, |fs| content(fs, "/f")), BTreeSet::from(empty_zeros_or_all));
}

#[test]
fn a_folder_that_is_lost_takes_its_files_along() {
    let fs = MemFs::new();
    fs.create_dir_all(path("/d")).unwrap();
    fs.create(path("/d/f")).unwrap();
    fs.sync_dir(path("/d")).unwrap();
    assert_eq!(names(&fs.power_cut_worst()), [""; 0]);
    fs.sync_dir(path("/")).unwrap();
    assert_eq!(content(&fs.power_cut_worst(), "/d/f").unwrap(), b"");
}

#[test]
fn pages_are_kept_or_lost_apart_and_never_torn() {
    let fs = with_durable_file(&[1; 3 * PAGE_BYTES]);
    let file = fs.open_for_overwrite(path("/f")).unwrap();
    write(&*file, &[2; 3 * PAGE_BYTES], 0);
    let found = outcomes(&fs, |fs| {
        let bytes = content(fs, "/f").unwrap();
        let pages: Vec<u8> = bytes.chunks(PAGE_BYTES).map(|page| page[0]).collect();
        assert!(bytes.chunks(PAGE_BYTES).all(|page| page.iter().all(|byte| *byte == page[0])));
        pages
    });
    assert_eq!(found.len(), 8, "every mixture of old and new pages occurs: {found:?}");
}

#[test]
fn a_write_over_two_pages_can_be_found_half_done() {
    let fs = with_durable_file(&[1; 2 * PAGE_BYTES]);
    let file = fs.open_for_overwrite(path("/f")).unwrap();
    file.write_at(&[IoSlice::new(&[2]), IoSlice::new(&[3])], PAGE - 1).unwrap();
    let middle = |fs: &MemFs| content(fs, "/f").unwrap()[PAGE_BYTES - 1..=PAGE_BYTES].to_vec();
    assert_eq!(outcomes(&fs, middle), BTreeSet::from([[1, 1], [1, 3], [2, 1], [2, 3]].map(Vec::from)));
}

#[test]
fn versions_between_the_durable_and_the_latest_are_found_too() {
    let fs = with_durable_file(b"0");
    let file = fs.open_for_overwrite(path("/f")).unwrap();
    for byte in [b"1", b"2", b"3"] {
        write(&*file, byte, 0);
    }
    let all = ["0", "1", "2", "3"].map(|text| Some(text.as_bytes().to_vec()));
    assert_eq!(outcomes(&fs, |fs| content(fs, "/f")), BTreeSet::from(all));
}

#[test]
fn the_durable_version_is_remembered_through_any_number_of_writes() {
    let fs = with_durable_file(b"durable");
    let file = fs.open_for_overwrite(path("/f")).unwrap();
    for count in 0..1000_u64 {
        write(&*file, &count.to_le_bytes(), 0);
        file.set_len(7 + count % 2).unwrap();
    }
    assert_eq!(content(&fs.power_cut_worst(), "/f").unwrap(), b"durable");
}

#[test]
fn recycled_files_show_their_old_bytes_where_new_ones_were_lost() {
    let fs = with_durable_file(&[b'o'; 2 * PAGE_BYTES]);
    fs.rename(path("/f"), path("/g")).unwrap();
    fs.sync_dir(path("/")).unwrap();
    let file = fs.open_for_overwrite(path("/g")).unwrap();
    write(&*file, &[b'n'; PAGE_BYTES], 0);
    file.sync_data().unwrap();
    write(&*file, &[b'n'; PAGE_BYTES], PAGE);
    let left = content(&fs.power_cut_worst(), "/g").unwrap();
    assert!(left[..PAGE_BYTES].iter().all(|byte| *byte == b'n'));
    assert!(left[PAGE_BYTES..].iter().all(|byte| *byte == b'o'));
}

#[test]
fn the_length_is_kept_or_lost_apart_from_the_bytes() {
    let fs = with_durable_file(b"1");
    let file = fs.open_for_overwrite(path("/f")).unwrap();
    write(&*file, b"23", 1);
    let found = outcomes(&fs, |fs| content(fs, "/f").unwrap());
    assert_eq!(found, BTreeSet::from([b"1".to_vec(), b"1\0\0".to_vec(), b"123".to_vec()]));
}

#[test]
fn allocated_ranges_are_zeros_or_absent() {
    let fs = with_durable_file(b"");
    let file = fs.open_for_overwrite(path("/f")).unwrap();
    file.allocate(0, 5000).unwrap();
    let found = outcomes(&fs, |fs| content(fs, "/f").unwrap());
    assert_eq!(found, BTreeSet::from([vec![], vec![0; 5000]]));
    file.sync_data().unwrap();
    assert_eq!(content(&fs.power_cut_worst(), "/f").unwrap(), [0; 5000]);
}

#[test]
fn cutting_a_file_never_harms_what_it_leaves() {
    let fs = with_durable_file(&[7; 2 * PAGE_BYTES]);
    fs.open_for_overwrite(path("/f")).unwrap().set_len(100).unwrap();
    let lens = outcomes(&fs, |fs| {
        let bytes = content(fs, "/f").unwrap();
        assert_eq!(bytes[..100], [7; 100]);
        bytes.len()
    });
    assert_eq!(lens, BTreeSet::from([100, 2 * PAGE_BYTES]));
}

#[test]
fn bytes_behind_the_end_do_not_come_back_when_the_file_grows() {
    let fs = with_durable_file(&[7; 200]);
    fs.open_for_overwrite(path("/f")).unwrap().set_len(100).unwrap();
    for left in SEEDS.map(|seed| fs.power_cut(seed)) {
        let file = left.open_for_overwrite(path("/f")).unwrap();
        let end = usize::try_from(file.len().unwrap()).unwrap();
        file.set_len(300).unwrap();
        assert!(content(&left, "/f").unwrap()[end..].iter().all(|byte| *byte == 0));
    }
}

#[test]
fn a_rename_is_found_done_or_not_done() {
    let fs = with_durable_file(b"old");
    let new = fs.create(path("/new")).unwrap();
    write(&*new, b"new", 0);
    new.sync_data().unwrap();
    fs.sync_dir(path("/")).unwrap();
    fs.rename(path("/new"), path("/f")).unwrap();
    let found = outcomes(&fs, |fs| (content(fs, "/f").unwrap(), content(fs, "/new").is_some()));
    assert_eq!(found, BTreeSet::from([(b"old".to_vec(), true), (b"new".to_vec(), false)]));
    fs.sync_dir(path("/")).unwrap();
    assert_eq!(content(&fs.power_cut_worst(), "/f").unwrap(), b"new");
}

#[test]
fn a_rename_across_folders_needs_both_synced() {
    for (first, second) in [("/a", "/b"), ("/b", "/a")] {
        let fs = MemFs::new();
        fs.create_dir_all(path("/a")).unwrap();
        fs.create_dir_all(path("/b")).unwrap();
        fs.create(path("/a/f")).unwrap();
        fs.sync_dir(path("/")).unwrap();
        fs.sync_dir(path("/a")).unwrap();
        fs.rename(path("/a/f"), path("/b/f")).unwrap();

        let where_is = |fs: &MemFs| [content(fs, "/a/f").is_some(), content(fs, "/b/f").is_some()];
        fs.sync_dir(path(first)).unwrap();
        assert_eq!(outcomes(&fs, where_is), BTreeSet::from([[true, false], [false, true]]));
        fs.sync_dir(path(second)).unwrap();
        assert_eq!(outcomes(&fs, where_is), BTreeSet::from([[false, true]]));
    }
}

#[test]
fn a_file_moved_into_a_new_folder_is_not_lost_with_it() {
    let fs = with_durable_file(b"moved");
    fs.create_dir_all(path("/new/inner")).unwrap();
    fs.rename(path("/f"), path("/new/inner/f")).unwrap();
    let found = outcomes(&fs, |fs| (content(fs, "/f"), content(fs, "/new/inner/f")));
    let moved = || Some(b"moved".to_vec());
    assert_eq!(found, BTreeSet::from([(moved(), None), (None, moved())]));
}

#[test]
fn a_file_whose_old_name_was_given_away_keeps_one() {
    let fs = with_durable_file(b"first");
    fs.rename(path("/f"), path("/g")).unwrap();
    fs.create(path("/f")).unwrap();
    fs.remove(path("/f")).unwrap();
    fs.rename(path("/g"), path("/h")).unwrap();
    for left in SEEDS.map(|seed| fs.power_cut(seed)) {
        let names = ["/f", "/g", "/h"].map(|name| content(&left, name));
        let count = names.iter().flatten().filter(|content| *content == b"first").count();
        assert_eq!(count, 1, "{names:?}");
    }
}

#[test]
fn removal_can_be_undone_until_the_folder_is_synced() {
    let fs = with_durable_file(b"x");
    fs.remove(path("/f")).unwrap();
    assert_eq!(outcomes(&fs, |fs| content(fs, "/f")), BTreeSet::from([None, Some(b"x".to_vec())]));
    assert_eq!(content(&fs.power_cut_worst(), "/f").unwrap(), b"x");
    fs.sync_dir(path("/")).unwrap();
    assert_eq!(outcomes(&fs, |fs| content(fs, "/f")), BTreeSet::from([None]));
}

#[test]
fn names_are_kept_or_lost_apart() {
    let fs = MemFs::new();
    for name in ["/a", "/b", "/c"] {
        fs.create(path(name)).unwrap();
    }
    assert_eq!(outcomes(&fs, names).len(), 8);
}

#[test]
fn a_hard_link_survives_once_its_folder_is_synced() {
    let fs = with_durable_file(b"x");
    fs.create_dir_all(path("/backup")).unwrap();
    fs.sync_dir(path("/")).unwrap();
    fs.hard_link(path("/f"), path("/backup/f")).unwrap();
    assert_eq!(content(&fs.power_cut_worst(), "/backup/f"), None);
    fs.sync_dir(path("/backup")).unwrap();
    fs.remove(path("/f")).unwrap();
    fs.sync_dir(path("/")).unwrap();
    assert_eq!(content(&fs.power_cut_worst(), "/backup/f").unwrap(), b"x");
}

#[test]
fn a_failed_sync_loses_the_bytes_even_if_a_later_one_succeeds() {
    let fs = with_durable_file(b"old");
    let file = fs.open_for_overwrite(path("/f")).unwrap();
    write(&*file, b"new", 0);
    write(&*file, b"page", PAGE);
    fs.fail_next_syncs(1);
    file.sync_data().unwrap_err();
    file.sync_data().unwrap();
    assert!(content(&fs, "/f").unwrap().starts_with(b"new"), "it is still readable");
    assert_eq!(content(&fs.power_cut_worst(), "/f").unwrap(), b"old");

    write(&*file, b"NEW", 0);
    write(&*file, b"PAGES", PAGE);
    file.sync_data().unwrap();
    let left = content(&fs.power_cut_worst(), "/f").unwrap();
    assert!(left.starts_with(b"NEW") && left.ends_with(b"PAGES"), "written again, it is durable");
}

#[test]
fn one_seed_gives_one_outcome() {
    let fs = MemFs::new();
    let dump = |fs: &MemFs| names(fs).into_iter().map(|name| content(fs, &name)).collect::<Vec<_>>();
    for count in 0..20_u8 {
        let file = fs.create(Path::new(&format!("/{count}"))).unwrap();
        write(&*file, &vec![count; 20_000], 0);
    }
    for seed in SEEDS {
        assert_eq!(dump(&fs.power_cut(seed)), dump(&fs.power_cut(seed)));
        assert_eq!(dump(&fs.clone_now().power_cut(seed)), dump(&fs.power_cut(seed)));
    }
}

#[test]
fn a_killed_process_loses_nothing_but_its_locks() {
    let fs = MemFs::new();
    let lock = fs.lock(path("/LOCK")).unwrap();
    let file = fs.create(path("/f")).unwrap();
    write(&*file, b"written", 0);
    let left = fs.clone_now();
    write(&*file, b"after..", 0);

    assert_eq!(content(&left, "/f").unwrap(), b"written");
    let again = left.lock(path("/LOCK")).unwrap();
    drop(lock);
    left.lock(path("/LOCK")).unwrap_err();
    drop(again);
    assert_eq!(content(&left.power_cut_worst(), "/f"), None, "what was not durable still is not");
}

#[test]
fn everything_found_after_a_power_cut_is_durable() {
    let fs = with_durable_file(b"x");
    write(&*fs.create(path("/g")).unwrap(), b"y", 0);
    fs.rename(path("/f"), path("/h")).unwrap();
    for left in SEEDS.map(|seed| fs.power_cut(seed)) {
        let again = left.power_cut_worst();
        assert_eq!(names(&left), names(&again));
        assert!(names(&left).iter().all(|name| content(&left, name) == content(&again, name)));
    }
}

#[test]
fn a_power_cut_leaves_the_original_alone() {
    let fs = with_durable_file(b"x");
    let left = fs.power_cut_worst();
    write(&*left.open_for_overwrite(path("/f")).unwrap(), b"y", 0);
    left.create(path("/g")).unwrap();
    assert_eq!(names(&fs), ["/f"]);
    assert_eq!(content(&fs, "/f").unwrap(), b"x");
}

#[test]
fn a_power_cut_happens_at_one_moment() {
    let fs = with_durable_file(&0_u64.to_le_bytes());
    write(&*fs.create(path("/g")).unwrap(), &0_u64.to_le_bytes(), 0);
    // Gives a copy that is not made at one moment time to go wrong.
    write(&*fs.create(path("/fill")).unwrap(), &vec![1; 256 * PAGE_BYTES], 0);
    let number = |fs: &MemFs, name| u64::from_le_bytes(content(fs, name).unwrap().try_into().unwrap());
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let [f, g] = ["/f", "/g"].map(|name| fs.open_for_overwrite(path(name)).unwrap());
            for count in 1_u64.. {
                write(&*f, &count.to_le_bytes(), 0);
                write(&*g, &count.to_le_bytes(), 0);
                if is_done.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        let torn = (0..1000).find_map(|_| {
            let left = fs.power_cut_best();
            let (first, second) = (number(&left, "/f"), number(&left, "/g"));
            (first != second && first != second + 1).then_some((first, second))
        });
        is_done.store(true, Ordering::Relaxed);
        assert_eq!(torn, None, "the second file is ahead of the first, or more than a write behind");
    });
}
