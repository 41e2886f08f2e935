//! An allocator that counts what each thread holds.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static HELD: Cell<i64> = const { Cell::new(0) };
    static COUNT: Cell<i64> = const { Cell::new(0) };
}

/// What glibc takes for a request: 8 bytes of header, a multiple of 16, at least 32.
fn taken(layout: Layout) -> i64 {
    i64::try_from((layout.size() + 8).next_multiple_of(16).max(32)).unwrap()
}

/// The bytes that this thread took from the allocator and did not give back while `run` ran. Negative when it
/// gave back what others took.
pub(crate) fn held_by<T>(run: impl FnOnce() -> T) -> (T, i64) {
    let before = HELD.get();
    let outcome = run();
    (outcome, HELD.get() - before)
}

/// The number of allocations on this thread while `run` ran.
pub(crate) fn allocations_of<T>(run: impl FnOnce() -> T) -> (T, i64) {
    let before = COUNT.get();
    let outcome = run();
    (outcome, COUNT.get() - before)
}

#[expect(unsafe_code, reason = "an allocator cannot be written without")]
// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.set(HELD.get() + taken(layout));
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        HELD.set(HELD.get() - taken(layout));
        // SAFETY: the block came from `alloc` above, with this layout.
        unsafe { System.dealloc(block, layout) }
    }
}

#[test]
fn what_is_held_is_counted_until_it_is_given_back() {
    let (bytes, held) = held_by(|| vec![1_u8; 1000]);
    assert_eq!(held, 1008);
    assert_eq!(held_by(|| drop(bytes)).1, -1008);
    assert_eq!(allocations_of(|| Box::new(7)).1, 1);
}
