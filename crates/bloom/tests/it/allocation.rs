//! An allocator that remembers the largest request of each thread.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

struct Largest;

#[global_allocator]
static ALLOCATOR: Largest = Largest;

thread_local! {
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

/// The most bytes that one allocation on this thread asked for while `run` ran.
pub(crate) fn largest_while<T>(run: impl FnOnce() -> T) -> (T, usize) {
    LARGEST.set(0);
    let outcome = run();
    (outcome, LARGEST.get())
}

#[expect(unsafe_code, reason = "an allocator cannot be written without")]
// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Largest {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.with(|largest| largest.set(largest.get().max(layout.size())));
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block came from `alloc` above, with this layout.
        unsafe { System.dealloc(block, layout) }
    }
}

#[test]
fn the_largest_request_is_seen() {
    let (bytes, largest) = largest_while(|| vec![1_u8; 12_345]);
    assert_eq!((bytes.len(), largest), (12_345, 12_345));
}
