//! What a connection hears, as bytes arrive in any pieces: Pings, whose Pongs are written, and what of
//! messages has come.

use anyhow::{Result, bail};

use crate::frames::{self, BINARY, CONTINUATION, PING};

/// One connection's, a client's; holds nothing between whole frames
#[derive(Debug, Default)]
pub struct Ears {
    /// The beginning of a frame
    rest: Vec<u8>,
}

/// What was heard at once
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Heard {
    /// How many Pings
    pub pings: u64,
    /// Bytes of messages
    pub payload: usize,
}

impl Ears {
    /// Hears more; writes what answers it behind `answers`
    ///
    /// # Errors
    ///
    /// A frame of a kind that nobody is to send here, a Close too.
    pub fn hear(&mut self, bytes: &[u8], answers: &mut Vec<u8>) -> Result<Heard> {
        let mut heard = Heard::default();
        if self.rest.is_empty() {
            let used = each(bytes, answers, &mut heard)?;
            self.rest.extend_from_slice(&bytes[used..]);
            return Ok(heard);
        }
        self.rest.extend_from_slice(bytes);
        let used = each(&self.rest, answers, &mut heard)?;
        if used == self.rest.len() {
            self.rest = Vec::new();
        } else {
            self.rest.drain(..used);
        }
        Ok(heard)
    }
}

/// Each whole frame; how many bytes they are
fn each(bytes: &[u8], answers: &mut Vec<u8>, heard: &mut Heard) -> Result<usize> {
    let (mut used, mut space) = (0, [0; 256]);
    while let Some(frame) = frames::first(&bytes[used..]) {
        match frame.code {
            PING => {
                answers.extend_from_slice(frames::pong(&frame, true, &mut space));
                heard.pings += 1;
            }
            BINARY | CONTINUATION => heard.payload += frame.payload.len(),
            code => bail!("a frame of code {code}"),
        }
        used += frame.length;
    }
    Ok(used)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_frames_and_nothing_is_kept_behind_them() {
        // A Ping, a message of three bytes, a Ping
        let bytes = [0x89, 2, 7, 8, 0x82, 3, 1, 2, 3, 0x89, 0];
        for size in 1..=bytes.len() {
            let (mut ears, mut answers, mut pings, mut payload) =
                (Ears::default(), Vec::new(), 0, 0);
            for piece in bytes.chunks(size) {
                let heard = ears.hear(piece, &mut answers).unwrap();
                pings += heard.pings;
                payload += heard.payload;
            }
            assert_eq!((pings, payload), (2, 3), "in pieces of {size}");
            assert_eq!(answers, [0x8a, 0x82, 0, 0, 0, 0, 7, 8, 0x8a, 0x80, 0, 0, 0, 0]);
            assert_eq!(ears.rest.capacity(), 0);
        }
    }

    #[test]
    fn a_close_is_an_end() {
        assert!(Ears::default().hear(&[0x88, 0], &mut Vec::new()).is_err());
    }
}
