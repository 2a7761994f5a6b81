//! The client: the loop around the machines. It reads no clock but between two waits, and waits for
//! nothing but its socket, until the instant that a machine names.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use everbeat_core::Cause;
use everbeat_core::cause::{CloseCode, Cut};
use everbeat_core::config::HeartbeatConfig;
use everbeat_core::heartbeat::{Beat, Heartbeat};
use everbeat_core::reconnect::{Backoff, Decision, Reconnect};
use everbeat_core::time::Instant;

use crate::clock::Clock;
use crate::frame::{Frame, Frames};
use crate::{ENOUGH, LATENESS, PATIENCE, PROMISE, Result};

const SAY_EVERY: Duration = Duration::from_millis(200);

pub(crate) struct Client {
    address: SocketAddr,
    clock: Clock,
    beat: HeartbeatConfig,
    reconnect: Reconnect,
}

/// What became of one connection
#[derive(Debug, Default)]
pub(crate) struct Life {
    /// How many attempts it took
    pub(crate) attempts: u32,
    pub(crate) said: u64,
    /// A Pong came to a Ping behind them
    pub(crate) delivered: u64,
    pub(crate) is_dead: bool,
    pub(crate) silent_for: Duration,
}

impl Client {
    pub(crate) fn new(address: SocketAddr, clock: Clock) -> Result<Self> {
        let steps = Duration::from_millis(100)..=Duration::from_secs(1);
        Ok(Self {
            address,
            clock,
            beat: HeartbeatConfig::CLIENT.detect_within(PROMISE)?,
            reconnect: Reconnect::new(Backoff::full_jitter(steps).check()?, rand::random()),
        })
    }

    /// Connects as often as it takes, until one connection has done all it should
    pub(crate) fn run(mut self) -> Result<Vec<Life>> {
        let mut lives = Vec::new();
        loop {
            let attempt = self.reconnect.attempt();
            let cause = match TcpStream::connect_timeout(&self.address, LATENESS) {
                Err(error) => Cause::Unreachable { detail: error.to_string().into() },
                Ok(stream) => {
                    let now = self.clock.now();
                    self.reconnect.handle_connected(now);
                    self.clock.tell("client", format_args!("connected, attempt {attempt}"));
                    let mut connection = Connection::new(stream, &self, now)?;
                    let cause = connection.live();
                    lives.push(Life { attempts: attempt, ..connection.life });
                    cause
                }
            };
            let now = self.clock.now();
            if now.since_origin() > PATIENCE {
                return Err(format!("it does not come to its end; now it is {cause}").into());
            }
            // The verdict on a cause is yours to change.
            match self.reconnect.handle_end(&cause, cause.default_verdict(), now) {
                Decision::RetryAt(at) => {
                    let delay = at.saturating_duration_since(now);
                    self.clock.tell("client", format_args!("{cause}; retry in {delay:.0?}"));
                    self.clock.sleep_until(at);
                }
                _ => {
                    self.clock.tell("client", cause);
                    return Ok(lives);
                }
            }
        }
    }
}

struct Connection {
    stream: TcpStream,
    frames: Frames,
    heartbeat: Heartbeat,
    clock: Clock,
    say_at: Instant,
    heard: u64,
    life: Life,
}

