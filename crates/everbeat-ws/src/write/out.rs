//! Frames on their way to the socket: small payloads copied one behind the other, large ones written
//! from where they lie.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_io::AsyncWrite;

use super::HIGH_WATER;
use crate::pool;

/// How many pieces one write hands over: as many as fit are soon as much as a socket takes
const SLICES: usize = 16;

/// Frames, of which the first bytes may be with the operating system
#[derive(Debug, Default)]
pub(super) struct Out {
    /// Headers, and payloads that are as cheap to copy as to refer to
    bytes: Vec<u8>,
    /// How many of `bytes` are written
    written: usize,
    /// Payloads that stay where they are, in order
    bodies: VecDeque<Body>,
    /// How much of them is not written
    waiting: usize,
}

/// A payload that is written from where it lies
#[derive(Debug)]
struct Body {
    /// It goes before this byte of `bytes`
    at: usize,
    payload: Bytes,
    written: usize,
}

impl Out {
    /// How many bytes wait for the socket
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.written + self.waiting
    }

    /// The bytes that are copied, to append to
    #[inline]
    pub(super) fn copied(&mut self) -> &mut Vec<u8> {
        if self.bytes.capacity() == 0 {
            self.bytes = pool::buffer();
        }
        &mut self.bytes
    }

    /// Takes a payload that goes behind what is there
    pub(super) fn refer(&mut self, payload: Bytes) {
        self.waiting += payload.len();
        self.bodies.push_back(Body { at: self.bytes.len(), payload, written: 0 });
    }

    /// Gives the buffer back; everything is written
    pub(super) fn give_buffer(&mut self) {
        self.written = 0;
        pool::give_buffer(std::mem::take(&mut self.bytes));
    }

    /// Whether the buffer is one that may wait for the next connection
    pub(super) fn is_worth_keeping(&self) -> bool {
        self.bytes.capacity() <= pool::LARGEST_KEPT
    }

    /// Writes until nothing waits
    #[inline]
    pub(super) fn poll_write<S: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut S,
    ) -> Poll<io::Result<()>> {
        while self.len() > 0 {
            let polled = if self.bodies.is_empty() {
                Pin::new(&mut *socket).poll_write(cx, &self.bytes[self.written..])
            } else {
                self.poll_write_pieces(cx, socket)
            };
            match polled? {
                Poll::Ready(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(count) => self.advance(count),
                Poll::Pending => {
                    self.drop_written();
                    return Poll::Pending;
                }
            }
        }
        self.bytes.clear();
        self.written = 0;
        Poll::Ready(Ok(()))
    }

    fn poll_write_pieces<S: AsyncWrite + Unpin>(
        &self,
        cx: &mut Context<'_>,
        socket: &mut S,
    ) -> Poll<io::Result<usize>> {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let mut used = 0;
        let mut from = self.written;
        // A header and its payload go together, or a header alone could fill a packet
        for body in self.bodies.iter().take(SLICES / 2) {
            let pieces = [&self.bytes[from..body.at], &body.payload[body.written..]];
            for piece in pieces.into_iter().filter(|piece| !piece.is_empty()) {
                slices[used] = IoSlice::new(piece);
                used += 1;
            }
            from = body.at;
        }
        if self.bodies.len() < SLICES / 2 && from < self.bytes.len() {
            slices[used] = IoSlice::new(&self.bytes[from..]);
            used += 1;
        }
        Pin::new(socket).poll_write_vectored(cx, &slices[..used])
    }

    /// Lets go of what the socket took
    #[inline]
    fn advance(&mut self, mut count: usize) {
        while let Some(body) = self.bodies.front_mut() {
            let before = count.min(body.at - self.written);
            self.written += before;
            count -= before;
            let within = count.min(body.payload.len() - body.written);
            body.written += within;
            self.waiting -= within;
            count -= within;
            if body.written < body.payload.len() {
                return;
            }
            self.bodies.pop_front();
        }
        self.written += count;
    }

    /// Drops the bytes that are written, before the buffer grows by what is written
    ///
    /// Room is judged by what is not written, so a producer that fills it again each time would
    /// otherwise never see the buffer empty. What is kept is moved only when as much as half of it
    /// has gone since the last time: each byte is moved twice at most, on average.
    fn drop_written(&mut self) {
        let left = self.bytes.len() - self.written;
        if self.written >= (HIGH_WATER / 2).max(left / 2) {
            self.bytes.drain(..self.written);
            self.bodies.iter_mut().for_each(|body| body.at -= self.written);
            self.written = 0;
            // A large message's room would stay as long as the peer is slow
            self.bytes.shrink_to(pool::LARGEST_KEPT);
        }
    }
}
