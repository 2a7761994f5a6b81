//! Peers in raw bytes, each of them a socket of the standard library: they hold nothing of the heap, so
//! that what is counted in this process is the other side's.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use everbeat_load::frames::{self, BINARY, CONTINUATION, PING};

/// How often Pings are looked for
const ROUND: Duration = Duration::from_millis(100);

/// Far more than a round trip takes here
const PATIENCE: Duration = Duration::from_secs(30);

/// How many are in the middle of a burst at once
const TOGETHER: usize = 64;

/// A byte stream over a socket
pub(crate) trait Wire: Read + Write {
    fn tcp(&self) -> &TcpStream;
}

impl Wire for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

/// Many peers of one kind
#[derive(Debug)]
pub(crate) struct Crowd<W> {
    peers: Vec<W>,
    /// Clients mask what they say
    masks: bool,
    room: Vec<u8>,
}

impl<W: Wire> Crowd<W> {
    /// Nobody yet; grows to so many without allocating
    pub(crate) fn new(size: usize, masks: bool) -> Self {
        Self { peers: Vec::with_capacity(size), masks, room: vec![0; 256 << 10] }
    }

    /// One more, whose upgrade is over
    pub(crate) fn join(&mut self, peer: W) -> Result<()> {
        peer.tcp().set_read_timeout(Some(PATIENCE))?;
        peer.tcp().set_write_timeout(Some(PATIENCE))?;
        self.peers.push(peer);
        Ok(())
    }

    /// All go
    pub(crate) fn leave(&mut self) {
        self.peers.clear();
    }

    /// Answers Pings for so long
    pub(crate) fn idle(&mut self, time: Duration) -> Result<()> {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.answer()?;
            std::thread::sleep(ROUND.min(until.saturating_duration_since(Instant::now())));
        }
        Ok(())
    }

    fn answer(&mut self) -> Result<()> {
        let mut space = [0; 256];
        for peer in &mut self.peers {
            peer.tcp().set_nonblocking(true)?;
            let count = match peer.read(&mut self.room) {
                Ok(0) => bail!("a connection was closed"),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error).context("a connection broke"),
            };
            let mut heard = &self.room[..count];
            // What is said to those who say nothing is small, and comes in one piece.
            while let Some(frame) = frames::first(heard) {
                ensure!(frame.code == PING, "a frame of code {} among beats", frame.code);
                peer.write_all(frames::pong(&frame, self.masks, &mut space))?;
                heard = &heard[frame.length..];
            }
            ensure!(heard.is_empty(), "half a frame among beats");
        }
        Ok(())
    }

    /// Everybody says so many bytes in one message, and hears as many
    pub(crate) fn burst(&mut self, bytes: usize) -> Result<()> {
        let message = frames::message(bytes);
        for begin in (0..self.peers.len()).step_by(TOGETHER) {
            let all = begin..(begin + TOGETHER).min(self.peers.len());
            for peer in &mut self.peers[all.clone()] {
                peer.tcp().set_nonblocking(false)?;
                peer.write_all(&message)?;
                peer.flush()?;
            }
            self.hear(all, bytes)?;
        }
        Ok(())
    }

    /// Everybody hears so many bytes of messages
    pub(crate) fn hear_all(&mut self, bytes: usize) -> Result<()> {
        self.hear(0..self.peers.len(), bytes)
    }

    fn hear(&mut self, who: std::ops::Range<usize>, bytes: usize) -> Result<()> {
        let mut space = [0; 256];
        for peer in &mut self.peers[who] {
            peer.tcp().set_nonblocking(false)?;
            let (mut filled, mut left) = (0, bytes);
            while left > 0 {
                let count = peer.read(&mut self.room[filled..]).context("a burst's answer")?;
                ensure!(count > 0, "a connection was closed in a burst");
                filled += count;
                let mut begin = 0;
                while let Some(frame) = frames::first(&self.room[begin..filled]) {
                    match frame.code {
                        PING => peer.write_all(frames::pong(&frame, self.masks, &mut space))?,
                        CONTINUATION | BINARY => left -= frame.payload.len().min(left),
                        code => bail!("a frame of code {code} in a burst"),
                    }
                    begin += frame.length;
                }
                self.room.copy_within(begin..filled, 0);
                filled -= begin;
            }
        }
        Ok(())
    }
}
