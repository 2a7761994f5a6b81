//! What a connection is made of, in one box: the transport, the alarm, the policies, and what waits
//! between them. How it is driven is in the files beside this one, one for each phase.

use core::pin::Pin;
use core::task::Poll;

use alloc::boxed::Box;
use alloc::sync::Arc;
use pin_project::pin_project;

use super::beating::Own;
use super::closing::Closing;
use super::pace::Pace;
use super::ping_bucket::PingBucket;
use super::unusual::{Ending, Unusual};
use crate::cause::{Cause, Evidence};
use crate::config::{ConnectionConfig, OwnBeat};
use crate::event::Event;
use crate::heartbeat::{Millis, RoundTrip};
use crate::hint::Hint;
use crate::outcome::Ledger;
use crate::time::{Alarm, Instant, Timer, Wake};
use crate::transport::Transport;
use crate::turn::Turn;

/// One connection; [`Connection`](super::Connection) is a pointer to it
///
/// A server has as many of these as it has peers, and nearly all of them wait: what only some have,
/// or only for a while, is behind a pointer that is null.
#[pin_project]
pub(crate) struct Driver<T: Transport, K: Timer> {
    #[pin]
    pub(super) transport: T,
    #[pin]
    pub(super) alarm: Alarm<K::Sleep>,
    pub(super) timer: K,
    pub(super) pace: Pace,
    /// What the peer may still ping
    pub(super) pings: PingBucket,
    pub(super) ledger: Ledger,
    /// What most connections do not have
    pub(super) unusual: Option<Box<Unusual>>,
    /// What happened since the clock was last read: a wake-up reads it once, at its end
    pub(super) since_clock: SinceClock,
    /// How much the transport had received by then: the lower half, which tells whether it is more by
    /// now, for no wake-up reads 4 GiB
    pub(super) received: u32,
    /// How long the machine had slept when something was last due
    pub(super) slept: Millis,
    /// Its application's, while that does nothing but send
    pub(super) turn: Turn,
}

/// Facts that wait for a clock reading to become instants
#[derive(Debug, Default)]
pub(super) struct SinceClock {
    /// Frames read
    pub(super) frames: u8,
    /// Everything that had come was read
    pub(super) drained: bool,
    /// One of the peer's
    pub(super) heard_message: bool,
    pub(super) wrote: bool,
    /// And a Pong must vouch for it
    pub(super) unproven: bool,
    pub(super) flushed: bool,
    /// The transport holds something that is not flushed
    pub(super) unflushed: bool,
}

impl SinceClock {
    pub(super) const fn note_flushed(&mut self) {
        if self.unflushed {
            self.flushed = true;
            self.unflushed = false;
        }
    }
}

impl<T: Transport, K: Timer> Driver<T, K> {
    pub(super) fn begin(
        transport: T,
        timer: K,
        config: Arc<ConnectionConfig>,
        beat: Option<OwnBeat>,
        seed: u64,
        now: Instant,
    ) -> Self {
        let mut unusual = None;
        if config.idle().is_some() {
            Unusual::of(&mut unusual).last_message = Some((now, transport.sent_aside()));
        }
        let pace = Pace::new(config, beat.as_ref(), transport.can_ping(), seed, now);
        if let Some(beat) = beat {
            Unusual::of(&mut unusual).own = Some(Own::new(beat));
        }
        // What it slept before is none of this connection's business.
        let slept = Millis::of_total(timer.slept());
        Self {
            since_clock: SinceClock::default(),
            received: transport.received() as u32,
            pings: PingBucket::new(now),
            ledger: Ledger::default(),
            transport,
            alarm: Alarm::new(),
            timer,
            pace,
            unusual,
            slept,
            turn: Turn::default(),
        }
    }

    /// The next event, be it one that waits to be read
    pub(crate) fn poll_next(
        mut self: Pin<&mut Self>,
        wake: &mut Wake<'_, '_>,
    ) -> Poll<Option<Event>> {
        loop {
            if let Some(event) = self.as_mut().project().unusual.as_mut().and_then(|it| it.next()) {
                return Poll::Ready(Some(event));
            }
            if self.is_over() {
                return Poll::Ready(None);
            }
            if let Some(event) = core::task::ready!(self.as_mut().poll_round(wake)) {
                return Poll::Ready(Some(event));
            }
        }
    }

