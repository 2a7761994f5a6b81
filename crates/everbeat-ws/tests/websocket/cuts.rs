//! A recorded conversation, cut at every byte: what is heard and what is answered stay the same, in
//! either role, whatever a read brings and a write takes.

use std::collections::VecDeque;
use std::pin::Pin;

use everbeat_core::Message;
use everbeat_core::cause::{CloseCode, CloseFrame};
use everbeat_core::transport::{Incoming, Outgoing, Transport};
use everbeat_ws::{Role, Settings, WebSocket};
use futures_util::{AsyncReadExt, AsyncWriteExt};

use crate::support::{End, duplex, flush, now, ready, recv, start};
use crate::wire::{masked, plain};

/// A payload that is larger than what is copied, and longer than a frame of ours
fn large() -> Vec<u8> {
    (0..4_300).map(|at| (at % 251) as u8).collect()
}

/// A frame of our peer's
fn frame(role: Role, first: u8, payload: &[u8]) -> Vec<u8> {
    match role {
        Role::Server => masked(first, payload),
        Role::Client => plain(first, payload),
    }
}

/// The last of them
fn close(role: Role) -> Vec<u8> {
    frame(role, 0x88, b"\x03\xe9bye")
}

/// What our peer says: every kind of frame, in every form of length but the longest
fn said(role: Role) -> Vec<u8> {
    let frame = |first, payload: &[u8]| frame(role, first, payload);
    [
        frame(0x81, "grüße".as_bytes()),
        frame(0x89, b"one"),
        frame(0x82, &[]),
        // A character in three fragments, and control frames between them
        frame(0x01, &[b'a', 0xf0]),
        frame(0x89, b"two"),
        frame(0x00, &[0x9f, 0xa6]),
        frame(0x8a, b"unasked"),
        frame(0x00, &[]),
        frame(0x80, &[0x80, b'z']),
        frame(0x82, &large()),
        frame(0x02, &[1; 300]),
        frame(0x89, b""),
        frame(0x80, &[2; 3]),
        frame(0x81, b"last"),
    ]
    .concat()
}

/// What is to be heard of it
fn heard() -> Vec<Incoming> {
    let ping = |payload: &'static str| Incoming::Ping(payload.into());
    let message = |message: Message| Incoming::Message(message);
    vec![
        message("grüße".into()),
        ping("one"),
        message(vec![].into()),
        ping("two"),
        Incoming::Pong("unasked".into()),
        message("a🦀z".into()),
        message(large().into()),
        ping(""),
        message([&[1; 300][..], &[2; 3]].concat().into()),
        message("last".into()),
        Incoming::Close(Some(CloseFrame::new(CloseCode(1001), "bye"))),
    ]
}

/// One side that echoes, and its peer
struct Talk {
    ws: WebSocket<End>,
    peer: End,
    heard: Vec<Incoming>,
    held: VecDeque<Message>,
    answered: Vec<u8>,
}

impl Talk {
    fn new(role: Role, capacity: usize) -> Self {
        let (one, peer) = duplex(capacity, None);
        // Short frames of our own, so that an answer may go between them
        let settings = Settings::default().fragment(Some(4_200));
        let ws = WebSocket::from_upgraded(one, role, settings, Vec::new());
        Self { ws, peer, heard: Vec::new(), held: VecDeque::new(), answered: Vec::new() }
    }

    /// Says it and hears the answers, until nothing moves any more
    fn say(&mut self, mut bytes: &[u8]) {
        let mut room = [0; 16 << 10];
        loop {
            let before = (bytes.len(), self.answered.len(), self.heard.len(), self.held.len());
            while let (false, Some(count)) = (bytes.is_empty(), now(self.peer.write(bytes))) {
                bytes = &bytes[count.unwrap()..];
            }
            self.echo();
            while let Some(count) = now(self.peer.read(&mut room)) {
                match count.unwrap() {
                    0 => break,
                    count => self.answered.extend(&room[..count]),
                }
            }
            if before == (bytes.len(), self.answered.len(), self.heard.len(), self.held.len()) {
                assert!(bytes.is_empty(), "{} bytes are not taken", bytes.len());
                return;
            }
        }
    }

