//! What two peers say to each other, from the bytes that each of them sends: the head of an upgrade,
//! and the frames behind it (RFC 6455, section 5.2). Pure; `tap` brings the bytes.

use everbeat_load::frames::{self, Frame};
use serde::Serialize;

use crate::note::digits;

/// A head that is longer is none
const HEAD: usize = 64 << 10;
const BLANK: &[u8] = b"\r\n\r\n";
/// The first byte of TLS, in which there is nothing to be seen
const HANDSHAKE: u8 = 22;

/// Something that went over the wire
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Seen {
    /// The first line of a request or of an answer
    Head(String),
    Frame {
        code: u8,
        /// Nothing of its message comes behind it
        last: bool,
        masked: bool,
        bytes: usize,
        /// A control frame's, unmasked, two hexadecimal digits a byte; of others only the length is told
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: Option<String>,
    },
    /// Nothing more comes from that side
    End(bool),
}

/// One side of one connection
#[derive(Debug, Default)]
pub(crate) struct Side {
    /// What is not whole yet
    begun: Vec<u8>,
    stands: Stands,
}

#[derive(Debug, Default)]
enum Stands {
    #[default]
    Before,
    Upgraded,
    /// What follows is no frame: a body, or TLS
    Other,
}

impl Side {
    /// This came from it; no bytes are its end
    pub(crate) fn said(&mut self, bytes: &[u8], mut tell: impl FnMut(Seen)) {
        if bytes.is_empty() {
            return tell(Seen::End(true));
        }
        self.begun.extend_from_slice(bytes);
        while let Some((length, seen)) = self.next() {
            self.begun.drain(..length);
            tell(seen);
        }
        if matches!(self.stands, Stands::Other) {
            self.begun = Vec::new();
        }
    }

    /// What is whole, and how many bytes that is
    fn next(&mut self) -> Option<(usize, Seen)> {
        match self.stands {
            Stands::Before => {
                let found = self.begun.windows(BLANK.len()).position(|four| four == BLANK);
                let Some(end) = found else {
                    if self.begun.first() == Some(&HANDSHAKE) || self.begun.len() > HEAD {
                        self.stands = Stands::Other;
                    }
                    return None;
                };
                let head = String::from_utf8_lossy(self.begun.get(..end)?);
                let line = head.lines().next().unwrap_or_default().to_owned();
                let refused = line.starts_with("HTTP/") && line.split(' ').nth(1) != Some("101");
                self.stands = if refused { Stands::Other } else { Stands::Upgraded };
                Some((end + BLANK.len(), Seen::Head(line)))
            }
            Stands::Upgraded => {
                let frame = frames::first(&self.begun)?;
                Some((frame.length, of(&frame)))
            }
            Stands::Other => None,
        }
    }
}

fn of(frame: &Frame<'_>) -> Seen {
    let control = frame.code >= frames::CLOSE;
    let payload = control.then(|| {
        let mut payload = frame.payload.to_vec();
        frames::unmask(&mut payload, frame.key.unwrap_or_default());
        digits(&payload)
    });
    let (code, last, masked) = (frame.code, frame.last, frame.key.is_some());
    Seen::Frame { code, last, masked, bytes: frame.payload.len(), payload }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &[u8] = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
    const ANSWER: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";

    /// What is seen of these bytes in pieces of this size
    fn seen(bytes: &[u8], piece: usize) -> Vec<Seen> {
        let (mut side, mut all) = (Side::default(), Vec::new());
        bytes.chunks(piece).for_each(|piece| side.said(piece, |seen| all.push(seen)));
        all
    }

    #[test]
    fn heads_and_frames_are_seen_in_any_pieces() {
        let mut bytes = REQUEST.to_vec();
        frames::masked(frames::PING, b"ab", [1, 2, 3, 4], &mut bytes);
        bytes.extend_from_slice(&[0x01, 1, b'x', 0x80, 1, b'y']);
        frames::masked(frames::BINARY, &[7; 70_000], [9, 8, 7, 6], &mut bytes);
        let frame = |code, last, masked, bytes, payload: Option<&str>| {
            let payload = payload.map(String::from);
            Seen::Frame { code, last, masked, bytes, payload }
        };
        let wanted = [
            Seen::Head("GET /a HTTP/1.1".into()),
            frame(frames::PING, true, true, 2, Some("6162")),
            frame(frames::TEXT, false, false, 1, None),
            frame(frames::CONTINUATION, true, false, 1, None),
            frame(frames::BINARY, true, true, 70_000, None),
        ];
        for piece in [1, 3, 1_000, usize::MAX] {
            assert_eq!(seen(&bytes, piece), wanted, "in pieces of {piece}");
        }
    }

    #[test]
    fn behind_a_refusal_and_in_tls_there_are_no_frames() {
        let upgraded = [ANSWER, &[0x81, 0]].concat();
        assert_eq!(seen(&upgraded, usize::MAX).len(), 2);
        let refused = [&b"HTTP/1.1 403 Forbidden\r\n\r\n"[..], &[0x81, 0]].concat();
        assert_eq!(seen(&refused, 5), [Seen::Head("HTTP/1.1 403 Forbidden".into())]);
        let hidden = [&[HANDSHAKE, 3, 1][..], REQUEST].concat();
        assert_eq!(seen(&hidden, 3), []);
    }

    #[test]
    fn the_end_of_a_side_is_seen() {
        let mut all = Vec::new();
        Side::default().said(&[], |seen| all.push(seen));
        assert_eq!(all, [Seen::End(true)]);
    }
}
