//! From messages and control frames to the socket's bytes: cuts messages into frames, lets control
//! frames overtake what is not on its way, holds nothing once everything is written.

mod hatch;
mod out;

use std::io;
use std::task::{Context, Poll};

use bytes::Bytes;
use everbeat_core::Message;
use everbeat_core::cause::CloseFrame;
use futures_io::AsyncWrite;

use crate::frame::{self as frames, Header, Mask, Opcode};
use crate::role::{Role, Rules};

pub(crate) use hatch::LONGEST_PASSED;
pub use hatch::frame;
use out::Out;

/// How many bytes of frames may wait for the socket before no further message is taken
///
/// With a message in hand that makes at most this, one frame of it, and the rest of it unframed.
/// One write of this size already costs a system call next to nothing per byte.
pub(crate) const HIGH_WATER: usize = 64 << 10;

/// The smallest payload that is written from where it lies, in bytes: what keeps track of one costs
/// as much as a copy of a few hundred, and a write has room for few
const REFERRED: usize = 4 << 10;

/// How many frames of one message one poll may write before the task lets others run
const BUDGET: usize = 64;

/// What one WebSocket has taken and not written
#[derive(Debug, Default)]
pub(crate) struct Writing {
    /// Whole frames, but for the first, whose beginning may be gone
    out: Out,
    /// What is left of a message that is cut into frames
    rest: Option<Rest>,
    ping: Option<[u8; 8]>,
    pong: Option<Bytes>,
    /// A Close that is owed; `Some(None)` is one without a code
    close: Option<Option<CloseFrame>>,
    /// A write failed while reading: told once nothing more can be read
    pub(crate) error: Option<io::Error>,
}

#[derive(Debug)]
struct Rest {
    opcode: Opcode,
    payload: Bytes,
}

