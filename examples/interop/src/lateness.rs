//! How late this process itself is: what it tells of is taken off every bound on real time.

use std::convert::Infallible;

use everbeat_core::time::Timer;
use everbeat_support::{STEP, overslept};

use crate::note::Note;

/// Sleeps, and tells of every sleep that was overslept by more than its own length
pub(crate) async fn measure<T>(timer: impl Timer) -> T {
    let endless: Infallible = async {
        loop {
            let late = overslept(&timer).await;
            if late > STEP {
                Note::Late(late.as_millis()).write();
            }
        }
    }
    .await;
    match endless {}
}
