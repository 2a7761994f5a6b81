//! tungstenite, by both crates that make it asynchronous.

use std::future::Future;
use std::net::TcpListener;
use std::time::Duration;

use crate::recipe::{self, echo};
use anyhow::Result;
use async_tungstenite::tungstenite::protocol::WebSocketConfig;
use async_tungstenite::tungstenite::{Error, Message};
use futures_util::{Sink, Stream};
use tokio::net::TcpStream;

impl recipe::Message for Message {
    fn ping() -> Self {
        Self::Ping(bytes::Bytes::new())
    }

    fn is_data(&self) -> bool {
        self.is_text() || self.is_binary()
    }

    fn is_close(&self) -> bool {
        Self::is_close(self)
    }
}

/// Both buffers of this size, if the default is not wanted
fn config(buffer: Option<usize>) -> WebSocketConfig {
    let config = WebSocketConfig::default();
    buffer.map_or(config, |size| config.read_buffer_size(size).write_buffer_size(size))
}

/// async-tungstenite on tokio
pub(crate) async fn asynchronous(
    listener: TcpListener,
    beat: Option<Duration>,
    buffer: Option<usize>,
) -> Result<()> {
    let config = Some(config(buffer));
    on_tokio(listener, beat, move |stream| {
        async_tungstenite::tokio::accept_async_with_config(stream, config)
    })
    .await
}

/// tokio-tungstenite
pub(crate) async fn tokio(
    listener: TcpListener,
    beat: Option<Duration>,
    buffer: Option<usize>,
) -> Result<()> {
    let config = Some(config(buffer));
    on_tokio(listener, beat, move |stream| {
        tokio_tungstenite::accept_async_with_config(stream, config)
    })
    .await
}

/// Sockets of tokio's, which `upgrade` makes connections of
async fn on_tokio<S, F>(
    listener: TcpListener,
    beat: Option<Duration>,
    upgrade: impl Fn(TcpStream) -> F,
) -> Result<()>
where
    S: Stream<Item = Result<Message, Error>>
        + Sink<Message, Error = Error>
        + Unpin
        + Send
        + 'static,
    F: Future<Output = Result<S, Error>> + Send + 'static,
{
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let upgrade = upgrade(stream);
        tokio::spawn(async move {
            if let Ok(socket) = upgrade.await {
                echo(socket, recipe::on_tokio(beat), beat).await;
            }
        });
    }
}

/// async-tungstenite on async-std
pub(crate) async fn async_std(
    listener: TcpListener,
    beat: Option<Duration>,
    buffer: Option<usize>,
) -> Result<()> {
    let listener = async_std::net::TcpListener::from(listener);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        async_std::task::spawn(async move {
            let config = Some(config(buffer));
            if let Ok(socket) = async_tungstenite::accept_async_with_config(stream, config).await {
                echo(socket, beat.map(async_io::Timer::interval), beat).await;
            }
        });
    }
}
