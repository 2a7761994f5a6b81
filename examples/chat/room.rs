//! The server's side: rooms are tags, and who goes, politely or not, is announced to his room. Where a
//! member came in, by a server of ours or through a framework, is the same to it.

use std::error::Error;

use everbeat_core::time::Timer;
use everbeat_core::transport::Transport;
use everbeat_core::{Cause, Connection};
use everbeat_server::ConnectionHandle;
use everbeat_ws::accept::Facts;

/// Who somebody is, and where: `/lobby/ann`
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(crate) room: String,
    pub(crate) name: String,
}

/// What the server knows of a member
pub(crate) type Who = Facts<Name>;

/// Tells a member's room; whoever does not keep up with it is evicted
pub(crate) fn announce(member: &ConnectionHandle<Who>, text: String) {
    // What is too large for anybody is nobody else's fault
    if let Ok(left) = member.registry().send_tagged(&member.facts().principal.room, text) {
        left.slow.iter().for_each(ConnectionHandle::evict);
    }
}

/// Passes on what a member says to his room, until he goes
pub(crate) async fn sit<T: Transport, K: Timer>(
    mut connection: Connection<T, K>,
    member: ConnectionHandle<Who>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let Name { room, name } = &member.facts().principal;
    member.tag(room)?;
    announce(&member, format!("{name} is here"));
    match pass_on(&mut connection, &member, name).await {
        Ok(()) => announce(&member, format!("{name} left")),
        // The server's own rules are told by its `on_expire`.
        Err(Cause::Dead { .. } | Cause::Expired(_)) => {}
        Err(cause) => announce(&member, format!("{name} is gone: {cause}")),
    }
    Ok(())
}

async fn pass_on<T: Transport, K: Timer>(
    connection: &mut Connection<T, K>,
    member: &ConnectionHandle<Who>,
    name: &str,
) -> Result<(), Cause> {
    while let Some(message) = connection.recv().await? {
        announce(member, format!("{name}: {message}"));
    }
    Ok(())
}
