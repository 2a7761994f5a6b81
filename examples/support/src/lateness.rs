//! How late this process itself is. Bounds on real time are the promise plus this.

use std::time::Duration;

use everbeat_core::time::Timer;

/// How long each sleep is by which lateness is measured
pub const STEP: Duration = Duration::from_millis(50);

/// By how much a sleep of [`STEP`] was overslept
///
/// # Cancel safety
///
/// Dropped, it has measured nothing.
pub async fn overslept(timer: &impl Timer) -> Duration {
    let due = timer.now() + STEP;
    timer.sleep_until(due).await;
    timer.now().saturating_duration_since(due)
}
