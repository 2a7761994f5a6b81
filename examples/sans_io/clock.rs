//! The clock: whoever writes his own loop brings one. The machines only take instants.

#![expect(clippy::disallowed_methods, reason = "there is no runtime here whose timer it could be")]

use std::thread;
use std::time::Duration;

use everbeat_core::time::Instant;

/// The system's monotonic clock, from the beginning of the program
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(std::time::Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(std::time::Instant::now())
    }

    pub(crate) fn now(self) -> Instant {
        Instant::from_origin(self.0.elapsed())
    }

    /// How long it is until then; no less than a socket can wait
    pub(crate) fn until(self, deadline: Instant) -> Duration {
        deadline.saturating_duration_since(self.now()).max(Duration::from_millis(1))
    }

    pub(crate) fn sleep_until(self, deadline: Instant) {
        thread::sleep(deadline.saturating_duration_since(self.now()));
    }

    pub(crate) fn tell(self, who: &str, what: impl std::fmt::Display) {
        println!("{:5.2} s  {who:<6}  {what}", self.now().since_origin().as_secs_f64());
    }
}
