//! The heartbeat alone, as a driver calls it: what it adds to a message, and what a beat, a wake that
//! finds nothing to do and a look at the road cost.

use std::hint::black_box;
use std::time::Duration;

use everbeat_core::config::HeartbeatConfig;
use everbeat_core::heartbeat::{Beat, Heartbeat};
use everbeat_core::time::Instant;
use everbeat_core::transport::PathEvidence;

const MICROSECOND: Duration = Duration::from_micros(1);

/// What happens to a heartbeat over and over
#[derive(Clone, Copy)]
pub(crate) enum Duty {
    /// A message comes in, and the driver's round asks when something is due
    Message,
    /// A Ping is due, flushed and answered
    Beat,
    /// The alarm rings at a deadline that has moved
    Wake,
    /// A Ping stays unanswered beyond the soft clock, and the kernel says that it was acknowledged
    Look,
}

impl Duty {
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "message" => Some(Self::Message),
            "beat" => Some(Self::Beat),
            "wake" => Some(Self::Wake),
            "look" => Some(Self::Look),
            _ => None,
        }
    }
}

/// A heartbeat, its clock and its kernel
pub(crate) struct Machine {
    heartbeat: Heartbeat,
    now: Instant,
    sent: u64,
}

impl Machine {
    pub(crate) fn new() -> Self {
        let now = Instant::ORIGIN;
        let heartbeat = Heartbeat::new(HeartbeatConfig::SERVER, 7, now);
        let mut machine = Self { heartbeat, now, sent: 0 };
        // Who was heard has a tempo, which is asked for too.
        machine.message();
        machine
    }

    pub(crate) fn run(&mut self, duty: Duty, times: usize) {
        for _ in 0..times {
            match duty {
                Duty::Message => self.message(),
                Duty::Beat => self.beat(),
                Duty::Wake => self.wake(),
                Duty::Look => self.look(),
            }
        }
    }

    /// What there is to do now; the kernel has acknowledged all that it took, just now
    fn asked(&mut self) -> Option<Beat> {
        let mut path = PathEvidence::default();
        path.acknowledged = self.sent;
        black_box(&mut self.heartbeat).handle_timeout(black_box(self.now), || Some(path))
    }

    fn message(&mut self) {
        self.now += MICROSECOND;
        black_box(&mut self.heartbeat).handle_heard(black_box(self.now));
        black_box(self.heartbeat.poll_timeout());
    }

    fn wake(&mut self) {
        assert!(self.asked().is_none(), "nothing is due");
        black_box(self.heartbeat.poll_timeout());
    }

    /// Waits for the next Ping; its payload
    fn ping(&mut self) -> [u8; 8] {
        self.now = self.heartbeat.poll_timeout();
        let asked = self.asked();
        let Some(Beat::Ping(payload)) = asked else { panic!("a Ping is due, not {asked:?}") };
        self.sent += 14;
        self.heartbeat.handle_flushed(self.sent, self.now);
        payload
    }

    fn beat(&mut self) {
        let payload = self.ping();
        self.now += MICROSECOND;
        self.heartbeat.handle_heard(self.now);
        assert!(self.heartbeat.handle_pong(&payload, self.now).is_some(), "it is answered");
    }

    /// A beat, and the look that comes before its answer
    fn look(&mut self) {
        let payload = self.ping();
        self.now = self.heartbeat.poll_timeout();
        assert!(self.asked().is_none(), "it was acknowledged just now");
        self.heartbeat.handle_heard(self.now);
        assert!(self.heartbeat.handle_pong(&payload, self.now).is_some(), "it is answered");
    }
}
