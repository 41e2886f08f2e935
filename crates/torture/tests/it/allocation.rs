//! Memory is bounded by the input, whatever lengths it states.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use siltstone_torture::decoders::TARGETS;

use crate::corpus::inputs;

/// What a target may hold at a time beside what is in proportion to its input. Most of it is for the one block that the harness lets
/// decompress to 4 MiB.
const CONSTANT_BYTES: usize = 8 << 20;
/// For each byte of input: the harness keeps what it found in several forms, and so do the decoders.
const BYTES_PER_INPUT_BYTE: usize = 1 << 10;

/// Counts what a thread holds, and the most it held.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

fn hold(bytes: usize) {
    HELD.with(|held| {
        held.set(held.get().saturating_add_unsigned(bytes));
        MOST.with(|most| most.set(most.get().max(held.get())));
    });
}

fn release(bytes: usize) {
    HELD.with(|held| held.set(held.get().saturating_sub_unsigned(bytes)));
}

#[expect(unsafe_code, reason = "an allocator cannot be written without")]
// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        hold(layout.size());
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        hold(layout.size());
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        release(layout.size());
        // SAFETY: the block came from `alloc` above, with this layout.
        unsafe { System.dealloc(block, layout) }
    }
}

/// The most bytes that this thread held while `run` ran, beyond what it held before.
fn most_while(run: impl FnOnce()) -> usize {
    let before = HELD.get();
    MOST.set(before);
    run();
    usize::try_from(MOST.get() - before).unwrap()
}

#[test]
fn the_most_that_is_held_is_seen() {
    let most = most_while(|| {
        drop(vec![1_u8; 5_000]);
        drop((vec![0_u8; 3_000], Vec::<u8>::with_capacity(4_000)));
    });
    assert_eq!(most, 7_000);
}

#[test]
fn no_input_of_a_corpus_takes_more_than_its_bound() {
    for (target, run) in TARGETS {
        for (name, input) in inputs(target) {
            let most = most_while(|| run(&input));
            let bound = CONSTANT_BYTES + BYTES_PER_INPUT_BYTE * input.len();
            assert!(most <= bound, "{target}, {name}: {} bytes of input, {most} bytes held", input.len());
        }
    }
}

/// Lengths and counts of all sizes, at every place of a small input.
#[test]
fn no_stated_length_is_believed() {
    for (target, run) in TARGETS {
        let inputs = inputs(target);
        let smallest =
            inputs.iter().filter(|(_, input)| input.len() > 20).min_by_key(|(_, input)| input.len());
        let (name, input) = smallest.expect("an input of some bytes");
        for at in 0..input.len().min(512) {
            for stated in
                [&[0xff, 0xff, 0xff, 0x3f][..], &[0xff, 0xff, 0xff, 0xff], &[0xff, 0xff, 0xff, 0xff, 0x0f]]
            {
                let mut damaged = input.clone();
                let end = damaged.len().min(at + stated.len());
                damaged[at..end].copy_from_slice(&stated[..end - at]);
                let most = most_while(|| run(&damaged));
                let bound = CONSTANT_BYTES + BYTES_PER_INPUT_BYTE * damaged.len();
                assert!(most <= bound, "{target}, {name} with {stated:x?} at {at}: {most} bytes held");
            }
        }
    }
}