    /// One round, in whatever phase the connection is; `None` if the phase has changed, or what
    /// happened waits among what was read ahead
    pub(super) fn poll_round(self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) -> Poll<Option<Event>> {
        match self.ending() {
            None => self.poll_open(wake),
            Some(Ending::Closing(_)) => self.poll_closing(wake),
            Some(Ending::Over(_)) => Poll::Ready(None),
        }
    }

    /// Why and how it ends; `None` while it is open
    fn ending(&self) -> Option<&Ending> {
        self.unusual.as_ref()?.ending.as_ref()
    }

    #[inline]
    pub(crate) fn is_open(&self) -> bool {
        self.ending().is_none()
    }

    pub(super) fn closing(&self) -> Option<&Closing> {
        match self.ending() {
            Some(Ending::Closing(closing)) => Some(closing),
            _ => None,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.ending(), Some(Ending::Over(_)))
    }

    /// Why it ends or has ended
    pub(super) fn cause(&self) -> Cause {
        match self.ending() {
            None => Cause::ClosedByUs,
            Some(Ending::Closing(closing)) => closing.cause().clone(),
            Some(Ending::Over(cause)) => cause.clone(),
        }
    }

    pub(super) fn refuse_unless_open(&self) -> Result<(), Cause> {
        if self.is_open() { Ok(()) } else { Err(self.cause()) }
    }

    /// Asks for a beat out of turn
    pub(crate) fn ask(self: Pin<&mut Self>) {
        let this = self.project();
        if this.pace.heartbeat().is_some() {
            Unusual::of(this.unusual).probe = true;
        }
    }

    /// Something happened outside of the connection
    pub(crate) fn hear(self: Pin<&mut Self>, hint: Hint) {
        if let Hint::AddressGone(address) = hint {
            let this = self.project();
            let ours = this.transport.local_address().map(|ours| ours.to_canonical());
            if ours == Some(address.to_canonical()) {
                Unusual::of(this.unusual).address_gone = true;
            }
        } else if hint.hurries() {
            self.ask();
        }
    }

    pub(crate) fn round_trip(&self) -> Option<RoundTrip> {
        self.pace.heartbeat().and_then(|heartbeat| heartbeat.round_trip())
    }

    pub(crate) fn evidence(&self) -> Evidence {
        self.evidence_at(self.timer.now())
    }

    pub(super) fn evidence_at(&self, now: Instant) -> Evidence {
        let judged = self.pace.heartbeat().map(|heartbeat| heartbeat.evidence(now));
        Evidence {
            timer_late: self.alarm.lateness(now),
            address_gone: self.unusual.as_ref().is_some_and(|it| it.address_gone),
            path: self.transport.path(),
            received: self.transport.received(),
            sent: self.transport.sent(),
            ..judged.unwrap_or_default()
        }
    }

    pub(crate) const fn delivered(&self) -> u64 {
        self.ledger.proven()
    }

    pub(crate) const fn transport(&self) -> &T {
        &self.transport
    }

    /// What an earlier connection to the same peer has learnt of the road
    pub(crate) fn set_road_memory(self: Pin<&mut Self>, millis: u32) {
        if let Some(heartbeat) = self.project().pace.heartbeat_mut() {
            heartbeat.set_road_memory(millis);
        }
    }

    pub(crate) fn road_memory(&self) -> u32 {
        self.pace.heartbeat().map_or(0, |heartbeat| heartbeat.road_memory())
    }
}

/// A server has a million of these: what is not the transport's, the timer's or its sleep's, in bytes
#[cfg(target_pointer_width = "64")]
#[test]
fn a_connection_is_small() {
    let pace = size_of::<Pace>();
    let account = size_of::<PingBucket>() + size_of::<Ledger>();
    let since = size_of::<SinceClock>() + size_of::<(u32, Millis)>() + size_of::<Turn>();
    let unusual = size_of::<Option<Box<Unusual>>>();
    assert!(pace <= 72 && account <= 40, "{pace}, {account}");
    assert!(since <= 16 && unusual == 8, "{since}, {unusual}");
}
