//! From a host to a socket: resolve, then let the addresses race.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use everbeat_core::time::{Sleep, Timer};

use super::ConnectError;
use super::race::Race;
use crate::runtime::Runtime;

/// A socket to the first address of a host that takes one
///
/// # Cancel safety
///
/// Dropping the future abandons every attempt.
pub(super) async fn dial<R: Runtime>(
    runtime: &R,
    timer: &R::Timer,
    host: &str,
    port: u16,
) -> Result<R::Stream, ConnectError> {
    let resolved = match host.parse() {
        Ok(address) => Ok(vec![SocketAddr::new(address, port)]),
        Err(_) => runtime.resolve(host, port).await,
    };
    let unresolved = |error| ConnectError::Resolve { host: host.to_owned(), error };
    let addresses = resolved.map_err(unresolved)?;
    if addresses.is_empty() {
        let error = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        return Err(unresolved(error));
    }
    let mut attempts = Attempts {
        race: Race::new(addresses),
        timer,
        dial: |address| Box::pin(runtime.dial(address)),
        running: Vec::new(),
        sleep: None,
    };
    poll_fn(|cx| attempts.poll(cx)).await.map_err(|failures| ConnectError::Dial { failures })
}

/// The attempts that run, and the alarm for the next
struct Attempts<'a, K: Timer, D, F> {
    race: Race,
    timer: &'a K,
    dial: D,
    running: Vec<(SocketAddr, Pin<Box<F>>)>,
    sleep: Option<K::Sleep>,
}

