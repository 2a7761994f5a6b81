//! The server: it waits for words, and says them back.

use std::time::Duration;

use bytes::Bytes;
use everbeat_core::Cause;
use everbeat_load::payload;
use everbeat_server::Registry;
use futures_channel::mpsc::UnboundedReceiver;
use futures_util::StreamExt;

use crate::{ends, say};

#[derive(Debug)]
pub(crate) struct Hosting {
    /// If it is not to beat as it does by default
    pub(crate) beat: Option<Duration>,
    /// How many bytes to say to all, each time
    pub(crate) broadcasts: UnboundedReceiver<usize>,
    /// Ends are counted, and not told one by one
    pub(crate) counted: bool,
}

/// A server that says back what it is told, as a future
///
/// A macro, because its handlers are to be closures as a user's are: their names cannot be written, and
/// a box around them would be a block for each connection.
macro_rules! serve {
    ($runtime:ident, $hosting:expr) => {{
        let Hosting { beat, broadcasts, counted } = $hosting;
        async move {
            let mut builder = $runtime::Server::builder();
            if let Some(beat) = beat {
                builder = builder.interval(beat);
            }
            let server = match builder.bind("127.0.0.1:0").await {
                Ok(server) => server,
                Err(error) => return say(format_args!("lost {error}")),
            };
            match server.acceptor().local_address() {
                Ok(address) => say(format_args!("listening {address}")),
                Err(error) => return say(format_args!("lost {error}")),
            }
            let saying = say_to_all(server.registry(), broadcasts);
            let serving = server.serve(move |mut connection| async move {
                let end = loop {
                    let message = match connection.recv().await {
                        Ok(Some(message)) => message,
                        Ok(None) => break Ok(()),
                        Err(cause) => break Err(cause),
                    };
                    if let Err(cause) = connection.send(message).await {
                        break Err(cause);
                    }
                };
                tell(counted, &end);
                Ok(end?)
            });
            join(saying, serving).await;
        }
    }};
}
pub(crate) use serve;

/// That a connection has ended, and how
pub(crate) fn tell(counted: bool, end: &Result<(), Cause>) {
    match counted {
        true => ends::count(end),
        false => say(format_args!("lost {end:?}")),
    }
}

/// Says each of these to everybody who is there
pub(crate) async fn say_to_all<X>(all: Registry<X>, mut broadcasts: UnboundedReceiver<usize>) {
    let mut number = 0;
    while let Some(bytes) = broadcasts.next().await {
        number += 1;
        match all.broadcast(Bytes::from(payload::broadcast(number, bytes))).await {
            Ok(left) if left.is_empty() => {}
            Ok(left) => {
                let (slow, without) = (left.slow.len(), left.no_room.len());
                say(format_args!("lost a broadcast: {slow} were slow, {without} without room"));
            }
            Err(error) => say(format_args!("lost a broadcast: {error}")),
        }
    }
}
