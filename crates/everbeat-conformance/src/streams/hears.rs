//! What a peer hears, held against what it said: every message came back whole, in order; every
//! answer is to a Ping of ours, in order; a control frame is nowhere but between two frames.

use std::collections::VecDeque;

use super::Tally;
use super::says::{Message, Said};

/// Bytes that were heard, and what is still to come
#[derive(Default)]
pub(super) struct Hears {
    /// Whether the other side is a client, whose frames are masked
    masked: bool,
    bytes: Vec<u8>,
    open: Option<Message>,
    expected: VecDeque<Message>,
    pings: VecDeque<Vec<u8>>,
    /// Pings of the other side, to be answered
    pub(super) asked: Vec<Vec<u8>>,
    pub(super) closed: bool,
    pub(super) tally: Tally,
}

impl Hears {
    pub(super) fn new(masked: bool) -> Self {
        Self { masked, ..Self::default() }
    }

    /// The other side is to echo this
    pub(super) fn expect(&mut self, said: Said) {
        self.expected.push_back(said.message);
        self.pings.extend(said.pings);
    }

    /// Whether all has come that was to come
    pub(super) fn is_over(&self) -> bool {
        self.expected.is_empty() && self.pings.is_empty()
    }

    pub(super) fn hear(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.bytes.extend(bytes);
        let mut from = 0;
        while let Some((first, payload, len)) = frame(&self.bytes[from..], self.masked)? {
            from += len;
            self.take(first, payload)?;
        }
        self.bytes.drain(..from);
        Ok(())
    }

    fn take(&mut self, first: u8, payload: Vec<u8>) -> Result<(), String> {
        if self.closed {
            return Err(format!("frame {first:#x} behind the Close"));
        }
        let fin = first & 0x80 != 0;
        match (first & 0x0f, self.open.take()) {
            (0, Some((opcode, mut open))) => {
                open.extend(payload);
                self.data(fin, (opcode, open))
            }
            (opcode @ (1 | 2), None) => self.data(fin, (opcode, payload)),
            (8..=10, _) if !fin => Err("a control frame in fragments".into()),
            (8, open) => {
                self.closed = true;
                if open.is_some() || !self.is_over() { Err("closed early".into()) } else { Ok(()) }
            }
            (9, open) => {
                self.open = open;
                self.asked.push(payload);
                Ok(())
            }
            (10, open) => {
                self.open = open;
                self.pong(&payload)
            }
            (opcode, open) => {
                Err(format!("opcode {opcode}, a message is open: {}", open.is_some()))
            }
        }
    }

    fn data(&mut self, fin: bool, message: Message) -> Result<(), String> {
        if !fin {
            self.open = Some(message);
            return Ok(());
        }
        let expected = self.expected.pop_front();
        if expected.as_ref() != Some(&message) {
            let of = |message: &Message| (message.0, message.1.len());
            let expected = expected.as_ref().map(of);
            return Err(format!("heard {:?}, not {expected:?}, or other bytes", of(&message)));
        }
        self.tally.messages += 1;
        self.tally.bytes += message.1.len() as u64;
        Ok(())
    }

    /// Only the newest of several Pings has to be answered (RFC 6455, section 5.5.3)
    fn pong(&mut self, payload: &[u8]) -> Result<(), String> {
        while let Some(ping) = self.pings.pop_front() {
            if ping == payload {
                self.tally.pongs += 1;
                return Ok(());
            }
        }
        Err("a Pong that answers no Ping".into())
    }
}

/// The first frame, if it is whole: its first byte, its payload, its length
fn frame(bytes: &[u8], masked: bool) -> Result<Option<(u8, Vec<u8>, usize)>, String> {
    let &[first, form, ref rest @ ..] = bytes else {
        return Ok(None);
    };
    if (form & 0x80 != 0) != masked {
        return Err(format!("a mask, or none: {form:#x}"));
    }
    let extended = match form & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let begin = extended + if masked { 4 } else { 0 };
    if rest.len() < begin {
        return Ok(None);
    }
    let length = rest[..extended].iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    let length = if extended == 0 { usize::from(form & 0x7f) } else { length };
    let Some(payload) = rest.get(begin..begin + length) else {
        return Ok(None);
    };
    let mask = if masked { [0, 1, 2, 3].map(|at| rest[extended + at]) } else { [0; 4] };
    let plain = payload.iter().zip(mask.into_iter().cycle()).map(|(byte, mask)| byte ^ mask);
    Ok(Some((first, plain.collect(), 2 + begin + length)))
}
