//! A peer that talks and never reads: a WebSocket whose frames nobody takes in, for no client of ours
//! would do that. What it is sent fills the kernels' buffers, and the server is left with bytes that
//! do not get out.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use anyhow::Context;
use everbeat_core::transport::{Outgoing, Transport};
use everbeat_tokio::Request;
use everbeat_tokio::transport::{Stream, WebSocket};
use everbeat_ws::{Error, Settings};
use tokio::net::TcpSocket;
use tokio::time::{Instant, sleep};

use crate::child::Orders;

/// A small window, so that the flood is held up at once
const WINDOW: u32 = 16 << 10;
/// How often it says something, although it never listens
const TALK_EVERY: Duration = Duration::from_millis(200);

/// What the server is asked for
pub(crate) const FLOOD: &str = "sloth flood";

/// Connects, asks for a flood, and talks without reading until its socket fails; returns when it
/// stopped to read, and the future that talks
pub(crate) async fn start(
    server: SocketAddr,
    orders: &Orders,
) -> anyhow::Result<(Instant, impl Future<Output = ()> + use<>)> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(WINDOW)?;
    let stream = socket.connect(server).await.context("the sloth could not connect")?;
    let (stream, settings) = (Stream::new(stream), Settings::default());
    let mut websocket = match &orders.tls {
        Some(certificates) => {
            let request = request(format!("wss://{server}/"))?;
            WebSocket::connect_tls(stream, &request, certificates.client()?, settings).await?
        }
        None => WebSocket::connect(stream, &request(format!("ws://{server}/"))?, settings).await?,
    };
    say(&mut websocket, FLOOD).await.context("the sloth could not ask for a flood")?;
    Ok((Instant::now(), talk(websocket)))
}

fn request(url: String) -> anyhow::Result<Request> {
    Request::to(url).build().map_err(anyhow::Error::from_boxed)
}

async fn talk(mut websocket: WebSocket<Stream>) {
    while say(&mut websocket, "sloth talks").await.is_ok() {
        sleep(TALK_EVERY).await;
    }
}

async fn say(websocket: &mut WebSocket<Stream>, text: &'static str) -> Result<(), Error> {
    poll_fn(|cx| Pin::new(&mut *websocket).poll_ready(cx)).await?;
    Pin::new(&mut *websocket).start_send(Outgoing::Message(text.into()))?;
    poll_fn(|cx| Pin::new(&mut *websocket).poll_flush(cx)).await
}
