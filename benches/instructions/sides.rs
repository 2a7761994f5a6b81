//! The two sides of the comparison behind one trait, and the messages that they send.

use async_tungstenite::WebSocketStream;
use async_tungstenite::tungstenite::Message as Theirs;
use async_tungstenite::tungstenite::protocol::{Role as TheirRole, WebSocketConfig};
use bytes::Bytes;
use everbeat_benches::StandingTimer;
use everbeat_core::config::ConnectionConfig;
use everbeat_core::{Connection, Message};
use everbeat_ws::{Role, Settings, WebSocket};
use futures_util::StreamExt;

use crate::pipe::{End, duplex};

/// What async-tungstenite reads into, in bytes: as little as suits these messages
///
/// It zeroes all that is free of it before each read. Its default of 128 KiB would cost several
/// thousand instructions a message, and make it no rival at all.
const READ_BUFFER: usize = 4 << 10;

/// One end of a WebSocket
pub(crate) trait Side: Sized {
    type Message: Clone + PartialEq;

    async fn pair() -> [Self; 2];
    fn text(payload: String) -> Self::Message;
    fn binary(payload: Vec<u8>) -> Self::Message;
    async fn send(&mut self, message: Self::Message);
    async fn recv(&mut self) -> Self::Message;
}

/// async-tungstenite as it is
impl Side for WebSocketStream<End> {
    type Message = Theirs;

    async fn pair() -> [Self; 2] {
        let config = Some(WebSocketConfig::default().read_buffer_size(READ_BUFFER));
        let [client, server] = duplex();
        [
            Self::from_raw_socket(client, TheirRole::Client, config).await,
            Self::from_raw_socket(server, TheirRole::Server, config).await,
        ]
    }

    fn text(payload: String) -> Theirs {
        Theirs::text(payload)
    }

    fn binary(payload: Vec<u8>) -> Theirs {
        Theirs::binary(payload)
    }

    async fn send(&mut self, message: Theirs) {
        Self::send(self, message).await.expect("the pipe takes everything");
    }

    async fn recv(&mut self) -> Theirs {
        self.next().await.expect("the pipe never ends").expect("the pipe never fails")
    }
}

/// everbeat, over the same pipe, with its heartbeat and its memory of what is unproven
impl Side for Connection<WebSocket<End>, StandingTimer> {
    type Message = Message;

    async fn pair() -> [Self; 2] {
        let [client, server] = duplex();
        let timer = StandingTimer::new();
        let over = |end, role| WebSocket::from_upgraded(end, role, Settings::default(), Vec::new());
        let (client, server) = (over(client, Role::Client), over(server, Role::Server));
        [
            Self::new(client, timer.clone(), ConnectionConfig::client(), 1),
            Self::new(server, timer, ConnectionConfig::server(), 2),
        ]
    }

    fn text(payload: String) -> Message {
        Message::from(payload)
    }

    fn binary(payload: Vec<u8>) -> Message {
        Message::Binary(Bytes::from(payload))
    }

    async fn send(&mut self, message: Message) {
        Self::send(self, message).await.expect("the pipe takes everything");
    }

    async fn recv(&mut self) -> Message {
        self.recv().await.expect("the pipe never fails").expect("the pipe never ends")
    }
}
