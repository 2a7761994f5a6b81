//! libwebsockets 4, either side: validity.
//!
//! From `lib/core-net/wsi-timeout.c` (`lws_validity_cb`, `_lws_validity_confirmed_role`): a
//! connection is valid when it has shown that bytes go both ways, which by itself is a Pong alone.
//! `secs_since_valid_ping` after that it is asked, and `secs_since_valid_hangup` after that it is
//! dropped. Its own sends and bytes that come do neither. The library's own default is 300 s and
//! 310 s (`lib/core/context.c`); with 40 s and 50 s it is as fast as the others here.
//!
//! Due timers are served at the beginning of each turn, before it looks at its sockets
//! (`__lws_sul_service_ripe` in `_lws_plat_service_tsi`, `lib/plat/unix/unix-service.c`):
//! [`Order::TimersFirst`].
//!
//! Simpler here: a program may confirm validity itself, when it knows that what came is an answer.

use std::time::Duration;

use everbeat_core::time::Instant;

#[cfg(doc)]
use super::Order;
use super::{Act, Heard, Rule};

/// libwebsockets; 40 s and 50 s by default, which is not its own
#[derive(Clone, Copy, Debug)]
pub struct Libwebsockets {
    ping: Duration,
    hangup: Duration,
    valid_at: Instant,
    asked: bool,
}

impl Libwebsockets {
    /// With `secs_since_valid_ping` and `secs_since_valid_hangup`
    ///
    /// If the first is not the shorter, nobody is ever asked.
    #[must_use]
    pub fn new(ping: Duration, hangup: Duration) -> Self {
        Self { ping: ping.min(hangup), hangup, valid_at: Instant::NEVER, asked: false }
    }

    fn confirm(&mut self, now: Instant) {
        self.valid_at = now;
        self.asked = self.ping >= self.hangup;
    }
}

impl Default for Libwebsockets {
    fn default() -> Self {
        Self::new(Duration::from_secs(40), Duration::from_secs(50))
    }
}

impl Rule for Libwebsockets {
    fn begin(&mut self, now: Instant) {
        self.confirm(now);
    }

    fn deadline(&self) -> Instant {
        self.valid_at + if self.asked { self.hangup } else { self.ping }
    }

    fn due(&mut self, now: Instant) -> Act {
        if self.asked {
            return Act::Die("validity timeout");
        }
        self.asked = true;
        // The second timer is set when the first is served, so a late one is not made up for.
        let late = now.saturating_duration_since(self.valid_at + self.ping);
        self.valid_at += late;
        Act::Ping
    }

    fn heard(&mut self, heard: Heard, now: Instant) {
        if let Heard::Pong(_) = heard {
            self.confirm(now);
        }
    }
}
