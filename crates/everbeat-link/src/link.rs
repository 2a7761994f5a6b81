//! The edge: a thread between two wires, which takes what comes, asks the shapers, and hands over what
//! is due.

mod wire;

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

pub use self::wire::Wire;
use crate::shape::{Shape, Way};
use crate::shaper::{Counts, Shaper};

/// Packets that are taken from one wire before the other is looked at
const TURN: usize = 64;

/// A link between two wires' ends
///
/// Dropped, it is gone, and its wires with it.
#[derive(Debug)]
pub struct Link {
    ways: Arc<Mutex<Ways>>,
    /// A byte makes the thread look at the ways anew; its end ends it
    bell: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Ways {
    out: Shaper<Vec<u8>>,
    back: Shaper<Vec<u8>>,
    /// By how much a packet was handed over too late, at worst
    late: Duration,
}

impl Link {
    /// Lays it, perfect in the beginning
    ///
    /// # Errors
    ///
    /// The wires' ends cannot be waited for, or there is no thread for us.
    pub fn lay(near: Wire, far: Wire, seed: u64) -> Result<Self> {
        near.never_wait().and_then(|()| far.never_wait()).context("its wires' ends")?;
        let (bell, rung) = UnixStream::pair()?;
        rung.set_nonblocking(true)?;
        bell.set_nonblocking(true)?;
        let [out, back] =
            [seed, seed.rotate_left(32) ^ 1].map(|seed| Shaper::new(Shape::default(), seed));
        let ways = Arc::new(Mutex::new(Ways { out, back, late: Duration::ZERO }));
        let carrier = Carrier { near, far, rung, ways: ways.clone() };
        let thread = thread::Builder::new().name("link".into()).spawn(move || carrier.carry())?;
        Ok(Self { ways, bell: Some(bell), thread: Some(thread) })
    }

    /// One way is like this from now on
    pub fn shape(&self, way: Way, shape: Shape) {
        let now = Instant::now();
        lock(&self.ways).way(way).handle_shape(now, shape);
        // A bell that is full of rings will be heard.
        _ = self.bell.as_ref().map(|mut bell| bell.write(&[0]));
    }

    /// What became of the packets of one way
    #[must_use]
    pub fn counts(&self, way: Way) -> Counts {
        lock(&self.ways).way(way).counts()
    }

    /// By how much a packet was handed over too late at worst, since this was last asked
    #[must_use]
    pub fn take_lateness(&self) -> Duration {
        std::mem::take(&mut lock(&self.ways).late)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        drop(self.bell.take());
        if let Some(thread) = self.thread.take() {
            // Had it panicked, a link was missing, and a test has told.
            _ = thread.join();
        }
    }
}

impl Ways {
    const fn way(&mut self, way: Way) -> &mut Shaper<Vec<u8>> {
        match way {
            Way::Out => &mut self.out,
            Way::Back => &mut self.back,
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        [self.out.poll_timeout(), self.back.poll_timeout()].into_iter().flatten().min()
    }
}

/// Whole between any two statements, so that a panic elsewhere has broken nothing
fn lock(ways: &Mutex<Ways>) -> MutexGuard<'_, Ways> {
    ways.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the thread has
struct Carrier {
    near: Wire,
    far: Wire,
    rung: UnixStream,
    ways: Arc<Mutex<Ways>>,
}

impl Carrier {
    /// Until the link is dropped, or cannot be waited for
    fn carry(self) {
        let mut buffer = vec![0; Wire::LONGEST];
        while self.is_wanted() {
            self.take(&mut buffer);
            let next = self.hand_over();
            if self.wait(next).is_err() {
                return;
            }
        }
    }

    /// Whether the bell is still there
    fn is_wanted(&self) -> bool {
        let rings = (&self.rung).read(&mut [0; TURN]);
        !matches!(rings, Ok(0))
    }

    /// Takes what the kernels have sent
    fn take(&self, buffer: &mut [u8]) {
        for (wire, way) in [(&self.near, Way::Out), (&self.far, Way::Back)] {
            for _ in 0..TURN {
                let Ok(length) = wire.recv(buffer) else { break };
                let packet = buffer.get(..length).unwrap_or_default();
                // A kernel looks for neighbours by IPv6 on every device; these wires have none.
                if packet.first().is_none_or(|first| first >> 4 != 4) {
                    continue;
                }
                // What is lost is counted.
                _ = lock(&self.ways).way(way).handle_packet(
                    Instant::now(),
                    packet.to_vec(),
                    length,
                );
            }
        }
    }

    /// Hands over what is due; when something is next
    fn hand_over(&self) -> Option<Instant> {
        let mut ways = lock(&self.ways);
        for (wire, way) in [(&self.far, Way::Out), (&self.near, Way::Back)] {
            let due = ways.way(way).poll_timeout();
            let now = Instant::now();
            let late = due.map_or(Duration::ZERO, |due| now.saturating_duration_since(due));
            ways.late = ways.late.max(late);
            while let Some(packet) = ways.way(way).poll_packet(now) {
                // A network that is gone hears nothing.
                _ = wire.send(&packet);
            }
        }
        ways.poll_timeout()
    }

    /// Waits for a packet, for the bell, or until then
    fn wait(&self, until: Option<Instant>) -> io::Result<()> {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        let ends = [self.near.as_fd(), self.far.as_fd(), self.rung.as_fd()];
        let mut ends = ends.map(|end| PollFd::from_borrowed_fd(end, PollFlags::IN));
        match poll(&mut ends, left.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
