//! A member: a client that says things and waits for things; or one that falls silent.

use std::net::SocketAddr;

use everbeat_core::{Client, Event};
use everbeat_ws::connect::Request;
use everbeat_ws::{Connector, Runtime, Settings, WebSocket};

use crate::story::{Clock, Result};

/// A member of a room
pub(crate) struct Member<R: Runtime> {
    name: &'static str,
    client: Client<Connector<R>, R::Timer>,
    clock: Clock<R>,
}

impl<R: Runtime> Member<R> {
    pub(crate) async fn join(
        server: SocketAddr,
        room: &str,
        name: &'static str,
        clock: &Clock<R>,
    ) -> Result<Self> {
        let url = format!("ws://{server}/{room}/{name}");
        let client = Client::<Connector<R>, R::Timer>::connect(&url).await?;
        Ok(Self { name, client, clock: clock.clone() })
    }

    pub(crate) async fn say(&mut self, text: &'static str) -> Result {
        Ok(self.client.send(text).await?)
    }

    /// What is said next in the room
    pub(crate) async fn hear(&mut self) -> Result<String> {
        loop {
            match self.client.next().await.ok_or("there is nothing more to hear")? {
                Event::Message(message) => {
                    self.clock.tell(self.name, &format!("> {message}"));
                    return Ok(message.to_string());
                }
                Event::Disconnected(end) | Event::GaveUp(end) | Event::Closed(end) => {
                    return Err(format!("{} was disconnected: {end}", self.name).into());
                }
                _ => {}
            }
        }
    }

    /// Listens until something is said that begins so
    pub(crate) async fn wait_for(&mut self, beginning: &str) -> Result<String> {
        loop {
            let heard = self.hear().await?;
            if heard.starts_with(beginning) {
                return Ok(heard);
            }
        }
    }

    pub(crate) async fn leave(mut self) -> Result {
        let end = self.client.close().await;
        self.clock.tell(self.name, "leaves");
        if end.cause.is_polite() { Ok(()) } else { Err(end.cause.into()) }
    }
}

/// One who comes in and then does not read a byte, as a frozen program; its kernel acknowledges
/// everything
///
/// An everbeat that is not polled: whoever polls it answers Pings.
pub(crate) async fn frozen<R: Runtime>(
    server: SocketAddr,
    room: &str,
    name: &str,
) -> Result<WebSocket<R::Stream>> {
    let stream = R::default().dial(server).await?;
    let request = Request::to(format!("ws://{server}/{room}/{name}")).build()?;
    Ok(WebSocket::connect(stream, &request, Settings::default()).await?)
}
