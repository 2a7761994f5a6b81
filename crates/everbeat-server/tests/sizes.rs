//! What a connection's task is in bytes, beside its handler's own future.

#![cfg(target_pointer_width = "64")]
#![expect(dead_code, unreachable_pub, reason = "the runtime is the documentation's")]

include!("support/runtime.in");

use everbeat_core::time::Wheel;
use everbeat_core::{Cause, Connection};
use everbeat_server::handled::Handled;
use everbeat_server::tasks::Serving;
use everbeat_server::{Accepted, Handler};
use runtime::{Nobody, Socket, Stopped};

type Given = (Connection<Handled<Socket>, Wheel<Stopped>>, Accepted<&'static str>);

fn sizes<H, F>(_: H) -> (usize, usize)
where
    H: Handler<Handled<Socket>, Wheel<Stopped>, Accepted<&'static str>, Future = F>,
{
    (size_of::<Serving<Nobody, Stopped, H>>(), size_of::<F>())
}

#[test]
fn a_connections_task_is_its_handlers_future_and_32_bytes() {
    let (task, handler) = sizes(|connection: Connection<_, _>, accepted: Accepted<_>| {
        let given: Box<Given> = Box::new((connection, accepted));
        async move {
            std::future::pending::<()>().await;
            drop(given);
            Ok::<_, Cause>(())
        }
    });
    assert_eq!((task, handler), (16 + 32, 16));
}
