//! What a runtime's clock does not tell: how long the machine slept while it stood still.

#[cfg(any(target_os = "android", target_os = "linux", target_vendor = "apple"))]
mod platform;

use std::time::Duration;

/// How long the machine has slept while the standard library's clock stood still, since this was
/// first asked; what a runtime whose clock is that one answers with
/// ([`Timer::slept`](everbeat_core::time::Timer::slept))
///
/// On Linux and Android it is what `CLOCK_BOOTTIME` gained over `CLOCK_MONOTONIC`, on macOS and its
/// kin what `CLOCK_MONOTONIC` gained over `CLOCK_UPTIME_RAW`, to the millisecond; there it has not
/// been run by anybody yet. Elsewhere it is zero: the clock of Windows runs on while the machine
/// sleeps, which then shows as lateness.
///
/// No system call where the kernel lends its clocks (vDSO).
#[must_use]
pub fn slept() -> Duration {
    platform::slept()
}

#[cfg(not(any(target_os = "android", target_os = "linux", target_vendor = "apple")))]
mod platform {
    use std::time::Duration;

    pub(super) const fn slept() -> Duration {
        Duration::ZERO
    }
}
