//! What a connection's task is in bytes, beside its handler's own future.

#![cfg(target_pointer_width = "64")]
#![expect(dead_code, unreachable_pub, reason = "the runtime is the documentation's")]

include!("support/runtime.in");

use everbeat_core::cause::CloseFrame;
use everbeat_core::time::Wheel;
use everbeat_core::{Cause, Connection, Message};
use everbeat_server::handled::Handled;
use everbeat_server::tasks::Serving;
use everbeat_server::{Accepted, Handler};
use runtime::{Nobody, Socket, Stopped};

fn sizes<H, F>(_: H) -> (usize, usize)
where
    H: Handler<Handled<Socket>, Wheel<Stopped>, Accepted<&'static str>, Future = F>,
{
    (size_of::<Serving<Nobody, Stopped, H>>(), size_of::<F>())
}

/// What tokio's task has room for in its 128 bytes
#[test]
fn a_connections_task_is_three_words_whatever_its_handler_holds() {
    let (task, handler) = sizes(|connection: Connection<_, _>, accepted: Accepted<_>| async move {
        let room = [7_u8; 1_000];
        std::future::pending::<()>().await;
        drop((connection, accepted, room));
        Ok::<_, Cause>(())
    });
    assert!(handler >= 1_000);
    assert_eq!(task, 24);
}

type Served = Connection<Handled<Socket>, Wheel<Stopped>>;

fn size_of_future<'a, F>(_: impl FnOnce(&'a mut Served) -> F) -> usize
where
    Served: 'a,
{
    size_of::<F>()
}

#[test]
fn who_awaits_a_connection_holds_a_pointer_and_what_he_sends() {
    let pointer = size_of::<usize>();
    assert_eq!(size_of_future(|connection| connection.recv()), pointer);
    assert_eq!(size_of_future(|connection| connection.next()), pointer);
    let message = size_of::<Option<Message>>();
    assert_eq!(size_of_future(|connection| connection.send("hello")), pointer + message);
    let frame = size_of::<Option<CloseFrame>>();
    assert_eq!(size_of_future(|connection| connection.close()), pointer + frame);
}

#[test]
fn a_handler_that_receives_is_its_connection_and_two_words() {
    let (_, handler) = sizes(|mut connection: Served, _: Accepted<&'static str>| async move {
        while connection.recv().await?.is_some() {}
        Ok::<_, Cause>(())
    });
    assert_eq!(handler, 24);
}
