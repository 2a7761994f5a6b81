//! The server: it waits for words that do not come.

use std::future::Future;
use std::pin::Pin;

use everbeat_core::time::Timer;
use everbeat_core::transport::Transport;
use everbeat_core::{Cause, Connection};
use everbeat_server::{Handler, Server};
use everbeat_ws::Acceptor;

use crate::runtimes::{Everbeat, Part};
use crate::say;

#[derive(Debug)]
pub(crate) struct Hosting;

impl Part for Hosting {
    async fn play<R: Everbeat>(self) {
        let server = Server::<Acceptor<R>, R::Timer, R>::builder().bind("127.0.0.1:0").await;
        let server = match server {
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
            while connection.recv().await?.is_some() {}
            Ok(())
        })
    }
}
