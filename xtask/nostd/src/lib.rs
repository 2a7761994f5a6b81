//! A static library without std over everbeat-core: it links only if nothing in the tree has std.
//!
//! It brings the panic handler and the allocator that std would bring, so that with std there would
//! be two of each. `cargo xtask build` runs it both ways and wants the second one to fail.

#![no_std]

use core::alloc::{GlobalAlloc, Layout};
use core::panic::PanicInfo;
use core::ptr;
use core::time::Duration;

use everbeat_core::config::HeartbeatConfig;
use everbeat_core::heartbeat::{Beat, Heartbeat};
use everbeat_core::time::{Deadlines, Instant};

/// Refuses every request: this library is linked, never run
struct Refuses;

// SAFETY: a null pointer says that there is no memory, which an allocator may always say; what it
// never gave out is never given back.
unsafe impl GlobalAlloc for Refuses {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        ptr::null_mut()
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ALLOCATOR: Refuses = Refuses;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}

/// Keeps core's machines in the library: the beats that are due in the first `seconds`
#[unsafe(no_mangle)]
pub extern "C" fn everbeat_beats(seconds: u32) -> u32 {
    let minute = Duration::from_secs(60);
    let Ok(config) = HeartbeatConfig::new(minute, minute) else {
        return 0;
    };
    let end = Instant::from_origin(Duration::from_secs(seconds.into()));
    let mut heartbeat = Heartbeat::new(config, 1, Instant::ORIGIN);
    let mut deadlines = Deadlines::new();
    let mut beats = 0;
    while heartbeat.poll_timeout() <= end {
        let now = heartbeat.poll_timeout();
        deadlines.insert(now, ());
        match heartbeat.handle_timeout(now, || None) {
            Some(Beat::Ping(payload)) => {
                heartbeat.handle_flushed(0, now);
                heartbeat.handle_heard(now);
                heartbeat.handle_pong(&payload, now);
                beats += 1;
            }
            _ => break,
        }
    }
    beats
}