    fn echo(&mut self) {
        loop {
            while !self.held.is_empty() && now(ready(&mut self.ws)).is_some_and(|it| it.is_ok()) {
                let message = self.held.pop_front().unwrap();
                start(&mut self.ws, Outgoing::Message(message)).unwrap();
            }
            if let Some(flushed) = now(flush(&mut self.ws)) {
                flushed.unwrap();
            }
            match now(recv(&mut self.ws)) {
                Some(Some(incoming)) => {
                    let incoming = incoming.unwrap();
                    if let Incoming::Message(message) = &incoming {
                        self.held.push_back(message.clone());
                    }
                    self.heard.push(incoming);
                }
                // The Close was heard, or there is no more for now
                Some(None) | None => return,
            }
        }
    }
}

/// A frame's first byte, or a message's opcode, and what it carries
type Said = (u8, Vec<u8>);

/// The frames of an answer, unmasked
fn frames(mut bytes: &[u8]) -> Vec<Said> {
    let mut frames = Vec::new();
    while let [first, form, rest @ ..] = bytes {
        let (len, rest) = match form & 0x7f {
            126 => (usize::from(u16::from_be_bytes([rest[0], rest[1]])), &rest[2..]),
            127 => panic!("no frame is that long"),
            len => (usize::from(len), rest),
        };
        let (mask, rest) = match form & 0x80 {
            0 => (&[0; 4][..], rest),
            _ => rest.split_at(4),
        };
        let (payload, rest) = rest.split_at(len);
        let plain = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
        frames.push((*first, plain.collect()));
        bytes = rest;
    }
    frames
}

/// The messages among frames, and the payloads of the others
fn sorted(frames: &[Said]) -> (Vec<Said>, Vec<&[u8]>) {
    let (mut messages, mut pongs) = (Vec::<Said>::new(), Vec::new());
    for (first, payload) in frames {
        match first & 0x0f {
            0 => messages.last_mut().unwrap().1.extend(payload),
            1 | 2 => messages.push((first & 0x0f, payload.clone())),
            0x0a => pongs.push(&payload[..]),
            8 => messages.push((8, payload.clone())),
            other => panic!("opcode {other}"),
        }
    }
    (messages, pongs)
}

#[test]
fn whatever_a_read_brings() {
    for role in [Role::Client, Role::Server] {
        let said = [said(role), close(role)].concat();
        let mut whole = Talk::new(role, 1 << 20);
        whole.say(&said);
        assert_eq!(whole.heard, heard());
        let answered = frames(&whole.answered);
        let mut by_byte = Talk::new(role, 1 << 20);
        said.chunks(1).for_each(|byte| by_byte.say(byte));
        assert_eq!((by_byte.heard, frames(&by_byte.answered)), (heard(), answered.clone()));
        for cut in 1..said.len() {
            let mut talk = Talk::new(role, 1 << 20);
            talk.say(&said[..cut]);
            talk.say(&said[cut..]);
            assert_eq!(talk.heard, whole.heard, "{role:?}, cut at {cut}");
            assert_eq!(frames(&talk.answered), answered, "{role:?}, cut at {cut}");
            assert!(Pin::new(&mut talk.ws).release());
        }
    }
}

#[test]
fn whatever_a_write_takes() {
    for role in [Role::Client, Role::Server] {
        // All is echoed before the Close, whose answer would end what is half said
        let (said, close) = (said(role), close(role));
        let mut whole = Talk::new(role, 1 << 20);
        whole.say(&said);
        whole.say(&close);
        let answered = frames(&whole.answered);
        let (messages, pongs) = sorted(&answered);
        assert_eq!(pongs, [&b"one"[..], b"two", b""]);
        // Each byte is once the first that is not taken
        for most in 1..whole.answered.len() {
            let mut talk = Talk::new(role, most);
            talk.say(&said);
            talk.say(&close);
            assert_eq!(talk.heard, whole.heard, "{role:?}, {most} at once");
            let answered = frames(&talk.answered);
            let (told, answers) = sorted(&answered);
            assert_eq!(told, messages, "{role:?}, {most} at once");
            // Only the newest is owed
            let mut known = pongs.iter();
            assert!(answers.iter().all(|pong| known.any(|known| known == pong)), "{answers:?}");
        }
    }
}
