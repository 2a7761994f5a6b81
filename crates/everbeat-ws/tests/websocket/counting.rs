//! An allocator that counts what each thread allocates.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// How often was allocated
    pub(crate) static COUNT: Cell<u64> = const { Cell::new(0) };
    /// How often as much as a message that is not copied
    pub(crate) static LARGE: Cell<u64> = const { Cell::new(0) };
    /// Bytes in use
    pub(crate) static LIVE: Cell<i64> = const { Cell::new(0) };
    /// The most bytes in use
    pub(crate) static PEAK: Cell<i64> = const { Cell::new(0) };
}

fn note(count: u64, bytes: i64) {
    _ = COUNT.try_with(|total| total.set(total.get() + count));
    if bytes >= 16 << 10 {
        _ = LARGE.try_with(|total| total.set(total.get() + count));
    }
    _ = LIVE.try_with(|live| {
        live.set(live.get() + bytes);
        _ = PEAK.try_with(|peak| peak.set(peak.get().max(live.get())));
    });
}

struct Counting;

#[expect(unsafe_code, reason = "an allocator can only be wrapped by an unsafe impl")]
// SAFETY: every call is passed on to the system's allocator as it came
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size() as i64);
        // SAFETY: the caller's promise, passed on
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        note(0, -(layout.size() as i64));
        // SAFETY: the caller's promise, passed on
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(1, size as i64 - layout.size() as i64);
        // SAFETY: the caller's promise, passed on
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;