impl Connection {
    fn new(stream: TcpStream, client: &Client, now: Instant) -> Result<Self> {
        // A peer that takes nothing would block a write for ever; in a loop that must not wait,
        // sockets do not block, and `handle_progress` tells the heartbeat what they take.
        stream.set_write_timeout(Some(PROMISE))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            frames: Frames::default(),
            heartbeat: Heartbeat::new(client.beat, rand::random(), now),
            clock: client.clock,
            say_at: now,
            heard: 0,
            life: Life::default(),
        })
    }

    /// Talks until it has heard enough, or until there is nobody to talk to
    fn live(&mut self) -> Cause {
        loop {
            // A connection on which nothing is ever proven would stand for good
            if self.clock.now().since_origin() > PATIENCE {
                return Cause::TimedOut { limit: PATIENCE };
            }
            match self.turn() {
                Ok(None) => {}
                Ok(Some(cause)) => return cause,
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    let detail = error.to_string().into();
                    return Cause::Violation { code: CloseCode::PROTOCOL, detail };
                }
                Err(error) => {
                    return Cause::Cut { how: Cut::Failed, detail: error.to_string().into() };
                }
            }
        }
    }

    /// Waits for the socket or the next deadline, and does what is due
    fn turn(&mut self) -> io::Result<Option<Cause>> {
        let deadline = self.heartbeat.poll_timeout().min(self.say_at);
        let mut wait = self.clock.until(deadline);
        // First everything that has come: an answer that waits in the socket is an answer.
        while let Some(bytes) = self.read(wait)? {
            if bytes == 0 {
                return Ok(Some(Cause::Cut { how: Cut::End, detail: "".into() }));
            }
            wait = Duration::from_millis(1);
        }
        if let Some(cause) = self.beat()? {
            return Ok(Some(cause));
        }
        let now = self.clock.now();
        if now >= self.say_at && self.heard < ENOUGH {
            self.life.said += 1;
            self.write(&Frame::Say(format!("message {}", self.life.said)))?;
            self.heartbeat.handle_unproven(now);
            self.say_at = now + SAY_EVERY;
        }
        if self.heard >= ENOUGH {
            self.say_at = Instant::NEVER;
            // Leave once a Pong has come to a Ping behind the last message.
            if self.life.delivered == self.life.said {
                self.write(&Frame::Bye)?;
                return Ok(Some(Cause::ClosedByUs));
            }
        }
        Ok(None)
    }

    /// Whatever the heartbeat wants done; a cause if it says that the peer is dead
    fn beat(&mut self) -> io::Result<Option<Cause>> {
        let now = self.clock.now();
        // Nobody here asks the kernel how far our bytes got, so that nothing is counted for it.
        while let Some(beat) = self.heartbeat.handle_timeout(now, || None) {
            match beat {
                Beat::Ping(payload) => {
                    self.heartbeat.handle_ping_sent(self.life.said);
                    self.write(&Frame::Ping(payload))?;
                    self.heartbeat.handle_flushed(0, self.clock.now());
                }
                Beat::Suspect => {
                    let evidence = self.heartbeat.evidence(now);
                    self.clock.tell("client", format_args!("suspects: {evidence}"));
                }
                Beat::Dead(verdict) => {
                    let evidence = self.heartbeat.evidence(now);
                    (self.life.is_dead, self.life.silent_for) = (true, evidence.silent_for);
                    let Life { said, delivered, .. } = self.life;
                    self.clock.tell(
                        "client",
                        format_args!("{delivered} of {said} delivered, the others unconfirmed"),
                    );
                    return Ok(Some(Cause::Dead { verdict, evidence: evidence.into() }));
                }
                // The machine may learn to ask for more.
                _ => {}
            }
        }
        Ok(None)
    }

    /// Reads once, for at most so long; how many bytes, `None` if none came
    fn read(&mut self, wait: Duration) -> io::Result<Option<usize>> {
        let mut space = [0; 512];
        self.stream.set_read_timeout(Some(wait))?;
        let some = match self.stream.read(&mut space) {
            Ok(some) => some,
            Err(error) if is_timeout(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let now = self.clock.now();
        self.heartbeat.handle_heard(now);
        self.frames.push(space.get(..some).unwrap_or_default());
        while let Some(frame) = self.frames.next()? {
            match frame {
                Frame::Ping(payload) => self.write(&Frame::Pong(payload))?,
                Frame::Pong(payload) => {
                    if let Some(answer) = self.heartbeat.handle_pong(&payload, now) {
                        self.life.delivered = self.life.delivered.max(answer.mark);
                    }
                }
                Frame::Say(text) => {
                    self.heard += 1;
                    self.clock.tell("client", format_args!("> {text}"));
                }
                Frame::Bye => return Ok(Some(0)),
            }
        }
        Ok(Some(some))
    }

    fn write(&mut self, frame: &Frame) -> io::Result<()> {
        self.stream.write_all(&frame.to_bytes()?)
    }
}

fn is_timeout(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}
