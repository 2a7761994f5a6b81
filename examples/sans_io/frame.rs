//! The protocol: a byte that says what it is, one that says how long, and the payload.

use std::io;

/// What goes over the wire; there is nothing longer, so that no frame waits behind another
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    Ping([u8; 8]),
    Pong([u8; 8]),
    Say(String),
    /// Nothing comes after it
    Bye,
}

impl Frame {
    /// # Errors
    ///
    /// A text is longer than 255 bytes.
    pub(crate) fn to_bytes(&self) -> io::Result<Vec<u8>> {
        let (kind, payload) = match self {
            Self::Ping(payload) => (1, &payload[..]),
            Self::Pong(payload) => (2, &payload[..]),
            Self::Say(text) => (3, text.as_bytes()),
            Self::Bye => (4, &[][..]),
        };
        let length = u8::try_from(payload.len()).map_err(|_| bad("a text over 255 bytes"))?;
        Ok([&[kind, length], payload].concat())
    }
}

/// What was read, and is not a frame yet
#[derive(Debug, Default)]
pub(crate) struct Frames(Vec<u8>);

impl Frames {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// The next frame, if it is all there
    ///
    /// # Errors
    ///
    /// It is none.
    pub(crate) fn next(&mut self) -> io::Result<Option<Frame>> {
        let [kind, length, rest @ ..] = &self.0[..] else {
            return Ok(None);
        };
        let Some(payload) = rest.get(..usize::from(*length)) else {
            return Ok(None);
        };
        let eight = || payload.try_into().map_err(|_| bad("a beat of eight bytes has others"));
        let frame = match kind {
            1 => Frame::Ping(eight()?),
            2 => Frame::Pong(eight()?),
            3 => {
                let text = std::str::from_utf8(payload);
                Frame::Say(text.map_err(|_| bad("a text that is not UTF-8"))?.to_owned())
            }
            4 => Frame::Bye,
            _ => return Err(bad("no frame begins so")),
        };
        let end = 2 + payload.len();
        self.0.drain(..end);
        Ok(Some(frame))
    }
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
