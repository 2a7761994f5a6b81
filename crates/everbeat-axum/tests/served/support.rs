//! An application with a state of its own, and what it is asked.

use std::error::Error;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::{FromRef, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use everbeat_axum::{Connection, Handle, Sockets, Upgrade};
use tokio::net::TcpListener;

#[derive(Clone)]
pub(crate) struct App {
    pub(crate) sockets: Sockets<String>,
    greeting: &'static str,
}

impl FromRef<App> for Sockets<String> {
    fn from_ref(app: &App) -> Self {
        app.sockets.clone()
    }
}

/// Greets whoever says who he is, and echoes
pub(crate) fn app(sockets: Sockets<String>) -> Router {
    Router::new()
        .route("/feed", any(feed))
        .route("/plain", get(|| async { "plain" }))
        .with_state(App { sockets, greeting: "welcome" })
}

async fn feed(State(app): State<App>, headers: HeaderMap, upgrade: Upgrade<String>) -> Response {
    let Some(user) = headers.get("x-user").and_then(|user| user.to_str().ok()) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let user = user.to_owned();
    let mut response =
        upgrade.on_connection_as(user, |connection, me| serve_one(connection, me, app)).await;
    response.headers_mut().insert("x-shard", HeaderValue::from_static("7"));
    response
}

async fn serve_one(
    mut connection: Connection,
    me: Handle<String>,
    app: App,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    connection.send(format!("{}, {}", app.greeting, me.facts().principal)).await?;
    while let Some(message) = connection.recv().await? {
        connection.send(message).await?;
    }
    Ok(())
}

/// Serves on a port of its own for as long as the test runs; with `ConnectInfo` or without
pub(crate) async fn serve(app: Router, info: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        if info {
            let app = app.into_make_service_with_connect_info::<SocketAddr>();
            axum::serve(listener, app).await
        } else {
            axum::serve(listener, app).await
        }
    });
    address
}

/// A good request of Ann's
pub(crate) fn ask(more: &str) -> String {
    crate::peer::ask("/feed", &format!("X-User: ann\r\n{more}"))
}
