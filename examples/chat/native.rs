//! The chat at a server of everbeat's own: a hook at the door, and a handler for the rooms. The one
//! source for three runtimes: what it asks for is a [`Runtime`] that can spawn a server.

use std::future::{Future, Ready, ready};
use std::pin::Pin;

use everbeat_core::Connection;
use everbeat_core::time::Timer;
use everbeat_core::transport::Transport;
use everbeat_server::tasks::SpawnServer;
use everbeat_server::{Accepted, Expire, Handler, Server};
use everbeat_ws::upgrade::{Reject, RequestHead, Upgrade, UpgradeRequest};
use everbeat_ws::{Acceptor, Runtime};

use crate::path::name_in;
use crate::room::{Name, Who, sit};
use crate::story::{self, Clock, PROMISE, Result};

/// Plays the story; an error if it went otherwise
pub(crate) async fn play<R>() -> Result
where
    R: Runtime + SpawnServer<Acceptor<R, Door>, R::Timer, Rooms>,
{
    let clock = Clock::<R>::start();
    let server = Server::<Acceptor<R>, R::Timer, R>::builder()
        .expire(Expire::default().silent(PROMISE))
        .upgrade(door as Door)
        .bind("127.0.0.1:0")
        .await?
        .on_expire(story::tell_of(&clock));
    let address = server.acceptor().local_address()?;
    let stop = server.handle();
    let served = async { Ok(server.serve_with(Rooms).await) };
    story::play(&clock, address, served, || stop.shutdown()).await
}

/// The hook as a type with a name, for a bound has to name it
pub(crate) type Door = fn(UpgradeRequest) -> Ready<std::result::Result<Upgrade<Name>, Reject>>;

/// Lets in whoever says where to, and who he is
fn door(request: UpgradeRequest) -> Ready<std::result::Result<Upgrade<Name>, Reject>> {
    let not_found = || Reject::status(404).body("it is /ROOM/NAME\n");
    ready(name_in(request.path()).map(Upgrade::accept).ok_or_else(not_found))
}

/// Passes on what members say, each to his room
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rooms;

impl<T, K> Handler<T, K, Accepted<Who, RequestHead>> for Rooms
where
    T: Transport,
    K: Timer,
    Connection<T, K>: Send + 'static,
{
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<(), Self::Error>> + Send>>;

    fn handle(
        &self,
        connection: Connection<T, K>,
        peer: Accepted<Who, RequestHead>,
    ) -> Self::Future {
        Box::pin(sit(connection, peer.handle))
    }
}
