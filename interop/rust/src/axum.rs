//! axum.

use std::net::TcpListener;
use std::time::Duration;

use anyhow::Result;
use axum::extract::WebSocketUpgrade;
use axum::extract::ws::Message;
use axum::routing::get;
use axum::serve::ListenerExt;

use crate::recipe::{self, echo};

impl recipe::Message for Message {
    fn ping() -> Self {
        Self::Ping(bytes::Bytes::new())
    }

    fn is_data(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Binary(_))
    }

    fn is_close(&self) -> bool {
        matches!(self, Self::Close(_))
    }
}

pub(crate) async fn serve(
    listener: TcpListener,
    beat: Option<Duration>,
    buffer: Option<usize>,
) -> Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let listener = listener.tap_io(|stream| _ = stream.set_nodelay(true));
    let upgrade = move |upgrade: WebSocketUpgrade| async move {
        let upgrade = match buffer {
            Some(size) => upgrade.read_buffer_size(size).write_buffer_size(size),
            None => upgrade,
        };
        upgrade.on_upgrade(move |socket| echo(socket, recipe::on_tokio(beat), beat))
    };
    Ok(axum::serve(listener, axum::Router::new().route("/feed", get(upgrade))).await?)
}
