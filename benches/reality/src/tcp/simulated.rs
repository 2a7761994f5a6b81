//! A case in the simulator: hosts, a link, and pipes whose messages are as long as the writes.

use std::pin::{Pin, pin};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use everbeat_core::Message;
use everbeat_core::time::Instant;
use everbeat_core::transport::{Outgoing, PathEvidence, Transport};
use everbeat_faults::Direction;
use everbeat_sim::net::PipeError;
use everbeat_sim::{Link, Pipe, Sim, SimHandle};
use futures_util::future::{Either, poll_fn, select};

use super::case::{Case, Measure};
use super::play;
use super::world::{Connected, DELAY, End, Read, Road, World};

/// More than any case takes; in virtual time
const LIMIT: Duration = Duration::from_secs(300);
/// Between two looks at what the kernel knows
const LOOK: Duration = Duration::from_millis(1);
/// Of one write that fills a buffer
const PIECE: usize = 16 << 10;

/// Plays a case in a simulation of its own
pub(super) fn play(case: &Case, seed: u64) -> Result<Vec<Measure>> {
    let mut sim = Sim::seed(seed);
    let world = Simulated(sim.handle());
    let played = sim.block_on(play::play(case, &world), LIMIT);
    played.map_err(|error| anyhow!("{error}"))?
}

struct Simulated(SimHandle);

struct SimEnd {
    handle: SimHandle,
    pipe: Pipe,
    /// Bytes of a frame that are not the message's, up to this message's length
    overhead: usize,
    received: u64,
}

impl World for Simulated {
    type End = SimEnd;
    type Road = Link;

    fn now(&self) -> Duration {
        self.0.now().saturating_duration_since(Instant::ORIGIN)
    }

    async fn sleep_until(&self, at: Duration) {
        self.0.sleep(at.saturating_sub(self.now())).await;
    }

    async fn connect(&self) -> Result<Connected<SimEnd, Link>> {
        self.0.link("client", "server").delay(DELAY);
        let (client, server) = self.0.pipe("client", "server");
        let road = client.link();
        // RFC 6455, section 5.2: two bytes and, of a client, a mask of four.
        let end = |pipe, overhead| SimEnd { handle: self.0.clone(), pipe, overhead, received: 0 };
        Ok(Connected { client: end(client, 6), server: end(server, 2), road })
    }
}

impl Road for Link {
    fn close(&self, direction: Direction) {
        match direction {
            Direction::ToServer => self.to("server").partition(),
            Direction::ToClient => self.to("client").partition(),
            Direction::Both => self.partition(),
        }
    }

    fn open(&self) {
        self.repair();
    }
}

impl SimEnd {
    async fn flush(&mut self) -> Result<()> {
        Ok(poll_fn(|cx| Pin::new(&mut self.pipe).poll_flush(cx)).await?)
    }

    /// Whether the pipe could take and write one more piece
    async fn piece(&mut self) -> Result<()> {
        poll_fn(|cx| Pin::new(&mut self.pipe).poll_ready(cx)).await?;
        let message = Message::from(vec![0; PIECE]);
        Pin::new(&mut self.pipe).start_send(Outgoing::Message(message))?;
        self.flush().await
    }
}

impl End for SimEnd {
    async fn write(&mut self, bytes: usize) -> Result<()> {
        let payload = bytes.checked_sub(self.overhead).filter(|payload| *payload < 126);
        let payload = payload.context("the header of such a frame has another length")?;
        Ok(self.pipe.send(Outgoing::Message(vec![0; payload].into())).await?)
    }

    async fn fill(&mut self, quiet: Duration) -> Result<()> {
        loop {
            let patience = self.handle.sleep(quiet);
            match select(pin!(self.piece()), pin!(patience)).await {
                Either::Left((written, _)) => written?,
                Either::Right(_) => return Ok(()),
            }
        }
    }

    async fn writable(&mut self) -> Result<()> {
        self.flush().await
    }

    async fn read(&mut self) -> Result<Read> {
        match self.pipe.next().await {
            Some(Ok(_)) => {
                let received = self.pipe.received();
                let new = received - std::mem::replace(&mut self.received, received);
                Ok(Read::Bytes(usize::try_from(new)?))
            }
            None => Ok(Read::End),
            Some(Err(PipeError::Reset)) => Ok(Read::Reset),
            Some(Err(error)) => bail!(error),
        }
    }

    async fn acknowledged(&mut self) -> Result<Duration> {
        while self.evidence().await?.acknowledged < self.pipe.sent() {
            self.handle.sleep(LOOK).await;
        }
        Ok(self.handle.now().saturating_duration_since(Instant::ORIGIN))
    }

    async fn evidence(&mut self) -> Result<PathEvidence> {
        self.pipe.path().context("the platform tells nothing")
    }

    async fn finish(&mut self) -> Result<()> {
        self.pipe.link().to("client").end();
        Ok(())
    }

    async fn abort(&mut self) -> Result<()> {
        Pin::new(&mut self.pipe).abort();
        Ok(())
    }
}
