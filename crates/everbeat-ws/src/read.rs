//! From the socket's bytes to whole messages and control frames. The socket is read here and
//! nowhere else; the codec gets whole frames of data only, and neither it nor a buffer is held
//! between messages.

mod codec;
mod whole;

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use everbeat_core::transport::Incoming;
use futures_io::AsyncRead;

use crate::error::{Error, ProtocolError};
use crate::frame::{self, Header, Opcode, Parsed, Tracker};
use crate::pool;
use crate::role::Role;
use crate::settings::Settings;

use codec::Codec;

/// How many reads and frames one poll may take before the task lets others run
const BUDGET: usize = 64;

/// The reading half of one WebSocket
#[derive(Debug)]
pub(crate) struct Reader {
    tracker: Tracker,
    /// What was read and not looked at; holds whole frames only while the caller waits
    block: Option<Block>,
    /// The first bytes of a frame whose last have not arrived
    partial: Vec<u8>,
    /// The header of the frame in `partial`, once it is there
    header: Option<Header>,
    codec: Codec,
}

/// A lent block and which of its bytes are still to be looked at
#[derive(Debug)]
struct Block {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Reader {
    /// A reader whose first bytes are `early`: what came glued to the upgrade's head
    pub(crate) fn new(role: Role, settings: &Settings, early: Vec<u8>) -> Self {
        let block = (!early.is_empty()).then(|| {
            let end = early.len();
            Block { bytes: early.into_boxed_slice(), start: 0, end }
        });
        Self {
            tracker: Tracker::new(role, settings),
            block,
            partial: Vec::new(),
            header: None,
            codec: Codec::new(role),
        }
    }

    /// Whether nothing is held: no byte, no codec, no open message
    pub(crate) fn is_idle(&self) -> bool {
        self.block.is_none()
            && self.partial.capacity() == 0
            && !self.tracker.is_open()
            && self.codec.is_idle()
    }

    /// Forgets everything, for the socket is gone
    pub(crate) fn clear(&mut self) {
        self.block = None;
        self.partial = Vec::new();
        self.codec.clear();
    }

    /// The next message or control frame; `None` once the stream has ended
    pub(crate) fn poll_next<S: AsyncRead + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut S,
    ) -> Poll<Result<Option<Incoming>, Error>> {
        for _ in 0..BUDGET {
            if self.block.is_none() {
                match ready!(self.poll_fill(cx, socket))? {
                    0 => return Poll::Ready(Ok(None)),
                    _ => continue,
                }
            }
            if let Some(incoming) = self.advance()? {
                return Poll::Ready(Ok(Some(incoming)));
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_fill<S: AsyncRead + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut S,
    ) -> Poll<Result<usize, Error>> {
        let mut bytes = pool::block();
        let polled = Pin::new(socket).poll_read(cx, &mut bytes);
        match polled {
            Poll::Ready(Ok(end)) if end > 0 => {
                self.block = Some(Block { bytes, start: 0, end });
                Poll::Ready(Ok(end))
            }
            other => {
                pool::give_block(bytes);
                other.map_err(Error::Io)
            }
        }
    }

    /// Looks at the block's bytes up to the end of one frame, or of the block
    fn advance(&mut self) -> Result<Option<Incoming>, Error> {
        let Some(mut block) = self.block.take() else {
            return Ok(None);
        };
        let incoming = if self.partial.is_empty() {
            self.advance_within(&mut block)
        } else {
            self.advance_partial(&mut block)
        };
        if block.start < block.end {
            self.block = Some(block);
        } else if block.bytes.len() == pool::BLOCK {
            pool::give_block(block.bytes);
        }
        incoming
    }

    /// The next frame begins in the block
    fn advance_within(&mut self, block: &mut Block) -> Result<Option<Incoming>, Error> {
        let bytes = &block.bytes[block.start..block.end];
        let header = match self.tracker.begin(bytes)? {
            Parsed::Whole(header) => header,
            Parsed::Needs(_) => {
                self.stash(block, usize::MAX);
                return Ok(None);
            }
        };
        match header.frame_len() {
            Some(len) if len <= bytes.len() => {
                let start = block.start;
                block.start += len;
                self.take_borrowed(header, &mut block.bytes[start..start + len])
            }
            _ => {
                self.header = Some(header);
                self.stash(block, usize::MAX);
                Ok(None)
            }
        }
    }

    /// The block continues the frame that `partial` begins
    fn advance_partial(&mut self, block: &mut Block) -> Result<Option<Incoming>, Error> {
        let header = loop {
            if let Some(header) = self.header {
                break header;
            }
            match self.tracker.begin(&self.partial)? {
                Parsed::Whole(header) => self.header = Some(header),
                Parsed::Needs(needs) => {
                    let missing = needs - self.partial.len();
                    if block.start == block.end {
                        return Ok(None);
                    }
                    self.stash(block, missing);
                }
            }
        };
        let Some(len) = header.frame_len() else {
            return Err(ProtocolError::Codec.into());
        };
        let missing = len - self.partial.len();
        self.stash(block, missing);
        if self.partial.len() < len {
            return Ok(None);
        }
        self.header = None;
        let frame = std::mem::take(&mut self.partial);
        self.take_owned(header, frame)
    }

    /// Moves up to `count` bytes from the block to `partial`, which grows with what has arrived,
    /// never by what a header promises
    fn stash(&mut self, block: &mut Block, count: usize) {
        let count = count.min(block.end - block.start);
        self.partial.extend_from_slice(&block.bytes[block.start..block.start + count]);
        block.start += count;
    }

    fn take_borrowed(
        &mut self,
        header: Header,
        frame: &mut [u8],
    ) -> Result<Option<Incoming>, Error> {
        if header.opcode.is_control() {
            return control(&header, frame).map(Some);
        }
        if header.fin && self.codec.is_idle() {
            return Ok(Some(Incoming::Message(whole::borrowed(&header, frame)?)));
        }
        Ok(self.codec.feed(frame)?.map(Incoming::Message))
    }

    fn take_owned(
        &mut self,
        header: Header,
        mut frame: Vec<u8>,
    ) -> Result<Option<Incoming>, Error> {
        // One that would fit among others is copied to them: its own buffer may be twice as large
        if header.opcode.is_control()
            || frame.len() <= pool::CHUNK
            || !header.fin
            || !self.codec.is_idle()
        {
            return self.take_borrowed(header, &mut frame);
        }
        Ok(Some(Incoming::Message(whole::owned(&header, frame)?)))
    }
}

/// A control frame, whole
fn control(header: &Header, frame: &mut [u8]) -> Result<Incoming, Error> {
    let payload = &mut frame[header.len..];
    if let Some(mask) = header.mask {
        frame::apply(payload, mask);
    }
    Ok(match header.opcode {
        Opcode::Ping => Incoming::Ping(Bytes::copy_from_slice(payload)),
        Opcode::Pong => Incoming::Pong(Bytes::copy_from_slice(payload)),
        _ => Incoming::Close(frame::close_frame(payload)?),
    })
}
