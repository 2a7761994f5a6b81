//! What a client hears of a server, as bytes arrive in any pieces (RFC 6455, section 5): control frames
//! whole, messages piece by piece, so that nobody keeps a large one to check it.

use anyhow::{Result, bail, ensure};

use crate::frames::{BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT};

/// The longest head of a frame that is not masked
const HEAD: usize = 10;
/// The longest payload of a control frame
const CONTROL: u64 = 125;

/// One connection's; holds nothing of the heap but a control frame that has come in part
#[derive(Debug, Default)]
pub struct Ears {
    head: [u8; HEAD],
    /// How much of the head is there
    known: usize,
    /// How much of the payload is not, once the head is
    left: u64,
    /// A control frame's payload so far
    control: Vec<u8>,
    /// A message has begun, and its last frame has not come
    in_message: bool,
}

/// What was heard
#[derive(Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "RFC 6455 has no other kind")]
pub enum Heard<'a> {
    /// A Ping, whole
    Ping(&'a [u8]),
    /// A Pong
    Pong,
    /// A Close
    Close,
    /// A piece of a message, which may be its end
    Piece(&'a [u8], bool),
}

impl Ears {
    /// Hears more, and tells of all that it was
    ///
    /// # Errors
    ///
    /// That of `told`, or bytes that no server may send.
    pub fn hear(
        &mut self,
        mut bytes: &[u8],
        mut told: impl FnMut(Heard<'_>) -> Result<()>,
    ) -> Result<()> {
        while !bytes.is_empty() {
            if self.known < self.head_length() {
                (self.head[self.known], bytes) = (bytes[0], &bytes[1..]);
                self.known += 1;
                if self.known < self.head_length() {
                    continue;
                }
                self.begin()?;
            }
            let (now, rest) = bytes.split_at(bytes.len().min(self.left as usize));
            bytes = rest;
            self.left -= now.len() as u64;
            self.payload(now, &mut told)?;
            if self.left == 0 {
                self.known = 0;
            }
        }
        Ok(())
    }

    /// The head's length as far as it is known
    const fn head_length(&self) -> usize {
        match (self.known, self.head[1] & 0x7f) {
            (0..2, _) => 2,
            (_, 126) => 4,
            (_, 127) => HEAD,
            _ => 2,
        }
    }

    /// The head is whole
    fn begin(&mut self) -> Result<()> {
        let [first, second, rest @ ..] = self.head;
        ensure!(first & 0x70 == 0, "a frame with reserved bits");
        ensure!(second & 0x80 == 0, "a server's frame that is masked");
        self.left = match second {
            126 => u64::from(u16::from_be_bytes([rest[0], rest[1]])),
            127 => u64::from_be_bytes(rest),
            short => u64::from(short),
        };
        match self.code() {
            CONTINUATION => ensure!(self.in_message, "a continuation of nothing"),
            TEXT | BINARY => ensure!(!self.in_message, "a message within a message"),
            CLOSE | PING | PONG => {
                ensure!(self.is_final() && self.left <= CONTROL, "a control frame of many");
            }
            code => bail!("a frame of code {code}"),
        }
        Ok(())
    }

    const fn code(&self) -> u8 {
        self.head[0] & 0x0f
    }

    const fn is_final(&self) -> bool {
        self.head[0] & 0x80 != 0
    }

    fn payload(
        &mut self,
        now: &[u8],
        told: &mut impl FnMut(Heard<'_>) -> Result<()>,
    ) -> Result<()> {
        let whole = self.left == 0;
        let code = self.code();
        if matches!(code, CONTINUATION | TEXT | BINARY) {
            let last = whole && self.is_final();
            self.in_message = !last;
            return told(Heard::Piece(now, last));
        }
        if !whole {
            self.control.extend_from_slice(now);
            return Ok(());
        }
        let kept = std::mem::take(&mut self.control);
        let both;
        let all = if kept.is_empty() {
            now
        } else {
            both = [&kept, now].concat();
            &both
        };
        told(match code {
            PING => Heard::Ping(all),
            PONG => Heard::Pong,
            _ => Heard::Close,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is heard in pieces of this size: Pings, their bytes, bytes of messages, messages
    fn heard(bytes: &[u8], size: usize) -> Result<(usize, usize, Vec<u8>, usize)> {
        let (mut ears, mut sum) = (Ears::default(), (0, 0, Vec::new(), 0));
        for piece in bytes.chunks(size) {
            ears.hear(piece, |heard| {
                match heard {
                    Heard::Ping(payload) => (sum.0, sum.1) = (sum.0 + 1, sum.1 + payload.len()),
                    Heard::Piece(piece, last) => {
                        sum.2.extend_from_slice(piece);
                        sum.3 += usize::from(last);
                    }
                    Heard::Pong | Heard::Close => {}
                }
                Ok(())
            })?;
        }
        assert_eq!(ears.control.capacity(), 0);
        Ok(sum)
    }

    #[test]
    fn pieces_make_frames_and_nothing_is_kept_behind_them() {
        // A Ping, a message of two frames around a Ping, an empty message, one of 300 bytes
        let mut bytes = vec![0x89, 2, 7, 8, 0x02, 2, 1, 2, 0x89, 0, 0x80, 1, 3, 0x82, 0];
        bytes.extend_from_slice(&[0x82, 126, 1, 44]);
        bytes.extend_from_slice(&[9; 300]);
        let said = [&[1, 2, 3][..], &[9; 300]].concat();
        for size in 1..=bytes.len() {
            assert_eq!(
                heard(&bytes, size).unwrap(),
                (2, 2, said.clone(), 3),
                "in pieces of {size}"
            );
        }
    }

    #[test]
    fn a_length_of_eight_bytes_is_read() {
        let bytes = [&[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0][..], &[5; 65_536]].concat();
        for size in [3, 4_096, bytes.len()] {
            assert_eq!(heard(&bytes, size).unwrap().2.len(), 65_536);
        }
    }

    #[test]
    fn what_no_server_may_send_is_refused() {
        for (bytes, why) in [
            (&[0xc2, 0][..], "reserved"),
            (&[0x82, 0x80], "masked"),
            (&[0x80, 0], "nothing"),
            (&[0x02, 0, 0x82, 0], "within"),
            (&[0x09, 0], "control"),
            (&[0x89, 126, 0, 126], "control"),
            (&[0x83, 0], "code 3"),
        ] {
            let error = heard(bytes, 1).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
