//! What everbeat's server is compared with: async-tungstenite on tokio as it is, but for a read buffer
//! of 4 KiB, for its default of 128 KiB would cost it more.

use anyhow::Result;
use async_tungstenite::accept_async_with_config;
use async_tungstenite::tungstenite::protocol::WebSocketConfig;
use everbeat_tokio::transport::Stream;
use futures_util::StreamExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

use crate::say;

const READ_BUFFER: usize = 4 << 10;

/// Serves on one thread of its own
pub(crate) fn start() -> Result<Option<Runtime>> {
    let executor = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    drop(executor.spawn(async {
        if let Err(error) = serve().await {
            say(format_args!("lost {error}"));
        }
    }));
    Ok(Some(executor))
}

async fn serve() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    say(format_args!("listening {}", listener.local_addr()?));
    loop {
        let (stream, _) = listener.accept().await?;
        drop(tokio::spawn(async {
            let end = echo(stream).await;
            say(format_args!("lost {end:?}"));
        }));
    }
}

async fn echo(stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER);
    let mut socket = accept_async_with_config(Stream::new(stream), Some(config)).await?;
    while let Some(message) = socket.next().await {
        let message = message?;
        if message.is_text() || message.is_binary() {
            socket.send(message).await?;
        }
    }
    Ok(())
}
