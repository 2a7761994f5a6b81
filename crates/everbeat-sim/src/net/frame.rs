//! Frames as they weigh on the wire (RFC 6455, section 5.2), and what they mean to the reader once
//! their last byte is there.

use bytes::Bytes;
use everbeat_core::Message;
use everbeat_core::cause::CloseFrame;
use everbeat_core::transport::Incoming;

use crate::trace::{mark, mix};

/// The longest payload of a message's frame; a longer message is cut, so that control frames can go
/// between
pub(crate) const FRAGMENT: usize = 64 << 10;

/// One frame on its way
#[derive(Clone, Debug)]
pub(crate) enum Frame {
    /// A fragment that is not the message's last, with this many bytes of payload
    Part(usize),
    /// A message's last fragment, or only one, with this many bytes of payload
    Last(usize, Message),
    Ping(Bytes),
    Pong(Bytes),
    Close(Option<CloseFrame>),
}

impl Frame {
    /// Bytes on the wire; a client's frames are masked
    pub(crate) fn size(&self, masked: bool) -> usize {
        let payload = self.payload();
        let header = match payload {
            0..=125 => 2,
            126..=65_535 => 4,
            _ => 10,
        };
        header + if masked { 4 } else { 0 } + payload
    }

    fn payload(&self) -> usize {
        match self {
            Self::Part(payload) | Self::Last(payload, _) => *payload,
            Self::Ping(payload) | Self::Pong(payload) => payload.len(),
            Self::Close(None) => 0,
            Self::Close(Some(frame)) => 2 + frame.reason.len(),
        }
    }

    /// For the trace
    pub(crate) const fn label(&self) -> &'static str {
        match self {
            Self::Part(_) => "fragment",
            Self::Last(..) => "message",
            Self::Ping(_) => "Ping",
            Self::Pong(_) => "Pong",
            Self::Close(_) => "Close",
        }
    }

    /// A hash of the beginning, so that histories which differ only in payloads differ in digest
    pub(crate) fn mark(&self) -> u64 {
        match self {
            Self::Part(_) | Self::Close(None) => 0,
            Self::Last(_, message) => mark(message.as_bytes()),
            Self::Ping(payload) | Self::Pong(payload) => mark(payload),
            Self::Close(Some(frame)) => mix(mark(frame.reason.as_bytes()), u64::from(frame.code.0)),
        }
    }

    /// What the reader is told; a part is not told
    pub(crate) fn into_incoming(self) -> Option<Incoming> {
        Some(match self {
            Self::Part(_) => return None,
            Self::Last(_, message) => Incoming::Message(message),
            Self::Ping(payload) => Incoming::Ping(payload),
            Self::Pong(payload) => Incoming::Pong(payload),
            Self::Close(frame) => Incoming::Close(frame),
        })
    }
}

impl From<Incoming> for Frame {
    fn from(incoming: Incoming) -> Self {
        match incoming {
            Incoming::Message(message) => Self::Last(message.len(), message),
            Incoming::Ping(payload) => Self::Ping(payload),
            Incoming::Pong(payload) => Self::Pong(payload),
            Incoming::Close(frame) => Self::Close(frame),
            // A kind that is newer than this simulator weighs as the smallest frame.
            _ => Self::Part(0),
        }
    }
}

/// A message that waits to be cut into frames
#[derive(Debug)]
pub(crate) struct Cutting {
    message: Message,
    written: usize,
}

impl Cutting {
    pub(crate) const fn new(message: Message) -> Self {
        Self { message, written: 0 }
    }

    /// The next frame, and what is left after it
    pub(crate) fn next(self) -> (Frame, Option<Self>) {
        let left = self.message.len() - self.written;
        if left <= FRAGMENT {
            return (Frame::Last(left, self.message), None);
        }
        (Frame::Part(FRAGMENT), Some(Self { written: self.written + FRAGMENT, ..self }))
    }
}

#[cfg(test)]
mod tests {
    use everbeat_core::cause::CloseCode;

    use super::*;

    #[test]
    fn frames_weigh_what_rfc_6455_says() {
        let message = |len: usize| Frame::Last(len, Message::from(vec![0; len]));
        for (len, header) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            assert_eq!(message(len).size(false), header + len);
            assert_eq!(message(len).size(true), header + 4 + len);
        }
        assert_eq!(Frame::Ping(vec![0; 8].into()).size(true), 14);
        assert_eq!(Frame::Close(None).size(false), 2);
        let bye = CloseFrame::new(CloseCode::NORMAL, "bye");
        assert_eq!(Frame::Close(Some(bye)).size(false), 7);
    }

    #[test]
    fn a_long_message_is_cut_and_nothing_of_it_is_lost() {
        let mut left = Some(Cutting::new(Message::from(vec![7; 2 * FRAGMENT + 1])));
        let mut sizes = Vec::new();
        while let Some(cutting) = left.take() {
            let (frame, rest) = cutting.next();
            sizes.push(frame.payload());
            left = rest;
        }
        assert_eq!(sizes, [FRAGMENT, FRAGMENT, 1]);
    }
}
