//! One connection: 16 bytes while it has nothing under way.

use std::io::{self, ErrorKind, IoSlice, Read, Write};

use anyhow::{Result, bail};
use everbeat_load::frames::{self, BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT};
use everbeat_load::upgrade;
use mio::net::TcpStream;

use crate::args::Speech;

/// A Ping without a payload
pub(crate) const A_PING: [u8; 2] = [0x80 | PING, 0];

/// A connection
#[derive(Debug)]
pub(crate) struct Guest {
    pub(crate) stream: TcpStream,
    state: State,
}

#[derive(Debug)]
enum State {
    /// What has come of the request
    Asking(Box<Halves>),
    Open,
    /// Something is half read or half written
    Busy(Box<Halves>),
}

#[derive(Debug, Default)]
struct Halves {
    heard: Vec<u8>,
    unsent: Vec<u8>,
}

impl Guest {
    pub(crate) fn new(stream: TcpStream, speech: Speech) -> Self {
        let state = match speech {
            Speech::Tcp => State::Open,
            Speech::Web => State::Asking(Box::default()),
        };
        Self { stream, state }
    }

    /// It may be told something
    pub(crate) const fn is_open(&self) -> bool {
        !matches!(self.state, State::Asking(_))
    }

    /// Does what can be done at once; whether it is still there
    ///
    /// Nobody is told twice that the other side has `closed`: then all is read up to the end.
    pub(crate) fn turn(&mut self, closed: bool, room: &mut [u8], speech: Speech) -> Result<bool> {
        let there = self.exchange(closed, room, speech);
        if matches!(&self.state, State::Busy(it) if it.heard.is_empty() && it.unsent.is_empty()) {
            self.state = State::Open;
        }
        there
    }

    fn exchange(&mut self, closed: bool, room: &mut [u8], speech: Speech) -> Result<bool> {
        if let State::Busy(halves) = &mut self.state {
            let unsent = std::mem::take(&mut halves.unsent);
            self.write([&unsent, &[]])?;
        }
        loop {
            let count = match self.stream.read(room) {
                Ok(0) => return Ok(false),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            match speech {
                Speech::Tcp => self.write([&room[..count], &[]])?,
                Speech::Web => self.hear(&mut room[..count])?,
            }
            if count < room.len() && !closed {
                return Ok(true);
            }
        }
    }

    fn hear(&mut self, bytes: &mut [u8]) -> Result<()> {
        match &mut self.state {
            State::Asking(halves) => {
                halves.heard.extend_from_slice(bytes);
                if halves.heard.ends_with(b"\r\n\r\n") {
                    let answer = upgrade::answer(&halves.heard)?;
                    self.state = State::Open;
                    self.write([answer.as_bytes(), &[]])?;
                }
            }
            State::Open => {
                let used = self.each(bytes)?;
                self.keep(&bytes[used..]);
            }
            State::Busy(halves) => {
                let mut heard = std::mem::take(&mut halves.heard);
                heard.extend_from_slice(bytes);
                let used = self.each(&mut heard)?;
                self.keep(&heard[used..]);
            }
        }
        Ok(())
    }

    /// Says whole messages back, unmasked where they lie; how many bytes they were
    fn each(&mut self, bytes: &mut [u8]) -> Result<usize> {
        let (mut used, mut head) = (0, Vec::with_capacity(10));
        while let Some(frame) = frames::first(&bytes[used..]) {
            let (code, key, length) = (frame.code, frame.key.unwrap_or_default(), frame.length);
            let payload = used + length - frame.payload.len()..used + length;
            used += length;
            match code {
                TEXT | BINARY | CONTINUATION => {
                    frames::unmask(&mut bytes[payload.clone()], key);
                    head.clear();
                    frames::head(code, payload.len(), 0, &mut head);
                    self.write([&head, &bytes[payload]])?;
                }
                PONG => {}
                CLOSE => bail!("it says that it goes"),
                code => bail!("a frame of code {code}"),
            }
        }
        Ok(used)
    }

    /// Keeps the beginning of a frame
    fn keep(&mut self, rest: &[u8]) {
        match &mut self.state {
            State::Busy(halves) => halves.heard.extend_from_slice(rest),
            State::Open if !rest.is_empty() => {
                self.state = State::Busy(Box::new(Halves { heard: rest.to_vec(), unsent: vec![] }));
            }
            State::Open | State::Asking(_) => {}
        }
    }

    /// Gives the kernel both, behind what it has not taken yet
    pub(crate) fn write(&mut self, both: [&[u8]; 2]) -> Result<()> {
        let mut said = 0;
        let waits = matches!(&self.state, State::Busy(halves) if !halves.unsent.is_empty());
        let all = both[0].len() + both[1].len();
        while !waits && said < all {
            let first = &both[0][said.min(both[0].len())..];
            let second = &both[1][said.saturating_sub(both[0].len())..];
            match self.stream.write_vectored(&[IoSlice::new(first), IoSlice::new(second)]) {
                Ok(count) => said += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        if said < all {
            let mut halves = match std::mem::replace(&mut self.state, State::Open) {
                State::Busy(halves) => halves,
                State::Open | State::Asking(_) => Box::default(),
            };
            let unsent = both.concat();
            halves.unsent.extend_from_slice(&unsent[said..]);
            self.state = State::Busy(halves);
        }
        Ok(())
    }
}

/// A peer that has gone
pub(crate) fn is_end(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| {
        matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
    })
}
