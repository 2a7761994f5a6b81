//! The thread: sleeps until the kernel tells of a change, waits until a burst is over, compares.

mod hints;
mod message;
mod socket;
mod view;

#[cfg(test)]
mod kernel_tests;
#[cfg(test)]
mod tests;

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use everbeat_core::client::Hint;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use self::hints::Judge;
use self::socket::{Doubt, Socket};
use self::view::View;
use crate::Error;

/// A burst of changes is looked at once, after so many steps ..
const STEPS: u32 = 4;
/// .. of this length, between which the kernel's queue is emptied: it holds about a hundred changes
const STEP: Duration = Duration::from_millis(50);
/// Until a kernel that gave no whole answer is asked again, if it tells of no change before
const AGAIN: Duration = Duration::from_secs(1);

/// Ends the thread when it is dropped
#[derive(Debug)]
pub(crate) struct Watch {
    /// Its other end is the thread's, which sees it close
    _alive: UnixStream,
}

impl Watch {
    pub(crate) fn start(tell: impl FnMut(Hint) + Send + 'static) -> Result<Self, Error> {
        let mut socket = Socket::open().map_err(Error::Kernel)?;
        let view = socket.ask().map_err(Error::Kernel)?;
        Self::spawn(socket, view, tell).map_err(Error::Thread)
    }

    fn spawn(
        socket: Socket,
        view: View,
        tell: impl FnMut(Hint) + Send + 'static,
    ) -> io::Result<Self> {
        let (alive, stop) = UnixStream::pair()?;
        thread::Builder::new().name("everbeat-watch".into()).spawn(move || {
            if let Err(error) = run(socket, view, &stop, tell) {
                tracing::warn!(target: "everbeat", %error, "addresses and routes are watched no more");
            }
        })?;
        Ok(Self { _alive: alive })
    }
}

/// Where changes come from: the kernel, and in tests one that fails as it is told
trait Source: AsFd {
    /// All that is there now
    fn ask(&mut self) -> io::Result<View>;

    /// Applies the changes that wait
    fn drain(&mut self, view: &mut View) -> io::Result<Doubt>;
}

/// Until `stop` is closed, and then takes back what nobody else would
fn run(
    source: impl Source,
    view: View,
    stop: &UnixStream,
    mut tell: impl FnMut(Hint),
) -> io::Result<()> {
    let mut judge = Judge::new(view.clone());
    let ended = watch(source, view, stop, &mut judge, &mut tell);
    judge.taken_back().into_iter().for_each(tell);
    ended
}

fn watch(
    mut source: impl Source,
    mut view: View,
    stop: &UnixStream,
    judge: &mut Judge,
    tell: &mut impl FnMut(Hint),
) -> io::Result<()> {
    let mut doubt = Doubt::default();
    while wait(stop.as_fd(), Some(source.as_fd()), doubt.any().then_some(AGAIN))? {
        doubt = doubt.and(source.drain(&mut view)?);
        if !doubt.any() && !judge.differs(&view) {
            continue;
        }
        for _ in 0..STEPS {
            if !wait(stop.as_fd(), None, Some(STEP))? {
                return Ok(());
            }
            doubt = doubt.and(source.drain(&mut view)?);
        }
        let missed = doubt.lost;
        if doubt.any() {
            match source.ask() {
                Ok(asked) => (view, doubt) = (asked, Doubt::default()),
                Err(error) => {
                    tracing::debug!(target: "everbeat", %error, "the kernel was asked anew, in vain");
                    // An address that seems to be gone may have come back unheard: to judge by this
                    // view would end its connections. What was told while it was asked is lost, too.
                    doubt.lost = true;
                    continue;
                }
            }
        }
        judge.judge(&view, missed).into_iter().for_each(&mut *tell);
    }
    Ok(())
}

/// Sleeps until there is something to read, or for so long; whether to go on
fn wait(
    stop: BorrowedFd<'_>,
    socket: Option<BorrowedFd<'_>>,
    longest: Option<Duration>,
) -> io::Result<bool> {
    // Whoever has no socket to wait for waits for `stop` twice.
    let mut both =
        [stop, socket.unwrap_or(stop)].map(|it| PollFd::from_borrowed_fd(it, PollFlags::IN));
    let longest = longest.and_then(|longest| Timespec::try_from(longest).ok());
    match poll(&mut both, longest.as_ref()) {
        // A signal: a little early is early enough.
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let [stop, _] = both;
    Ok(stop.revents().is_empty())
}
