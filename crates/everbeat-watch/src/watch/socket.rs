//! The kernel's socket for links, addresses and routes: opened, asked for all, emptied of changes.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recvfrom, sendto,
    socket_with,
};

use super::Source;
use super::message::{Message, Told, messages};
use super::view::View;

/// Links, addresses and routes of both families: `RTMGRP_LINK`, `.._IFADDR`, `.._ROUTE`
const GROUPS: u32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;

/// As much as the kernel puts into one reading
const ROOM: usize = 32 << 10;

const GET_LINK: u16 = 18;
const GET_ADDRESS: u16 = 22;
const GET_ROUTE: u16 = 26;

/// How long the kernel may take to answer; it takes microseconds
const PATIENCE: Timespec = Timespec { tv_sec: 5, tv_nsec: 0 };
/// How often it is asked while all changes too fast for a whole answer
const TRIES: u32 = 5;

/// A socket that hears of every change
#[derive(Debug)]
pub(super) struct Socket {
    socket: OwnedFd,
    buffer: Vec<u8>,
    sequence: u32,
}

/// What applying changes has left open
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Doubt {
    /// There were more changes than the kernel could keep
    pub(super) lost: bool,
    /// Routes may be gone that the kernel tells nothing of
    pub(super) routes: bool,
}

impl Doubt {
    pub(super) const fn any(self) -> bool {
        self.lost || self.routes
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self { lost: self.lost || other.lost, routes: self.routes || other.routes }
    }
}

/// What one reading gave
enum Heard {
    /// Bytes; `cut` if there were more than fit, which are lost
    Bytes {
        cut: bool,
    },
    Nothing,
    /// Changes, for the queue was full
    Lost,
}

impl Socket {
    pub(super) fn open() -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        // No protocol is `NETLINK_ROUTE`.
        let socket = socket_with(AddressFamily::NETLINK, SocketType::DGRAM, flags, None)?;
        bind(&socket, &SocketAddrNetlink::new(0, GROUPS))?;
        Ok(Self { socket, buffer: vec![0; ROOM], sequence: 0 })
    }

    /// `None` if something is missing in it
    fn try_ask(&mut self) -> io::Result<Option<View>> {
        let mut view = View::default();
        // In this order a route finds its link.
        for (kind, length) in [(GET_LINK, 16), (GET_ADDRESS, 8), (GET_ROUTE, 12)] {
            self.sequence = self.sequence.wrapping_add(1);
            sendto(
                &self.socket,
                &request(kind, length, self.sequence),
                SendFlags::empty(),
                &SocketAddrNetlink::new(0, 0),
            )?;
            let (sequence, mut whole, mut end) = (self.sequence, true, None);
            while end.is_none() {
                self.wait()?;
                let heard = self.read(|message| {
                    if message.sequence == sequence {
                        whole &= !message.interrupted;
                        if let Some(Told::End(error)) = message.told {
                            end = Some(error);
                        }
                    }
                    apply(&mut view, message);
                })?;
                if matches!(heard, Heard::Lost) {
                    return Ok(None);
                }
            }
            match end.flatten() {
                Some(number) => return Err(io::Error::from_raw_os_error(number)),
                None if whole => {}
                None => return Ok(None),
            }
        }
        Ok(Some(view))
    }

    fn wait(&self) -> io::Result<()> {
        let mut alone = [PollFd::new(&self.socket, PollFlags::IN)];
        match poll(&mut alone, Some(&PATIENCE)) {
            Ok(0) => Err(io::ErrorKind::TimedOut.into()),
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn read(&mut self, each: impl FnMut(Message)) -> io::Result<Heard> {
        // With `TRUNC` the length is told of what did not fit, too.
        match recvfrom(&self.socket, &mut self.buffer[..], RecvFlags::TRUNC) {
            Ok((read, length, from)) => {
                // Nobody but the kernel is believed: it has number 0.
                let from = from.and_then(|from| SocketAddrNetlink::try_from(from).ok());
                let heard = self.buffer.get(..read).unwrap_or_default();
                if from.is_some_and(|from| from.pid() == 0) {
                    messages(heard).for_each(each);
                }
                Ok(Heard::Bytes { cut: length > read })
            }
            Err(Errno::AGAIN | Errno::INTR) => Ok(Heard::Nothing),
            Err(Errno::NOBUFS) => Ok(Heard::Lost),
            Err(error) => Err(error.into()),
        }
    }
}

impl Source for Socket {
    /// All that is there now; what changes meanwhile is in it, or waits in the socket
    fn ask(&mut self) -> io::Result<View> {
        for _ in 0..TRIES {
            if let Some(view) = self.try_ask()? {
                return Ok(view);
            }
        }
        Err(io::Error::other("it changes too fast for a whole answer"))
    }

    /// Applies the changes that wait
    fn drain(&mut self, view: &mut View) -> io::Result<Doubt> {
        let mut doubt = Doubt::default();
        loop {
            match self.read(|message| doubt.routes |= apply(view, message))? {
                Heard::Bytes { cut } => doubt.lost |= cut,
                Heard::Lost => doubt.lost = true,
                Heard::Nothing => return Ok(doubt),
            }
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn apply(view: &mut View, message: Message) -> bool {
    match message.told {
        Some(Told::Change(change)) => view.apply(change),
        Some(Told::End(_)) | None => false,
    }
}

/// Asks for all there is of a kind: a header, and so many bytes that name no family
fn request(kind: u16, length: usize, sequence: u32) -> Vec<u8> {
    const REQUEST: u16 = 0x1;
    const DUMP: u16 = 0x300;
    const HEADER: usize = 16;
    let whole = HEADER + length;
    let mut bytes = Vec::with_capacity(whole);
    bytes.extend(u32::try_from(whole).unwrap_or(u32::MAX).to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend((REQUEST | DUMP).to_ne_bytes());
    bytes.extend(sequence.to_ne_bytes());
    bytes.resize(whole, 0);
    bytes
}
