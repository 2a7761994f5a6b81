//! A listener in between: what either side sends goes on as it came, and is told, frame by frame, as
//! it does. With TLS there is nothing to be seen.

#![expect(clippy::disallowed_methods, reason = "it says when real sockets were read")]

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use everbeat_faults::{Direction, Proxy};
use futures_util::StreamExt;

use crate::command;
use crate::note::Note;
use crate::wire::Side;

/// Stands before this server until the tester has nothing more to say
pub(crate) fn run(server: &str) -> Result<()> {
    let server = server.parse::<SocketAddr>().with_context(|| format!("`{server}`"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let sides = Mutex::new(HashMap::<_, Side>::new());
        let proxy = Proxy::tapped(server, move |connection, direction, bytes| {
            let from = if direction == Direction::ToServer { "client" } else { "server" };
            let mut sides = sides.lock().unwrap_or_else(PoisonError::into_inner);
            let side = sides.entry((connection, from)).or_default();
            // Our clock, for whoever reads it may be late.
            let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
            side.said(bytes, |seen| Note::Wire { at, connection, from, seen }.write());
        });
        let proxy = proxy.await?;
        Note::Listening(proxy.address().to_string()).write();
        let mut commands = command::listen();
        while commands.next().await.is_some() {}
        Ok(())
    })
}
