//! One connection and its socket: connects, upgrades, reads until there is nothing, writes what the
//! kernel takes.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use mio::net::TcpStream;
use socket2::{Domain, Socket, Type};

use crate::ears::Ears;
use crate::order::Order;
use crate::talk::{Shared, Talk};
use crate::{source, upgrade};

/// What one read takes at most: a burst's whole message
pub(crate) const ROOM: usize = 256 << 10;

/// A connection on its way, or one that stands
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
    stage: Stage,
    ears: Ears,
    talk: Talk,
    /// What the kernel has not taken
    unsent: Vec<u8>,
}

#[derive(Debug)]
enum Stage {
    Connecting,
    /// What has come of the answer
    Upgrading(Vec<u8>),
    Open,
}

impl Peer {
    /// Begins to connect, as the `number`th of all clients of this machine
    pub(crate) fn connect(address: SocketAddr, who: usize, number: usize) -> Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&source::of(number).into())?;
        socket.set_nonblocking(true)?;
        match socket.connect(&address.into()) {
            Err(error) if is_under_way(&error) => {}
            connected => connected?,
        }
        socket.set_tcp_nodelay(true)?;
        Ok(Self {
            stream: TcpStream::from_std(socket.into()),
            stage: Stage::Connecting,
            ears: Ears::default(),
            talk: Talk::new(who),
            unsent: Vec::new(),
        })
    }

    pub(crate) const fn stands(&self) -> bool {
        matches!(self.stage, Stage::Open)
    }

    pub(crate) const fn is_busy(&self) -> bool {
        self.talk.is_busy()
    }

    /// Begins what it is told to
    pub(crate) fn begin(&mut self, order: Order, shared: &mut Shared) -> Result<()> {
        self.talk.begin(order, shared);
        self.write(shared)
    }

    /// Does what can be done at once; whether it is still there, or was let go between messages
    ///
    /// Nobody is told twice that the other side has `closed`: then all is read up to the end.
    pub(crate) fn turn(
        &mut self,
        closed: bool,
        room: &mut [u8],
        shared: &mut Shared,
    ) -> Result<bool> {
        if matches!(self.stage, Stage::Connecting) && !self.connected(shared)? {
            return Ok(true);
        }
        self.write(shared)?;
        loop {
            let count = match self.stream.read(room) {
                Ok(0) if self.stands() && !self.is_busy() => return Ok(false),
                Ok(0) => bail!("it was let go in the middle"),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if is_end(&error) && !self.is_busy() => return Ok(false),
                Err(error) => return Err(error.into()),
            };
            self.hear(&room[..count], shared)?;
            self.write(shared)?;
            // Who was given less than there was room for was given all, and is told of more.
            if count < room.len() && !closed {
                break;
            }
        }
        Ok(true)
    }

    fn connected(&mut self, shared: &mut Shared) -> Result<bool> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error).context("it was not let in");
        }
        match self.stream.peer_addr() {
            Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(false),
            there => there.map(drop)?,
        }
        if shared.raw {
            self.open(shared);
        } else {
            self.stage = Stage::Upgrading(Vec::new());
            shared.out.extend_from_slice(upgrade::request().as_bytes());
        }
        Ok(true)
    }

    fn open(&mut self, shared: &mut Shared) {
        self.stage = Stage::Open;
        shared.counts.connected(self.talk.who);
    }

    fn hear(&mut self, bytes: &[u8], shared: &mut Shared) -> Result<()> {
        if shared.raw {
            return self.talk.hear_raw(bytes, shared);
        }
        let Stage::Upgrading(answer) = &mut self.stage else {
            return self.ears.hear(bytes, |heard| self.talk.hear(heard, shared));
        };
        answer.extend_from_slice(bytes);
        let Some(head) = upgrade::granted(answer)? else { return Ok(()) };
        let answer = std::mem::take(answer);
        self.open(shared);
        // A server may speak at once.
        self.ears.hear(&answer[head..], |heard| self.talk.hear(heard, shared))
    }

    /// Gives the kernel what there is to say
    fn write(&mut self, shared: &mut Shared) -> Result<()> {
        let (mut said, mut out) = (0, std::mem::take(&mut shared.out));
        if !self.unsent.is_empty() {
            self.unsent.append(&mut out);
        }
        let waiting = !self.unsent.is_empty();
        let bytes = if waiting { &self.unsent } else { &out };
        while said < bytes.len() {
            match self.stream.write(&bytes[said..]) {
                Ok(count) => said += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Why it has gone is read.
                Err(error) if is_end(&error) => break,
                Err(error) => return Err(error.into()),
            }
        }
        if said == bytes.len() {
            shared.counts.answered += std::mem::take(&mut self.talk.owed);
            self.unsent = Vec::new();
        } else if waiting {
            self.unsent.drain(..said);
        } else {
            self.unsent.extend_from_slice(&out[said..]);
        }
        out.clear();
        shared.out = out;
        Ok(())
    }
}

fn is_under_way(error: &io::Error) -> bool {
    error.kind() == ErrorKind::WouldBlock || error.raw_os_error() == Some(libc::EINPROGRESS)
}

/// A peer that has gone while it was spoken to
fn is_end(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
}
