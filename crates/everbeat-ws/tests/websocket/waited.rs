//! Pings that waited behind a message which takes more than one poll to read.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use everbeat_core::cause::{Cause, CloseCode};
use everbeat_core::config::ConnectionConfig;
use everbeat_core::time::{Instant, Sleep, Timer};
use everbeat_core::{Connection, Event};
use everbeat_ws::{Role, Settings, WebSocket};
use futures_core::Stream;
use futures_util::AsyncWriteExt;

use crate::support::{duplex, run};
use crate::wire::masked;

/// A clock that the test sets
#[derive(Clone)]
struct Clock(Rc<Cell<Instant>>);

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
        if self.0.now() >= self.1 { Poll::Ready(()) } else { Poll::Pending }
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

/// What a server reads, after half a minute unread, of a message and so many Pings behind it
fn after_half_a_minute(message: usize, pings: usize) -> (Vec<usize>, Option<Cause>) {
    let (near, mut far) = duplex(8 << 20, None);
    let clock = Clock(Rc::new(Cell::new(Instant::ORIGIN)));
    let ws = WebSocket::from_upgraded(near, Role::Server, Settings::default(), Vec::new());
    let mut connection = Connection::new(ws, clock.clone(), ConnectionConfig::server(), 1);
    let said = [masked(0x82, &vec![0; message]), masked(0x89, b"").repeat(pings)].concat();
    run(async { far.write_all(&said).await.unwrap() });
    clock.0.set(Instant::ORIGIN + Duration::from_secs(30));
    let (mut messages, mut cause) = (Vec::new(), None);
    for _ in 0..100 {
        // A peer that has gone ends a Close handshake
        let mut cx = Context::from_waker(Waker::noop());
        match Pin::new(&mut connection).poll_next(&mut cx) {
            Poll::Ready(Some(Event::Message(message))) => messages.push(message.as_bytes().len()),
            Poll::Ready(Some(Event::Disconnected(end))) => cause = Some(end.cause),
            Poll::Ready(Some(_)) => {}
            Poll::Ready(None) => break,
            Poll::Pending => clock.0.set(clock.now() + Duration::from_millis(1)),
        }
    }
    run(async { far.close().await.unwrap() });
    if let Poll::Ready(Some(Event::Disconnected(end))) =
        Pin::new(&mut connection).poll_next(&mut Context::from_waker(Waker::noop()))
    {
        cause = cause.or(Some(end.cause));
    }
    (messages, cause)
}

#[test]
fn pings_behind_a_message_of_any_size_are_no_flood() {
    for size in [0, 500_000, 1 << 20, 2_000_000, 6_000_000] {
        let (messages, cause) = after_half_a_minute(size, 60);
        assert_eq!(messages, [size]);
        assert!(matches!(cause, Some(Cause::Cut { .. })), "{size}: {cause:?}");
    }
}

/// And a flood behind one is one
#[test]
fn a_flood_behind_a_large_message_is_a_flood() {
    let (messages, cause) = after_half_a_minute(2_000_000, 2_000);
    assert_eq!(messages, [2_000_000]);
    let flood = matches!(cause, Some(Cause::Violation { code: CloseCode::POLICY, .. }));
    assert!(flood, "{cause:?}");
}
