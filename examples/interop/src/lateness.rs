//! How late this process itself is: what it tells of is taken off every bound on real time.

use std::convert::Infallible;
use std::time::Duration;

use everbeat_core::time::Timer;

use crate::note::Note;

const STEP: Duration = Duration::from_millis(50);

/// Sleeps, and tells of every sleep that was overslept by more than its own length
pub(crate) async fn measure<T>(timer: impl Timer) -> T {
    let endless: Infallible = async {
        loop {
            let due = timer.now() + STEP;
            timer.sleep_until(due).await;
            let late = timer.now().saturating_duration_since(due);
            if late > STEP {
                Note::Late(late.as_millis()).write();
            }
        }
    }
    .await;
    match endless {}
}
