//! All connections on one epoll: who comes, whose turn it is, when Pings are due.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use anyhow::Result;
use everbeat_load::frames::{self, BINARY};
use everbeat_load::payload;
use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token, Waker};
use socket2::{Domain, Socket, Type};

use crate::args::{Args, Speech};
use crate::guest::{A_PING, Guest, is_end};
use crate::say;

const DOOR: Token = Token(usize::MAX);
const ORDERS: Token = Token(usize::MAX - 1);

const EVENTS: usize = 1_024;
/// What one read takes at most
const ROOM: usize = 256 << 10;
/// So many can wait to be let in
const BACKLOG: i32 = 4_096;
/// A beat is in so many parts, so that Pings do not go out all at once
const PARTS: u32 = 100;

/// The server
#[derive(Debug)]
pub(crate) struct Host {
    speech: Speech,
    beat: Option<Duration>,
    poll: Poll,
    door: TcpListener,
    guests: Vec<Option<Guest>>,
    /// Places that are free
    free: Vec<usize>,
    broadcasts: Receiver<usize>,
    said: u64,
}

impl Host {
    pub(crate) fn new(args: &Args, broadcasts: Receiver<usize>) -> Result<(Self, Arc<Waker>)> {
        let poll = Poll::new()?;
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
        socket.listen(BACKLOG)?;
        let mut door = TcpListener::from_std(socket.into());
        poll.registry().register(&mut door, DOOR, Interest::READABLE)?;
        let waker = Arc::new(Waker::new(poll.registry(), ORDERS)?);
        let host = Self {
            speech: args.speech,
            beat: args.beat.filter(|_| args.speech == Speech::Web),
            poll,
            door,
            guests: Vec::new(),
            free: Vec::new(),
            broadcasts,
            said: 0,
        };
        Ok((host, waker))
    }

    pub(crate) fn address(&self) -> Result<SocketAddr> {
        Ok(self.door.local_addr()?)
    }

    pub(crate) fn serve(mut self) -> Result<()> {
        let (mut events, mut room) = (Events::with_capacity(EVENTS), vec![0; ROOM]);
        let (mut due, mut part) = (self.beat.map(|beat| Instant::now() + beat / PARTS), 0);
        loop {
            let left = due.map(|due| due.saturating_duration_since(Instant::now()));
            match self.poll.poll(&mut events, left) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                polled => polled?,
            }
            for event in &events {
                match event.token() {
                    DOOR => self.let_in()?,
                    ORDERS => self.broadcast(),
                    Token(who) => self.turn(who, event.is_read_closed(), &mut room),
                }
            }
            if let (Some(beat), Some(at)) = (self.beat, due)
                && Instant::now() >= at
            {
                due = Some(at + beat / PARTS);
                for who in (part..self.guests.len()).step_by(PARTS as usize) {
                    self.tell(who, [&A_PING, &[]]);
                }
                part = (part + 1) % PARTS as usize;
            }
        }
    }

    fn let_in(&mut self) -> Result<()> {
        loop {
            let mut stream = match self.door.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            stream.set_nodelay(true)?;
            let who = self.free.pop().unwrap_or_else(|| {
                self.guests.push(None);
                self.guests.len() - 1
            });
            let both = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(&mut stream, Token(who), both)?;
            self.guests[who] = Some(Guest::new(stream, self.speech));
        }
    }

    fn turn(&mut self, who: usize, closed: bool, room: &mut [u8]) {
        let Some(guest) = &mut self.guests[who] else { return };
        let there = guest.turn(closed, room, self.speech);
        self.look(who, there);
    }

    fn tell(&mut self, who: usize, both: [&[u8]; 2]) {
        let Some(guest) = self.guests[who].as_mut().filter(|guest| guest.is_open()) else {
            return;
        };
        let told = guest.write(both).map(|()| true);
        self.look(who, told);
    }

    /// Who has gone leaves its place
    fn look(&mut self, who: usize, there: Result<bool>) {
        match there {
            Ok(true) => return,
            Err(error) if !is_end(&error) => say(format_args!("lost {error:#}")),
            Ok(false) | Err(_) => {}
        }
        self.guests[who] = None;
        self.free.push(who);
    }

    /// A write for each, and nothing else
    fn broadcast(&mut self) {
        while let Ok(bytes) = self.broadcasts.try_recv() {
            self.said += 1;
            let mut message = Vec::with_capacity(bytes + 10);
            frames::head(BINARY, bytes, 0, &mut message);
            message.extend_from_slice(&payload::broadcast(self.said, bytes));
            for who in 0..self.guests.len() {
                self.tell(who, [&message, &[]]);
            }
        }
    }
}
