//! The epoll of a crowd: who joins it, and the turns in which the crowd is woken.

use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::net::TcpStream;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_util::task::AtomicWaker;
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;

use crate::Tcp;
use crate::nested::Nested;
use crate::place::Ready;
use crate::table::Table;

/// How many sockets one turn wakes at most
const TURN: usize = 256;

/// What all of a nest share
pub(crate) struct Shared {
    epoll: OwnedFd,
    table: Mutex<Table>,
    /// Sockets, and those who may bring more
    users: AtomicUsize,
    /// The turns' task, to be told that there are none
    over: AtomicWaker,
    /// Nobody makes turns any more, so that whoever waits would do so for ever
    gone: AtomicBool,
}

impl Shared {
    /// No step leaves it half-changed, so a panic of another thread is no reason to stop.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leave(&self) {
        if self.users.fetch_sub(1, AcqRel) == 1 {
            self.over.wake();
        }
    }

    /// What a socket is told that waits: as of a runtime's own whose runtime has ended
    ///
    /// Asked behind leaving a waker: either the waker is found by who ends the nest, or this is.
    pub(crate) fn is_there(&self) -> io::Result<()> {
        match self.gone.load(Acquire) {
            false => Ok(()),
            true => Err(io::Error::other("nobody watches this socket: its runtime is gone")),
        }
    }

    /// A socket goes, which has ended its place
    pub(crate) fn forget(&self, socket: Option<&TcpStream>, number: u32) {
        // As a rule closing does it, but not while a child of a fork has the descriptor, too.
        if let Some(socket) = socket {
            _ = epoll::delete(&self.epoll, socket);
        }
        self.table().give_back(number);
        self.leave();
    }
}

/// Where sockets join a crowd
///
/// Who is in it is woken as long as somebody makes its [`Turns`].
pub struct Nest(Arc<Shared>);

impl Nest {
    /// A crowd of nobody yet, and its turns, which a task of a runtime's is to make
    ///
    /// # Errors
    ///
    /// The kernel has no descriptor for us.
    pub fn new() -> io::Result<(Self, Turns)> {
        let shared = Arc::new(Shared {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            table: Mutex::default(),
            users: AtomicUsize::new(1),
            over: AtomicWaker::new(),
            gone: AtomicBool::new(false),
        });
        let woken = Mutex::new(Vec::with_capacity(2 * TURN));
        let turns = Turns { shared: shared.clone(), woken };
        Ok((Self(shared), turns))
    }

    /// Takes over a connection that does not block; if there is no place for it, it lives alone
    pub(crate) fn settle<S>(
        &self,
        stream: TcpStream,
        alone: impl FnOnce(TcpStream) -> io::Result<S>,
    ) -> io::Result<Tcp<S>> {
        match self.adopt(stream) {
            Ok(nested) => Ok(Tcp::nested(nested)),
            Err(stream) => alone(stream).map(Tcp::new),
        }
    }

    /// The stream itself comes back if it cannot be watched, or if nobody makes turns any more
    pub(crate) fn adopt(&self, stream: TcpStream) -> Result<Nested, TcpStream> {
        let Some((number, chunk)) = self.0.table().take(&self.0) else { return Err(stream) };
        let index = chunk.index(number);
        let generation = chunk.place(index).begin();
        let data = epoll::EventData::new_u64(u64::from(generation) << 32 | u64::from(number));
        let wanted = epoll::EventFlags::IN
            | epoll::EventFlags::OUT
            | epoll::EventFlags::RDHUP
            | epoll::EventFlags::ET;
        if let Err(error) = epoll::add(&self.0.epoll, &stream, data, wanted) {
            tracing::debug!(target: "everbeat", %error, "no place in the nest");
            self.0.table().give_back(number);
            return Err(stream);
        }
        self.0.users.fetch_add(1, Relaxed);
        chunk.place(index).settle(stream);
        Ok(Nested::new(index, chunk))
    }
}

impl Drop for Nest {
    fn drop(&mut self) {
        self.0.leave();
    }
}

impl fmt::Debug for Nest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nest").field("users", &self.0.users).finish_non_exhaustive()
    }
}

/// The turns of a nest: each time that its descriptor is readable, one wakes whom it is for
///
/// Dropped, as a runtime does that ends, everybody of the crowd is woken, and has an error in place of
/// whatever he waited for.
pub struct Turns {
    shared: Arc<Shared>,
    /// Empty between turns, so that none of them allocates
    woken: Mutex<Vec<Waker>>,
}

impl Turns {
    /// Wakes those for whom there is something
    ///
    /// # Errors
    ///
    /// `WouldBlock`: that was all, and the descriptor is to be waited for; without it there may be more,
    /// and the task lets others run first. Other errors there are none that can be, for the descriptor
    /// is ours.
    pub fn turn(&self) -> io::Result<()> {
        const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
        let mut room = [const { MaybeUninit::uninit() }; TURN];
        let events = match epoll::wait(&self.shared.epoll, &mut room, Some(&AT_ONCE)) {
            Ok((events, _)) => events,
            Err(Errno::INTR) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let mut woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
        let table = self.shared.table();
        for event in &*events {
            let data = event.data.u64();
            if let Some(place) = table.place(data as u32) {
                place.tell((data >> 32) as u32, ready(event.flags), &mut woken);
            }
        }
        drop(table);
        // Without the table's lock, for it may run anybody's code
        woken.drain(..).for_each(wake);
        if events.len() < TURN { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
    }

    /// Waits until nobody is there and nobody can come
    pub fn poll_over(&self, cx: &Context<'_>) -> Poll<()> {
        self.shared.over.register(cx.waker());
        match self.shared.users.load(Acquire) {
            0 => Poll::Ready(()),
            _ => Poll::Pending,
        }
    }
}

/// Whose waker panics harms nobody else of the crowd
fn wake(waker: Waker) {
    if catch_unwind(AssertUnwindSafe(|| waker.wake())).is_err() {
        tracing::error!(target: "everbeat", "a waker panicked");
    }
}

fn ready(flags: epoll::EventFlags) -> Ready {
    use epoll::EventFlags as Flags;
    let last = flags.intersects(Flags::RDHUP | Flags::HUP | Flags::ERR);
    let outwards = flags.intersects(Flags::OUT | Flags::HUP | Flags::ERR);
    Ready::new(flags.contains(Flags::IN) || last, outwards, last)
}

impl AsFd for Turns {
    /// Readable when a turn would wake somebody
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.shared.epoll.as_fd()
    }
}

impl AsRawFd for Turns {
    fn as_raw_fd(&self) -> RawFd {
        self.shared.epoll.as_raw_fd()
    }
}

impl Drop for Turns {
    fn drop(&mut self) {
        // The places know the nest, and the nest its places.
        let chunks = self.shared.table().close();
        self.shared.gone.store(true, Release);
        let mut woken = Vec::new();
        chunks.iter().for_each(|chunk| chunk.leave(&mut woken));
        woken.into_iter().for_each(wake);
    }
}

impl fmt::Debug for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turns").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
