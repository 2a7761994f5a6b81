//! The server: it waits for words, and says them back.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use everbeat_core::time::Timer;
use everbeat_core::transport::Transport;
use everbeat_core::{Cause, Connection};
use everbeat_load::payload;
use everbeat_server::{Handler, Registry, Server};
use everbeat_ws::Acceptor;
use futures_channel::mpsc::UnboundedReceiver;
use futures_util::StreamExt;

use crate::runtimes::{Everbeat, Part, Task};
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

impl Part for Hosting {
    async fn play<R: Everbeat>(self) {
        let mut builder = Server::<Acceptor<R>, R::Timer, R>::builder();
        if let Some(beat) = self.beat {
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
        let saying: Task = Box::pin(say_to_all(server.registry(), self.broadcasts));
        R::default().spawn(saying);
        server.serve_with(Host { counted: self.counted }).await;
    }
}

/// Says each of these to everybody who is there
async fn say_to_all<X>(all: Registry<X>, mut broadcasts: UnboundedReceiver<usize>) {
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

/// Serves every connection alike
#[derive(Clone, Copy, Debug)]
pub(crate) struct Host {
    counted: bool,
}

impl<T, K, X> Handler<T, K, X> for Host
where
    T: Transport,
    K: Timer,
    Connection<T, K>: Send + 'static,
{
    type Error = Cause;
    type Future = Pin<Box<dyn Future<Output = Result<(), Cause>> + Send>>;

    fn handle(&self, mut connection: Connection<T, K>, _: X) -> Self::Future {
        let counted = self.counted;
        Box::pin(async move {
            let end = echo(&mut connection).await;
            match counted {
                true => ends::count(&end),
                false => say(format_args!("lost {end:?}")),
            }
            end
        })
    }
}

async fn echo<T: Transport, K: Timer>(connection: &mut Connection<T, K>) -> Result<(), Cause> {
    while let Some(message) = connection.recv().await? {
        connection.send(message).await?;
    }
    Ok(())
}
