//! The chat inside an application of axum's: see `story`, which is the same at every server.
//!
//! ```sh
//! cargo run --example chat-axum
//! ```

mod member;
mod room;
mod story;

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::any;
use everbeat_axum::server::Expire;
use everbeat_axum::{Requests, Sockets, Upgrade};
use everbeat_tokio::Tokio;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use room::{Name, sit};
use story::{Clock, PROMISE};

/// `/lobby/ann`
async fn enter(Path((room, name)): Path<(String, String)>, upgrade: Upgrade<Name>) -> Response {
    upgrade.on_connection_as(Name { room, name }, sit).await
}

#[tokio::main]
async fn main() -> story::Result {
    let clock = Clock::<Tokio>::start();
    let server = Requests::new().server()?.expire(Expire::default().silent(PROMISE)).build()?;
    let sockets = Sockets::over(server.on_expire(story::tell_of(&clock)))?;
    let app = Router::new().route("/{room}/{name}", any(enter)).with_state(sockets.clone());

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = axum::serve(listener, app).with_graceful_shutdown(sockets.stop_on(stopped));
    let served = async {
        serving.await?;
        // axum waits for its requests, and not for those who have been upgraded
        Ok(sockets.closed().await)
    };
    story::play(&clock, address, served, || drop(stop)).await
}
