//! A peer that talks and never reads: a bare socket, for no client of ours would do that. What it
//! is sent fills the kernels' buffers, and the server is left with bytes that do not get out.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, sleep};

/// A small window, so that the flood is held up at once
const WINDOW: u32 = 16 << 10;
/// How often it says something, although it never listens
const TALK_EVERY: Duration = Duration::from_millis(200);
const HEAD: &str = "GET / HTTP/1.1\r\nHost: sloth\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: c2xvdGggaXMgbXkgbmFtZQ==\r\n\r\n";

/// What the server is asked for
pub(crate) const FLOOD: &str = "sloth flood";

/// Connects, asks for a flood, and talks without reading until its socket fails; returns when it
/// stopped to read, and the future that talks
pub(crate) async fn start(
    server: SocketAddr,
) -> anyhow::Result<(Instant, impl Future<Output = ()>)> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(WINDOW)?;
    let mut stream = socket.connect(server).await.context("the sloth could not connect")?;
    stream.write_all(HEAD.as_bytes()).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        ensure!(head.len() < 4_096, "the sloth was answered with too long a head");
        head.push(stream.read_u8().await?);
    }
    ensure!(head.starts_with(b"HTTP/1.1 101"), "the sloth's upgrade was refused");
    stream.write_all(&text(FLOOD)).await?;
    Ok((Instant::now(), talk(stream)))
}

async fn talk(mut stream: TcpStream) {
    while stream.write_all(&text("sloth talks")).await.is_ok() {
        sleep(TALK_EVERY).await;
    }
}

/// A client's text frame of less than 126 bytes (RFC 6455, section 5.2), its masking key zero
fn text(message: &'static str) -> Vec<u8> {
    let mut frame = vec![0x81, 0x80 | message.len() as u8, 0, 0, 0, 0];
    frame.extend_from_slice(message.as_bytes());
    frame
}
