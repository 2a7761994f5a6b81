//! The peer: one thread that never waits for a read or a write, so that it can say and hear as
//! unevenly as it likes.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use fastrand::Rng;

use super::Tally;
use super::hears::Hears;
use super::says::Says;
use super::wire::Wire;
use crate::peer::{ASK, PATIENCE, grant, pause};

/// What is said or heard at once, at most, in bytes
const CHUNK: usize = 100_000;

/// How much is made ready to be said before more is drawn, in bytes
const AHEAD: usize = 200_000;

/// The peer's rest when nothing moves
const REST: Duration = Duration::from_micros(100);

/// One side of a stream, in raw bytes
pub(super) struct Peer {
    wire: Wire,
    rng: Rng,
    says: Says,
    hears: Hears,
    /// What is to be said, and how much of it has been
    out: Vec<u8>,
    said: usize,
    /// For how many rounds it does not read
    deaf: u32,
}

impl Peer {
    /// Dials, and asks for the upgrade
    pub(super) fn dial(address: SocketAddr, tls: bool, rng: Rng) -> Self {
        let mut wire = Wire::client(TcpStream::connect(address).unwrap(), tls);
        wire.write_all(ASK.as_bytes()).unwrap();
        let granted = wire.head().unwrap();
        assert!(granted.starts_with("HTTP/1.1 101 "), "{granted}");
        Self::new(wire, rng, true)
    }

    /// Takes a connection, and grants the upgrade
    pub(super) fn accept(listener: &TcpListener, tls: bool, rng: Rng) -> Self {
        let mut wire = Wire::server(listener.accept().unwrap().0, tls);
        let asked = wire.head().unwrap();
        wire.write_all(grant(&asked).as_bytes()).unwrap();
        Self::new(wire, rng, false)
    }

    fn new(wire: Wire, mut rng: Rng, client: bool) -> Self {
        if rng.u8(..4) == 0 {
            wire.narrow();
        }
        wire.never_block();
        let says = Says::new(rng.fork(), client);
        let hears = Hears::new(!client);
        Self { wire, rng, says, hears, out: Vec::new(), said: 0, deaf: 0 }
    }

    /// Says so many messages, hears them again, and closes; or what was wrong
    pub(super) fn play(mut self, messages: u64) -> Result<Tally, String> {
        let mut left = messages;
        let mut closing = false;
        let mut rests = Duration::ZERO;
        while !self.hears.closed {
            if self.out.len() - self.said < AHEAD && left > 0 {
                left -= 1;
                let said = self.says.message();
                self.out.extend(&said.bytes);
                self.hears.expect(said);
            }
            for ping in std::mem::take(&mut self.hears.asked) {
                // Nothing is said behind a Close
                if !closing {
                    let pong = self.says.frame(0x8a, &ping);
                    self.out.extend(pong);
                }
            }
            if left == 0 && !closing && self.hears.is_over() {
                closing = true;
                let close = self.says.frame(0x88, &1000u16.to_be_bytes());
                self.out.extend(close);
            }
            let (said, heard) = (self.say()?, self.listen()?);
            if said || heard {
                rests = Duration::ZERO;
                continue;
            }
            rests += REST;
            if rests > PATIENCE {
                return Err("nothing moves any more".into());
            }
            pause(REST);
        }
        Ok(self.hears.tally)
    }

    /// Says some of it; whether there was room
    fn say(&mut self) -> Result<bool, String> {
        if self.said == self.out.len() {
            self.out.clear();
            self.said = 0;
            // TLS may hold what the socket has not taken
            _ = self.wire.flush();
            return Ok(false);
        }
        let to = self.out.len().min(self.said + chunk(&mut self.rng));
        let said = settled(self.wire.write(&self.out[self.said..to]))?;
        self.said += said.unwrap_or(0);
        Ok(said.is_some())
    }

    /// Hears some of it, unless it does not listen; whether there was something
    fn listen(&mut self) -> Result<bool, String> {
        if self.deaf > 0 {
            self.deaf -= 1;
            return Ok(false);
        }
        if self.rng.u8(..32) == 0 {
            self.deaf = self.rng.u32(..50);
        }
        let mut room = vec![0; chunk(&mut self.rng)];
        match settled(self.wire.read(&mut room))? {
            None => Ok(false),
            Some(0) => Err("the stream ended".into()),
            Some(count) => self.hears.hear(&room[..count]).map(|()| true),
        }
    }
}

/// So many bytes: as likely 1 as 10 as 100,000
fn chunk(rng: &mut Rng) -> usize {
    let most = CHUNK >> rng.u32(..17);
    rng.usize(1..=most.max(1))
}

/// `None` if it would have to wait
fn settled(moved: std::io::Result<usize>) -> Result<Option<usize>, String> {
    match moved {
        Ok(count) => Ok(Some(count)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}
