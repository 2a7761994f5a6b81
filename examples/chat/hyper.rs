//! The chat inside a server of hyper's: see `story`, which is the same at every server.
//!
//! ```sh
//! cargo run --example chat-hyper
//! ```

#![expect(clippy::print_stderr, reason = "an example talks to whoever runs it")]

mod member;
mod path;
mod room;
mod story;

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;

use everbeat_hyper::server::Expire;
use everbeat_hyper::{Requests, Sockets};
use everbeat_tokio::Tokio;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use path::name_in;
use room::{Name, sit};
use story::{Clock, PROMISE};

/// `/lobby/ann`
async fn enter(
    mut request: Request<Incoming>,
    peer: SocketAddr,
    sockets: Sockets<Name>,
) -> Result<Response<String>, Infallible> {
    let Some(name) = name_in(request.uri().path()) else {
        let mut response = Response::new("it is /ROOM/NAME\n".to_owned());
        *response.status_mut() = hyper::StatusCode::NOT_FOUND;
        return Ok(response);
    };
    Ok(match sockets.upgrade(&mut request) {
        Ok(upgrade) => upgrade.peer(peer).on_connection_as(name, sit).await,
        Err(rejection) => rejection.into_response(),
    })
}

/// Takes connections of HTTP until it is told to stop, and then lets their requests end
async fn serve(
    listener: TcpListener,
    sockets: Sockets<Name>,
    stop: impl Future<Output = ()>,
) -> story::Result {
    let (running, stopped) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, peer) = accepted?;
                connections.spawn(serve_one(stream, peer, sockets.clone(), stopped.clone()));
            }
            Some(_ended) = connections.join_next() => {}
            () = &mut stop => break,
        }
    }
    drop(running);
    connections.join_all().await;
    Ok(())
}

/// One connection of HTTP: over once one of its requests was upgraded, or at a stop
async fn serve_one(
    stream: TcpStream,
    peer: SocketAddr,
    sockets: Sockets<Name>,
    mut stopped: watch::Receiver<()>,
) {
    let service = service_fn(move |request| enter(request, peer, sockets.clone()));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection.with_upgrades());
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    // Whoever is cut in the middle of a request concerns nobody else
    if let Err(error) = ended {
        eprintln!("{peer}: {error}");
    }
}

#[tokio::main]
async fn main() -> story::Result {
    let clock = Clock::<Tokio>::start();
    let server = Requests::new().server()?.expire(Expire::default().silent(PROMISE)).build()?;
    let sockets = Sockets::over(server.on_expire(story::tell_of(&clock)))?;

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let served = async {
        serve(listener, sockets.clone(), sockets.stop_on(stopped)).await?;
        // hyper waits for its requests, and not for those who have been upgraded
        Ok(sockets.closed().await)
    };
    story::play(&clock, address, served, || drop(stop)).await
}
