//! Tungstenite's codec, fed whole frames of data. It assembles fragments, unmasks, and validates
//! UTF-8; it is borrowed from the thread at a message's first frame and given back behind its last.
//! It never sees a socket or a control frame, so it never has anything to send.

use std::io::{self, Chain, Read, Write};

use async_tungstenite::tungstenite;
use async_tungstenite::tungstenite::protocol::{WebSocketConfig, WebSocketContext};
use everbeat_core::Message;

use crate::error::{Error, ProtocolError};
use crate::frame::Header;
use crate::pool::{CLIENT_CODECS, Lend, SERVER_CODECS};
use crate::reviewed::validated;
use crate::role::Role;

/// The codec's own read buffer, in bytes; it only ever holds one frame
const BUFFER: usize = 4 << 10;

/// The codec of one WebSocket, while a message is open
#[derive(Debug, Default)]
pub(crate) struct Codec {
    context: Option<Box<WebSocketContext>>,
    /// Whether a frame made the codec's buffer larger than is worth keeping
    grown: bool,
    /// The bytes of the open message's frames so far, headers included
    fed: u64,
}

impl Codec {
    pub(crate) const fn is_idle(&self) -> bool {
        self.context.is_none()
    }

    pub(crate) const fn fed(&self) -> u64 {
        self.fed
    }

    /// Takes one whole frame of data; a message if the frame was its last
    pub(crate) fn feed(
        &mut self,
        role: Role,
        header: &Header,
        payload: &[u8],
    ) -> Result<Option<Message>, Error> {
        let len = header.len + payload.len();
        self.grown |= len > BUFFER;
        self.fed += len as u64;
        let context = match self.context.take() {
            Some(context) => context,
            None => lend(role),
        };
        let (head, len) = header.bytes();
        self.read(role, context, Feed(head[..len].chain(payload)))
    }

    fn read(
        &mut self,
        role: Role,
        mut context: Box<WebSocketContext>,
        mut feed: Feed<'_>,
    ) -> Result<Option<Message>, Error> {
        let message = match context.read(&mut feed) {
            Ok(tungstenite::Message::Text(text)) => Message::Text(validated(text)),
            Ok(tungstenite::Message::Binary(bytes)) => Message::Binary(bytes),
            Err(tungstenite::Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                // The frame was not the message's last
                self.context = Some(context);
                return Ok(None);
            }
            Err(tungstenite::Error::Utf8(_)) => return Err(ProtocolError::Utf8.into()),
            Ok(_) | Err(_) => return Err(ProtocolError::Codec.into()),
        };
        if !self.grown {
            match role {
                Role::Client => CLIENT_CODECS.take_back(context),
                Role::Server => SERVER_CODECS.take_back(context),
            }
        }
        *self = Self::default();
        Ok(Some(message))
    }
}

fn lend(role: Role) -> Box<WebSocketContext> {
    let lent = match role {
        Role::Client => CLIENT_CODECS.lend(),
        Role::Server => SERVER_CODECS.lend(),
    };
    lent.unwrap_or_else(|| Box::new(WebSocketContext::new(role.into(), Some(config()))))
}

/// One for all connections: the limits are kept by the tracker, before a payload is here, and so is
/// that a client masks. What arrived in parts is unmasked already.
fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(BUFFER)
        .write_buffer_size(0)
        .accept_unmasked_frames(true)
        .max_frame_size(None)
        .max_message_size(None)
}

/// What the codec takes for its stream: the frame, and then nothing for now
struct Feed<'a>(Chain<&'a [u8], &'a [u8]>);

impl Read for Feed<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.0.read(into) {
            Ok(0) if !into.is_empty() => Err(io::ErrorKind::WouldBlock.into()),
            read => read,
        }
    }
}

/// The codec has nothing to send, for it only sees frames of data
impl Write for Feed<'_> {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