impl<K, D, F, S> Attempts<'_, K, D, F>
where
    K: Timer<Sleep: Unpin>,
    D: FnMut(SocketAddr) -> Pin<Box<F>>,
    F: Future<Output = io::Result<S>>,
{
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<S, Vec<(SocketAddr, io::Error)>>> {
        loop {
            while let Some(address) = self.race.start(self.timer.now()) {
                self.running.push((address, (self.dial)(address)));
                // Before its rival is made: it may be there, or have failed, already
                if let Poll::Ready(stream) = self.poll_running(cx) {
                    return Poll::Ready(Ok(stream));
                }
            }
            if let Poll::Ready(stream) = self.poll_running(cx) {
                return Poll::Ready(Ok(stream));
            }
            if let Some(failures) = self.race.failures() {
                return Poll::Ready(Err(failures));
            }
            match self.poll_alarm(cx) {
                Poll::Ready(()) => {}
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// The first attempt that is there; those that have failed are put aside
    fn poll_running(&mut self, cx: &mut Context<'_>) -> Poll<S> {
        let mut index = 0;
        while let Some((address, attempt)) = self.running.get_mut(index) {
            match attempt.as_mut().poll(cx) {
                Poll::Ready(Ok(stream)) => return Poll::Ready(stream),
                Poll::Ready(Err(error)) => {
                    tracing::debug!(target: "everbeat", %address, %error, "no connection");
                    self.race.handle_failed(*address, error);
                    drop(self.running.swap_remove(index));
                }
                Poll::Pending => index += 1,
            }
        }
        Poll::Pending
    }

    /// Ready when the race may have an address to start
    fn poll_alarm(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.race.poll_timeout() {
            Some(due) => {
                let sleep = self.sleep.get_or_insert_with(|| self.timer.sleep_until(due));
                Pin::new(&mut *sleep).reset(due);
                Pin::new(sleep).poll(cx)
            }
            // A failure has made the next one free to start
            None if self.race.is_free() => Poll::Ready(()),
            None => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;
    use std::task::Waker;
    use std::time::Duration;

    use everbeat_core::time::Instant;

    use super::*;

    /// A clock that a test sets, and the next instant at which anybody wants to be polled
    #[derive(Clone)]
    struct Clock(Rc<Cell<Instant>>, Rc<Cell<Option<Instant>>>);

    impl Clock {
        fn poll_until(&self, at: Instant) -> Poll<()> {
            if self.now() < at {
                self.1.set(Some(self.1.get().map_or(at, |next| next.min(at))));
                return Poll::Pending;
            }
            Poll::Ready(())
        }
    }

    struct Until(Clock, Instant);

    impl Timer for Clock {
        type Sleep = Until;

        fn now(&self) -> Instant {
            self.0.get()
        }

        fn sleep_until(&self, deadline: Instant) -> Until {
            Until(self.clone(), deadline)
        }
    }

    impl Future for Until {
        type Output = ();

        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            self.0.poll_until(self.1)
        }
    }

    impl Sleep for Until {
        fn deadline(&self) -> Instant {
            self.1
        }

        fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
            self.1 = deadline;
        }
    }

    /// An attempt that is decided at an instant, and tells when it is dropped
    struct Attempt {
        clock: Clock,
        port: u16,
        at: Instant,
        refused: bool,
        alive: Rc<Cell<usize>>,
    }

    impl Future for Attempt {
        type Output = io::Result<u16>;

        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<u16>> {
            self.clock.poll_until(self.at).map(|()| match self.refused {
                true => Err(io::ErrorKind::ConnectionRefused.into()),
                false => Ok(self.port),
            })
        }
    }

    impl Drop for Attempt {
        fn drop(&mut self) {
            self.alive.set(self.alive.get() - 1);
        }
    }

    /// When a race is over, who won or how many failed, and in which milliseconds each began;
    /// address `n` is decided so many milliseconds after its start, by refusal if marked so
    fn race(decided: &'static [(u64, bool)]) -> (u64, Result<u16, usize>, Vec<u64>) {
        let clock = Clock(Rc::new(Cell::new(at(0))), Rc::default());
        let alive = Rc::new(Cell::new(0));
        let mut began = Vec::new();
        let addresses = (0..decided.len() as u16).map(|port| ([127, 0, 0, 1], port).into());
        let mut attempts = Attempts {
            race: Race::new(addresses.collect()),
            timer: &clock,
            dial: |address: SocketAddr| {
                let (after, refused) = decided[usize::from(address.port())];
                began.push(clock.now().since_origin().as_millis() as u64);
                alive.set(alive.get() + 1);
                Box::pin(Attempt {
                    at: clock.now() + Duration::from_millis(after),
                    clock: clock.clone(),
                    port: address.port(),
                    refused,
                    alive: alive.clone(),
                })
            },
            running: Vec::new(),
            sleep: None,
        };
        let mut cx = Context::from_waker(Waker::noop());
        let over = loop {
            if let Poll::Ready(over) = attempts.poll(&mut cx) {
                break over;
            }
            clock.0.set(clock.1.take().expect("it waits, and nothing will wake it"));
        };
        drop(attempts);
        assert_eq!(alive.get(), 0, "losers are dropped");
        let ended = clock.now().since_origin().as_millis() as u64;
        (ended, over.map_err(|failures| failures.len()), began)
    }

    fn at(ms: u64) -> Instant {
        Instant::from_origin(Duration::from_millis(ms))
    }

    const NEVER: u64 = 1 << 40;

    #[test]
    fn the_first_to_connect_wins() {
        // One address that answers needs no second
        assert_eq!(race(&[(20, false), (0, false)]), (20, Ok(0), vec![0]));
        // A black hole costs one delay, not a time limit
        assert_eq!(race(&[(NEVER, false), (20, false)]), (270, Ok(1), vec![0, 250]));
        // The first may still win when it has company
        assert_eq!(race(&[(300, false), (100, false)]), (300, Ok(0), vec![0, 250]));
    }

    #[test]
    fn a_failure_starts_the_next_at_once_and_all_are_told() {
        assert_eq!(race(&[(0, true), (10, true), (5, false)]), (15, Ok(2), vec![0, 0, 10]));
        assert_eq!(race(&[(10, true), (10, true)]), (20, Err(2), vec![0, 10]));
        // The second fails while the first still hangs: the third need not wait for its delay
        let hanging = race(&[(NEVER, false), (10, true), (5, false)]);
        assert_eq!(hanging, (265, Ok(2), vec![0, 250, 260]));
    }
}
