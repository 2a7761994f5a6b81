//! A handler runs in the span of its request, which a layer has made.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::any;
use everbeat_axum::{Sockets, Upgrade};
use tokio::io::AsyncReadExt;
use tracing::Instrument;
use tracing::subscriber::set_default;

use crate::peer::{Peer, masked, soon};
use crate::spans::{ALL, Listener, request, talk};
use crate::support::{ask, serve};

async fn route(upgrade: Upgrade) -> Response {
    upgrade.on_connection(talk).await
}

async fn layer(asked: Request, next: Next) -> Response {
    next.run(asked).instrument(request()).await
}

// One thread, so that its subscriber sees all of it
#[tokio::test(flavor = "current_thread")]
async fn what_a_handler_says_is_said_in_the_span_of_its_request() {
    let listener = Listener::default();
    let said = listener.said.clone();
    let _listening = set_default(listener);
    let app = Router::new().route("/feed", any(route)).layer(from_fn(layer));
    let address = serve(app.with_state(Sockets::new().unwrap()), false).await;
    let (mut peer, _) = Peer::asked(address, &ask("")).await;
    peer.frame().await;
    peer.say(&masked(0x81, b"hello")).await;
    // It has returned, and its connection is gone with it
    assert!(soon(peer.0.read_u8()).await.is_err());
    assert_eq!(*said.lock().unwrap(), ALL);
}
