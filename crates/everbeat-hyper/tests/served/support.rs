//! A server of hyper's around a route, and everbeat's client.

use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::net::SocketAddr;

use everbeat_hyper::Connection;
use everbeat_tokio::{Client, Event};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;

use crate::peer::soon;

/// Which server it is
#[derive(Clone, Copy, Debug)]
pub(crate) enum By {
    /// hyper's own, of HTTP/1
    Hyper,
    /// hyper-util's, which speaks either and wraps the socket
    Either,
}

pub(crate) const BOTH: [By; 2] = [By::Hyper, By::Either];

/// Serves on a port of its own, for as long as the test runs; the route is told the peer's address
pub(crate) async fn serve<F, R>(by: By, route: F) -> SocketAddr
where
    F: Fn(Request<Incoming>, SocketAddr) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Response<String>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, peer) = listener.accept().await.unwrap();
            let route = route.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let answer = route(request, peer);
                    async move { Ok::<_, Infallible>(answer.await) }
                });
                let io = TokioIo::new(stream);
                // A peer that leaves in the middle is what some tests are about
                match by {
                    By::Hyper => {
                        let serving = http1::Builder::new().serve_connection(io, service);
                        _ = serving.with_upgrades().await;
                    }
                    By::Either => {
                        let mut builder = auto::Builder::new(TokioExecutor::new());
                        builder.http2().enable_connect_protocol();
                        _ = builder.serve_connection_with_upgrades(io, service).await;
                    }
                }
            });
        }
    });
    address
}

pub(crate) async fn echo(mut connection: Connection) -> Result<(), Box<dyn Error + Send + Sync>> {
    while let Some(message) = connection.recv().await? {
        connection.send(message).await?;
    }
    Ok(())
}

pub(crate) async fn client(address: SocketAddr) -> Client {
    soon(Client::connect(&format!("ws://{address}/"))).await.unwrap()
}

/// The next message that a client hears
pub(crate) async fn hear(client: &mut Client) -> String {
    loop {
        match soon(client.next()).await.expect("it is connected") {
            Event::Message(message) => return message.to_string(),
            Event::Disconnected(end) => panic!("disconnected: {end}"),
            _ => {}
        }
    }
}
