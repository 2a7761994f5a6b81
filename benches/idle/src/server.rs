//! The server: it waits for words, and says them back.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use everbeat_core::time::Timer;
use everbeat_core::transport::Transport;
use everbeat_core::{Cause, Connection};
use everbeat_server::{Handler, Server};
use everbeat_ws::Acceptor;

use crate::runtimes::{Everbeat, Part};
use crate::say;

#[derive(Debug)]
pub(crate) struct Hosting {
    /// If it is not to beat as it does by default
    pub(crate) beat: Option<Duration>,
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
        server.serve_with(Host).await;
    }
}

/// Serves every connection alike
#[derive(Clone, Copy, Debug)]
pub(crate) struct Host;

impl<T, K, X> Handler<T, K, X> for Host
where
    T: Transport,
    K: Timer,
    Connection<T, K>: Send + 'static,
{
    type Error = Cause;
    type Future = Pin<Box<dyn Future<Output = Result<(), Cause>> + Send>>;

    fn handle(&self, mut connection: Connection<T, K>, _: X) -> Self::Future {
        Box::pin(async move {
            let end = echo(&mut connection).await;
            say(format_args!("lost {end:?}"));
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
