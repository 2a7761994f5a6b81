//! Socket.IO 3 and later, the server's side: Engine.IO's heartbeat.
//!
//! From `packages/engine.io/lib/socket.ts` (`schedulePing`, `resetPingTimeout`, `onPacket`): one
//! timer asks, `pingInterval` (25 s) after the connection stood or the last answer came; asking
//! starts another, `pingTimeout` (20 s), when the packet is handed to the transport, not when it is
//! written. An answer stops that timer and restarts the first. Messages do neither. node's event
//! loop: [`Order::TimersFirst`].
//!
//! After June 2026 (commit 0de3979 has it, d2d753f does not) the timeout learnt to look whether any
//! packet came within the last 20 s, and then to wait on (`checkPingTimeout`):
//! [`SocketIo::forgiving`]. A packet counts when it is whole, so that one of 10 MB says nothing until
//! its end.
//!
//! Simpler here: its heartbeats are packets of Engine.IO, text messages `2` and `3`.

use std::time::Duration;

use everbeat_core::time::Instant;

#[cfg(doc)]
use super::Order;
use super::{Act, Heard, Rule};

/// Socket.IO's server; 25 s and 20 s by default
#[derive(Clone, Copy, Debug)]
pub struct SocketIo {
    interval: Duration,
    timeout: Duration,
    forgiving: bool,
    ask_at: Instant,
    dead_at: Instant,
    packet_at: Instant,
}

impl SocketIo {
    /// With `pingInterval` and `pingTimeout`
    #[must_use]
    pub const fn new(interval: Duration, timeout: Duration) -> Self {
        let never = Instant::NEVER;
        let origin = Instant::ORIGIN;
        let (ask_at, dead_at, packet_at) = (never, never, origin);
        Self { interval, timeout, forgiving: false, ask_at, dead_at, packet_at }
    }

    /// Any packet within the timeout puts the verdict off, as after June 2026
    #[must_use]
    pub const fn forgiving(self) -> Self {
        Self { forgiving: true, ..self }
    }
}

impl Default for SocketIo {
    fn default() -> Self {
        Self::new(Duration::from_secs(25), Duration::from_secs(20))
    }
}

impl Rule for SocketIo {
    fn begin(&mut self, now: Instant) {
        self.ask_at = now + self.interval;
        self.packet_at = now;
    }

    fn deadline(&self) -> Instant {
        self.ask_at.min(self.dead_at)
    }

    fn due(&mut self, now: Instant) -> Act {
        if self.dead_at <= now {
            let quiet_until = self.packet_at + self.timeout;
            if self.forgiving && now < quiet_until {
                self.dead_at = quiet_until;
                return Act::Nothing;
            }
            return Act::Die("ping timeout");
        }
        self.ask_at = Instant::NEVER;
        self.dead_at = now + self.timeout;
        Act::Ping
    }

    fn heard(&mut self, heard: Heard, now: Instant) {
        self.packet_at = now;
        if let Heard::Pong(_) = heard {
            self.dead_at = Instant::NEVER;
            self.ask_at = now + self.interval;
        }
    }
}
