//! From messages and control frames to the socket's bytes: cuts messages into frames, lets control
//! frames overtake what is not on its way, holds nothing once everything is written.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use everbeat_core::Message;
use everbeat_core::cause::CloseFrame;
use futures_io::AsyncWrite;

use crate::frame::{self, Header, Mask, Opcode};
use crate::pool;
use crate::role::Role;
use crate::settings::Settings;

/// How many bytes of frames may wait for the socket before no further message is taken
///
/// With a message in hand that makes at most this, one frame of it, and the rest of it unframed.
/// One write of this size already costs a system call next to nothing per byte.
pub(crate) const HIGH_WATER: usize = 64 << 10;

/// How many frames of one message one poll may write before the task lets others run
const BUDGET: usize = 64;

/// The writing half of one WebSocket
#[derive(Debug)]
pub(crate) struct Writer {
    role: Role,
    fragment: usize,
    /// Whole frames, but for the first, whose beginning may be gone; what is before `written` is
    /// with the operating system
    out: Vec<u8>,
    written: usize,
    /// What is left of a message that is cut into frames
    rest: Option<Rest>,
    ping: Option<[u8; 8]>,
    pong: Option<Bytes>,
    close: Close,
}

#[derive(Debug)]
struct Rest {
    opcode: Opcode,
    payload: Bytes,
}

#[derive(Debug)]
enum Close {
    None,
    Owed(Option<CloseFrame>),
    Framed,
}

impl Writer {
    pub(crate) fn new(role: Role, settings: &Settings) -> Self {
        Self {
            role,
            fragment: settings.fragment.unwrap_or(usize::MAX).max(1),
            out: Vec::new(),
            written: 0,
            rest: None,
            ping: None,
            pong: None,
            close: Close::None,
        }
    }

    /// Whether everything that was taken is with the operating system
    pub(crate) fn is_idle(&self) -> bool {
        self.out.capacity() == 0 && self.rest.is_none() && !self.owes_control()
    }

    /// Whether a Close was taken: nothing can follow it
    pub(crate) const fn is_closed(&self) -> bool {
        !matches!(self.close, Close::None)
    }

    /// Takes a message; the caller has seen [`is_ready`](Self::is_ready)
    pub(crate) fn message(&mut self, message: Message) {
        let (opcode, payload) = match message {
            Message::Text(text) => (Opcode::Text, text.into_bytes()),
            Message::Binary(bytes) => (Opcode::Binary, bytes),
        };
        self.frame_control();
        if payload.len() <= self.fragment {
            self.frame(true, opcode, &payload);
        } else {
            self.rest = Some(Rest { opcode, payload });
        }
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
        if !self.is_closed() {
            self.close = Close::Owed(frame);
            self.rest = None;
        }
    }

    /// Whether a message would be taken
    pub(crate) fn is_ready(&self) -> bool {
        self.rest.is_none() && self.out.len() - self.written < HIGH_WATER
    }

    /// Writes until a message would be taken
    pub(crate) fn poll_ready<S: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut S,
    ) -> Poll<io::Result<()>> {
        if self.is_ready() {
            return Poll::Ready(Ok(()));
        }
        match self.poll_write(cx, socket) {
            Poll::Pending if self.is_ready() => Poll::Ready(Ok(())),
            other => other,
        }
    }

    /// Writes until nothing is left
    pub(crate) fn poll_write<S: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut S,
    ) -> Poll<io::Result<()>> {
        for _ in 0..BUDGET {
            while self.written < self.out.len() {
                match Pin::new(&mut *socket).poll_write(cx, &self.out[self.written..])? {
                    Poll::Ready(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    Poll::Ready(count) => self.written += count,
                    Poll::Pending => {
                        self.drop_written();
                        return Poll::Pending;
                    }
                }
            }
            self.written = 0;
            self.out.clear();
            if !self.frame_control() && !self.frame_rest() {
                pool::give_buffer(std::mem::take(&mut self.out));
                return Poll::Ready(Ok(()));
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Drops the bytes that are written, before the buffer grows by what is written
    ///
    /// Room is judged by what is not written, so a producer that fills it again each time would
    /// otherwise never see the buffer empty. What is kept is moved only when as much as half of it
    /// has gone since the last time: each byte is moved twice at most, on average.
    fn drop_written(&mut self) {
        let left = self.out.len() - self.written;
        if self.written >= (HIGH_WATER / 2).max(left / 2) {
            self.out.drain(..self.written);
            self.written = 0;
            // A large message's room would stay as long as the peer is slow
            self.out.shrink_to(pool::LARGEST_KEPT);
        }
    }

    /// Forgets everything, for the socket is gone
    pub(crate) fn clear(&mut self) {
        self.out = Vec::new();
        self.written = 0;
        self.rest = None;
        self.ping = None;
        self.pong = None;
        self.close = Close::Framed;
    }

    const fn owes_control(&self) -> bool {
        self.ping.is_some() || self.pong.is_some() || matches!(self.close, Close::Owed(_))
    }

    /// Frames the control frames that are owed; whether there were any
    fn frame_control(&mut self) -> bool {
        let owed = self.owes_control();
        if owed {
            self.frame_owed();
        }
        owed
    }

    /// Seldom, next to messages
    #[cold]
    fn frame_owed(&mut self) {
        if let Some(payload) = self.pong.take() {
            self.frame(true, Opcode::Pong, &payload);
        }
        if let Some(payload) = self.ping.take() {
            self.frame(true, Opcode::Ping, &payload);
        }
        if let Close::Owed(frame) = &mut self.close {
            let mut body = Vec::new();
            frame::close_payload(frame.take().as_ref(), &mut body);
            self.close = Close::Framed;
            self.frame(true, Opcode::Close, &body);
        }
    }

    /// Frames the next piece of a message that is cut; whether there was one
    fn frame_rest(&mut self) -> bool {
        let Some(Rest { opcode, mut payload }) = self.rest.take() else {
            return false;
        };
        let piece = payload.split_to(self.fragment.min(payload.len()));
        let fin = payload.is_empty();
        self.frame(fin, opcode, &piece);
        if !fin {
            self.rest = Some(Rest { opcode: Opcode::Continuation, payload });
        }
        true
    }

    fn frame(&mut self, fin: bool, opcode: Opcode, payload: &[u8]) {
        if self.out.capacity() == 0 {
            self.out = pool::buffer();
        }
        let mask: Option<Mask> = match self.role {
            // Unpredictable to whoever chose the payload (RFC 6455, sections 5.3 and 10.3)
            Role::Client => Some(rand::random()),
            Role::Server => None,
        };
        self.out.reserve(payload.len() + Header::MAX);
        Header::write(&mut self.out, fin, opcode, payload.len(), mask);
        let start = self.out.len();
        self.out.extend_from_slice(payload);
        if let Some(mask) = mask {
            frame::apply(&mut self.out[start..], mask);
        }
    }
}
