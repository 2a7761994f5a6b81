//! The server's side: rooms are tags, and who goes, politely or not, is announced to his room.

use std::future::{Future, Ready, ready};
use std::pin::Pin;

use everbeat_core::time::Timer;
use everbeat_core::transport::Transport;
use everbeat_core::{Cause, Connection};
use everbeat_server::{Accepted, ConnectionHandle, Handler};
use everbeat_ws::accept::Facts;
use everbeat_ws::upgrade::{Reject, RequestHead, Upgrade, UpgradeRequest};

/// Who somebody is, and where: `/lobby/ann`
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(crate) room: String,
    pub(crate) name: String,
}

/// What the server knows of a member
pub(crate) type Who = Facts<Name>;

/// The hook as a type with a name, for a bound has to name it
pub(crate) type Door = fn(UpgradeRequest) -> Ready<Result<Upgrade<Name>, Reject>>;

/// Lets in whoever says where to, and who he is
pub(crate) fn door(request: UpgradeRequest) -> Ready<Result<Upgrade<Name>, Reject>> {
    let mut parts = request.path().split('/').skip(1);
    ready(match (parts.next(), parts.next(), parts.next()) {
        (Some(room), Some(name), None) if !room.is_empty() && !name.is_empty() => {
            Ok(Upgrade::accept(Name { room: room.to_owned(), name: name.to_owned() }))
        }
        _ => Err(Reject::status(404).body("it is /ROOM/NAME\n")),
    })
}

/// Tells a member's room; whoever does not keep up with it is evicted
pub(crate) fn announce(member: &ConnectionHandle<Who>, text: String) {
    // What is too large for anybody is nobody else's fault
    if let Ok(left) = member.registry().send_tagged(&member.facts().principal.room, text) {
        left.slow.iter().for_each(ConnectionHandle::evict);
    }
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
    type Future = Pin<Box<dyn Future<Output = Result<(), Self::Error>> + Send>>;

    fn handle(
        &self,
        mut connection: Connection<T, K>,
        peer: Accepted<Who, RequestHead>,
    ) -> Self::Future {
        Box::pin(async move {
            let Name { room, name } = &peer.facts().principal;
            peer.handle.tag(room)?;
            announce(&peer.handle, format!("{name} is here"));
            match pass_on(&mut connection, &peer.handle, name).await {
                Ok(()) => announce(&peer.handle, format!("{name} left")),
                // The server's own rules are told by its `on_expire`.
                Err(Cause::Dead { .. } | Cause::Expired(_)) => {}
                Err(cause) => announce(&peer.handle, format!("{name} is gone: {cause}")),
            }
            Ok(())
        })
    }
}

async fn pass_on<T: Transport, K: Timer>(
    connection: &mut Connection<T, K>,
    member: &ConnectionHandle<Who>,
    name: &str,
) -> Result<(), Cause>
where
{
    while let Some(message) = connection.recv().await? {
        announce(member, format!("{name}: {message}"));
    }
    Ok(())
}
