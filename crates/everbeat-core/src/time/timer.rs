//! The two traits a runtime implements to lend its clock: [`Timer`] and [`Sleep`].

use core::future::Future;
use core::pin::Pin;
use core::time::Duration;

use super::Instant;

/// A monotonic clock and the sleeps that wait on it
///
/// # Contract
///
/// - [`now`](Timer::now) never goes back.
/// - A sleep never completes before its deadline, by the same clock that `now` reads.
/// - A sleep whose deadline has passed completes when it is first polled, or soon after.
/// - Deadlines beyond the platform's range are split, not wrapped.
/// - A clone tells the same time: its instants compare with the original's.
///
/// No `Send` is asked for: a timer that is not `Send` makes connections that are not `Send`.
pub trait Timer {
    /// The future that [`sleep_until`](Timer::sleep_until) returns
    type Sleep: Sleep;

    /// The present instant
    fn now(&self) -> Instant;

    /// A future that completes at `deadline`, not before
    fn sleep_until(&self, deadline: Instant) -> Self::Sleep;

    /// How long the machine has slept in all while [`now`](Timer::now) stood still, as far as the
    /// platform tells; zero if it does not, or if its clock runs on in sleep
    ///
    /// Read when a silence is to be judged, not for each message.
    fn slept(&self) -> Duration {
        Duration::ZERO
    }
}

/// A sleep whose deadline can be moved
///
/// # Contract
///
/// - [`reset`](Sleep::reset) may be called before or after completion, to an earlier or a later
///   deadline; afterwards the future may be polled again and obeys the new deadline.
/// - Polling again after completion, without a reset, is allowed and returns `Ready`.
/// - The waker of the latest poll is the one that is woken.
/// - Dropping cancels: nothing is woken afterwards.
///
/// # Cancel safety
///
/// A sleep holds no result, so dropping it loses nothing.
pub trait Sleep: Future<Output = ()> {
    /// The deadline that it was given last, whether or not it has completed
    fn deadline(&self) -> Instant;

    /// Moves the deadline
    fn reset(self: Pin<&mut Self>, deadline: Instant);
}