impl Writing {
    /// Whether everything that was taken is with the operating system, and nothing is to be told
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        self.is_written() && self.error.is_none()
    }

    /// Whether everything that was taken is with the operating system
    #[inline]
    pub(crate) fn is_written(&self) -> bool {
        self.out.len() == 0 && self.rest.is_none() && !self.owes_control()
    }

    /// Gives the buffer back, for there is nothing to write
    pub(crate) fn give_buffer(&mut self) {
        self.out.give_buffer();
    }

    /// Whether the buffer may stay for the next connection
    pub(crate) fn is_worth_keeping(&self) -> bool {
        self.out.is_worth_keeping()
    }

    /// Takes a message; the caller has seen [`is_ready`](Self::is_ready)
    pub(crate) fn message(&mut self, rules: Rules<'_>, message: Message) {
        let (opcode, payload) = match message {
            Message::Text(text) => (Opcode::Text, text.into_bytes()),
            Message::Binary(bytes) => (Opcode::Binary, bytes),
        };
        self.frame_control(rules);
        if payload.len() <= longest(rules) {
            self.frame_data(rules, true, opcode, payload);
        } else {
            self.rest = Some(Rest { opcode, payload });
        }
    }

    /// Takes what is left of a frame that somebody else has begun
    pub(crate) fn begun(&mut self, left: Bytes) {
        self.out.copied();
        self.out.refer(left);
    }

    /// Takes a Ping; a newer one replaces one that is not framed yet
    pub(crate) fn ping(&mut self, payload: [u8; 8]) {
        self.ping = Some(payload);
    }

    /// Takes the answer to a Ping; only the newest is owed (RFC 6455, section 5.5.3)
    pub(crate) fn pong(&mut self, payload: Bytes) {
        self.pong = Some(payload);
    }

    /// Takes a Close; what is left of a message is dropped, for nothing may follow a Close
    pub(crate) fn close(&mut self, frame: Option<CloseFrame>) {
        self.close = Some(frame);
        self.rest = None;
    }

    /// Whether a message would be taken
    pub(crate) fn is_ready(&self) -> bool {
        self.rest.is_none() && self.out.len() < HIGH_WATER
    }

    /// Writes until a message would be taken
    pub(crate) fn poll_ready<S: AsyncWrite + Unpin>(
        &mut self,
        rules: Rules<'_>,
        cx: &mut Context<'_>,
        socket: &mut S,
    ) -> Poll<io::Result<()>> {
        if self.is_ready() {
            return Poll::Ready(Ok(()));
        }
        match self.poll_write(rules, cx, socket) {
            Poll::Pending if self.is_ready() => Poll::Ready(Ok(())),
            other => other,
        }
    }

    /// Writes until nothing is left
    pub(crate) fn poll_write<S: AsyncWrite + Unpin>(
        &mut self,
        rules: Rules<'_>,
        cx: &mut Context<'_>,
        socket: &mut S,
    ) -> Poll<io::Result<()>> {
        for _ in 0..BUDGET {
            match self.out.poll_write(cx, socket) {
                Poll::Ready(Ok(())) => {}
                other => return other,
            }
            if !self.frame_control(rules) && !self.frame_rest(rules) {
                return Poll::Ready(Ok(()));
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    const fn owes_control(&self) -> bool {
        self.ping.is_some() || self.pong.is_some() || self.close.is_some()
    }

    /// Frames the control frames that are owed; whether there were any
    #[inline]
    fn frame_control(&mut self, rules: Rules<'_>) -> bool {
        let owed = self.owes_control();
        if owed {
            self.frame_owed(rules);
        }
        owed
    }

    /// Seldom, next to messages
    #[cold]
    fn frame_owed(&mut self, rules: Rules<'_>) {
        if let Some(payload) = self.pong.take() {
            self.frame(rules, true, Opcode::Pong, &payload);
        }
        if let Some(payload) = self.ping.take() {
            self.frame(rules, true, Opcode::Ping, &payload);
        }
        if let Some(frame) = self.close.take() {
            let mut body = Vec::new();
            frames::close_payload(frame.as_ref(), &mut body);
            self.frame(rules, true, Opcode::Close, &body);
        }
    }

    /// Frames the next piece of a message that is cut; whether there was one
    #[inline]
    fn frame_rest(&mut self, rules: Rules<'_>) -> bool {
        let rest = self.rest.is_some();
        if rest {
            self.frame_piece(rules);
        }
        rest
    }

    fn frame_piece(&mut self, rules: Rules<'_>) {
        let Some(Rest { opcode, mut payload }) = self.rest.take() else {
            return;
        };
        let piece = payload.split_to(longest(rules).min(payload.len()));
        let fin = payload.is_empty();
        self.frame_data(rules, fin, opcode, piece);
        if !fin {
            self.rest = Some(Rest { opcode: Opcode::Continuation, payload });
        }
    }

    /// A frame of a message: a server's large one is only referred to, for it goes out as it is
    #[inline]
    fn frame_data(&mut self, rules: Rules<'_>, fin: bool, opcode: Opcode, payload: Bytes) {
        if rules.role == Role::Client || payload.len() < REFERRED {
            return self.frame(rules, fin, opcode, &payload);
        }
        let (header, len) = Header::encode(fin, opcode, payload.len(), None);
        self.out.copied().extend_from_slice(&header[..len]);
        self.out.refer(payload);
    }

    #[inline]
    fn frame(&mut self, rules: Rules<'_>, fin: bool, opcode: Opcode, payload: &[u8]) {
        let mask: Option<Mask> = match rules.role {
            // Unpredictable to whoever chose the payload (RFC 6455, sections 5.3 and 10.3)
            Role::Client => Some(rand::random()),
            Role::Server => None,
        };
        let (header, len) = Header::encode(fin, opcode, payload.len(), mask);
        let out = self.out.copied();
        out.reserve(header.len() + payload.len());
        let start = out.len() + len;
        // All of its room, for what is as long each time is copied in two moves
        out.extend_from_slice(&header);
        out.truncate(start);
        out.extend_from_slice(payload);
        if let Some(mask) = mask {
            frames::apply(&mut out[start..], mask);
        }
    }
}

/// The longest payload of a frame of ours
fn longest(rules: Rules<'_>) -> usize {
    rules.settings.fragment.unwrap_or(usize::MAX).max(1)
}
