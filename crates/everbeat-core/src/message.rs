//! What a WebSocket carries: the application's [`Message`]s, and the transport's vocabulary
//! around them.

use core::fmt;

use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use bytestring::ByteString;

use crate::cause::CloseFrame;

/// One application message: text or binary (RFC 6455, section 5.6)
///
/// Cloning is cheap: both kinds are reference-counted buffers. Borrowed text is to be owned first
/// (`.to_owned()`); text that lives in the program is not copied.
///
/// ```
/// use everbeat_core::Message;
///
/// let text = Message::from("hello");
/// assert_eq!(text.as_text(), Some("hello"));
/// assert_eq!(text.to_string(), "hello");
/// assert_eq!(Message::from(vec![1, 2, 3]).to_string(), "<3 bytes>");
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 6455 has these two data messages and no other")]
pub enum Message {
    /// UTF-8 text
    Text(ByteString),
    /// Arbitrary bytes
    Binary(Bytes),
}

impl Message {
    /// The payload as bytes, whichever the kind
    #[must_use]
    pub fn as_bytes(&self) -> &Bytes {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// The text, if this is a text message
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    /// The payload's length in bytes
    #[must_use]
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether the payload is empty, which is allowed
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What fits into a log line; of more, its beginning and its size
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 64;
        let (kind, len) = match self {
            Self::Text(text) if text.len() <= SHOWN => {
                return f.debug_tuple("Text").field(text).finish();
            }
            Self::Binary(bytes) if bytes.len() <= SHOWN => {
                return f.debug_tuple("Binary").field(bytes).finish();
            }
            Self::Text(text) => ("Text", text.len()),
            Self::Binary(bytes) => ("Binary", bytes.len()),
        };
        let beginning = self.as_bytes()[..SHOWN].escape_ascii();
        write!(f, "{kind}(\"{beginning}\".. {len} bytes)")
    }
}

/// Text as it is; of a binary message, its length
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Binary(bytes) => write!(f, "<{} bytes>", bytes.len()),
        }
    }
}

impl From<&'static str> for Message {
    fn from(text: &'static str) -> Self {
        Self::Text(ByteString::from_static(text))
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<ByteString> for Message {
    fn from(text: ByteString) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes.into())
    }
}

impl From<Bytes> for Message {
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }
}

/// What a [`Transport`](crate::transport::Transport) hands up
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Incoming {
    /// A whole message
    Message(Message),
    /// The peer's Ping; the transport has already queued the Pong (RFC 6455, section 5.5.2)
    Ping(Bytes),
    /// A Pong, asked for or not (RFC 6455, section 5.5.3)
    Pong(Bytes),
    /// The peer's Close; the transport has already queued the reply if one is owed
    /// (RFC 6455, section 5.5.1)
    Close(Option<CloseFrame>),
}

/// What a [`Transport`](crate::transport::Transport) is given to send
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outgoing {
    /// A whole message; the transport cuts it into frames so that control frames go between them
    Message(Message),
    /// A Ping with this payload; it overtakes the messages that are not yet on their way
    Ping([u8; 8]),
    /// A Close; nothing may be sent after it
    Close(Option<CloseFrame>),
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    #[test]
    fn debug_shows_a_little_of_what_is_large() {
        assert_eq!(format!("{:?}", Message::from("hi")), "Text(\"hi\")");
        let large = format!("{:?}", Message::from(std::vec![7; 1 << 20]));
        assert!(large.len() < 300 && large.ends_with("1048576 bytes)"), "{large}");
        let text = format!("{:?}", Message::from("ü".repeat(100)));
        assert!(text.starts_with("Text(\"\\xc3\\xbc") && text.ends_with("200 bytes)"), "{text}");
    }
}
