//! From the socket's bytes to whole messages and control frames. The socket is read here and
//! nowhere else; the codec gets whole frames of data only, and neither it nor a buffer is held
//! between messages.

mod block;
mod body;
mod codec;
mod expected;
mod head;
mod room;
mod whole;

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use everbeat_core::transport::Incoming;
use futures_io::AsyncRead;

use crate::error::Error;
use crate::frame::{self, Header, Opcode, Parsed, Tracker};
use crate::pool;
use crate::role::Rules;
use crate::underway::Place;

use block::Block;
use body::Body;
use codec::Codec;
use head::Head;

pub(crate) use expected::Expected;

/// How many reads and frames one poll may take before the task lets others run
const BUDGET: usize = 64;

/// What one WebSocket has heard and not handed up
#[derive(Debug, Default)]
pub(crate) struct Reading {
    tracker: Tracker,
    /// What was read and not looked at; holds whole frames only while the caller waits
    block: Option<Block>,
    /// The first bytes of a header whose last have not arrived
    head: Head,
    /// The frame whose last bytes have not arrived
    body: Option<Body>,
    codec: Codec,
}

impl Reading {
    /// What the peer sent behind its head is the first that is looked at
    pub(crate) fn begin_with(&mut self, early: Vec<u8>) {
        self.block = Some(Block::new(early));
    }

    /// Whether nothing is held: no byte, no codec, no open message
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        self.block.is_none() && !self.is_within() && !self.tracker.is_open() && self.codec.is_idle()
    }

    /// How many bytes have arrived of what is not whole, headers included
    pub(crate) fn unfinished(&self) -> u64 {
        let frame = self.body.as_ref().map_or_else(|| self.head.len(), Body::arrived);
        self.codec.fed() + frame as u64
    }

    /// Whether a frame has begun and not ended
    const fn is_within(&self) -> bool {
        self.body.is_some() || !self.head.is_empty()
    }

    /// The block continues the frame that is not whole
    fn resume(&mut self, rules: Rules<'_>, block: &mut Block) -> Result<Option<Incoming>, Error> {
        if self.body.is_none() {
            let header = loop {
                match self.tracker.begin(rules, self.head.bytes())? {
                    Parsed::Whole(header) => break header,
                    Parsed::Needs(_) if block.is_empty() => return Ok(None),
                    Parsed::Needs(needs) => self.head.take(block, needs),
                }
            };
            self.head = Head::default();
            self.body = Some(Body::new(header)?);
        }
        if let Some(body) = &mut self.body {
            body.take(block);
        }
        self.finish(rules)
    }

    /// What the frame that was not whole is, if it is now
    fn finish(&mut self, rules: Rules<'_>) -> Result<Option<Incoming>, Error> {
        let Some(body) = self.body.take_if(|body| body.is_whole()) else {
            return Ok(None);
        };
        let (header, mut payload) = body.into_parts();
        if header.opcode.is_control() {
            return control(&header, payload.as_mut()).map(Some);
        }
        if header.fin && self.codec.is_idle() {
            return Ok(Some(Incoming::Message(whole::owned(&header, payload)?)));
        }
        Ok(self.codec.feed(rules.role, &header, payload.as_ref())?.map(Incoming::Message))
    }
}

/// The next message or control frame; `None` once the stream has ended
pub(crate) fn poll_next<S: AsyncRead + Unpin>(
    place: &mut Place,
    expected: &mut Expected,
    rules: Rules<'_>,
    cx: &mut Context<'_>,
    socket: &mut S,
) -> Poll<Result<Option<Incoming>, Error>> {
    for _ in 0..BUDGET {
        let (mut left, mut room) = (None, expected.room());
        if let Some(reading) = place.reading_mut() {
            left = reading.block.take();
            if let (None, Some(body)) = (&left, &mut reading.body) {
                if body.is_worth_a_read() {
                    if ready!(body.poll_fill(cx, socket)).map_err(Error::Io)? == 0 {
                        return Poll::Ready(Ok(None));
                    }
                    match reading.finish(rules)? {
                        None => continue,
                        whole => return Poll::Ready(Ok(whole)),
                    }
                }
            }
            // What ends a frame need not begin one
            if reading.is_within() {
                room = pool::BLOCK;
            }
        }
        let block = match left {
            Some(block) => Some(block),
            None => ready!(Block::poll_read(cx, socket, room)).map_err(Error::Io)?,
        };
        let Some(mut block) = block else {
            return Poll::Ready(Ok(None));
        };
        let incoming = advance(place, expected, rules, &mut block);
        if block.is_empty() {
            block.give_back();
        } else {
            place.read().block = Some(block);
        }
        if let Some(incoming) = incoming? {
            return Poll::Ready(Ok(Some(incoming)));
        }
    }
    cx.waker().wake_by_ref();
    Poll::Pending
}

/// Looks at the block's bytes up to the end of one frame, or of the block
fn advance(
    place: &mut Place,
    expected: &mut Expected,
    rules: Rules<'_>,
    block: &mut Block,
) -> Result<Option<Incoming>, Error> {
    let mut tracker = Tracker::default();
    let mut in_parts = false;
    if let Some(reading) = place.reading_mut() {
        if reading.is_within() {
            return reading.resume(rules, block);
        }
        tracker = reading.tracker;
        in_parts = !reading.codec.is_idle();
    }
    let header = match tracker.begin(rules, block.unread())? {
        Parsed::Whole(header) => header,
        Parsed::Needs(_) => {
            place.read().head.take(block, Header::MAX);
            return Ok(None);
        }
    };
    expected.note(&header);
    if header.fin && !in_parts {
        if let Some(room) = block.take_room(&header) {
            return Ok(Some(Incoming::Message(whole::owned(&header, room)?)));
        }
    }
    let Some(frame) = block.take_frame(&header) else {
        let reading = place.read();
        reading.tracker = tracker;
        reading.body = Some(Body::begin(header, block)?);
        return Ok(None);
    };
    let payload = &mut frame[header.len..];
    if header.opcode.is_control() {
        return control(&header, payload).map(Some);
    }
    if header.fin && !in_parts {
        return Ok(Some(Incoming::Message(whole::borrowed(&header, payload)?)));
    }
    let reading = place.read();
    reading.tracker = tracker;
    Ok(reading.codec.feed(rules.role, &header, payload)?.map(Incoming::Message))
}

/// A control frame, whole
fn control(header: &Header, payload: &mut [u8]) -> Result<Incoming, Error> {
    if let Some(mask) = header.mask {
        frame::apply(payload, mask);
    }
    Ok(match header.opcode {
        Opcode::Ping => Incoming::Ping(Bytes::copy_from_slice(payload)),
        // It is looked at once and dropped, with each beat
        Opcode::Pong => Incoming::Pong(pool::carve(payload)),
        _ => Incoming::Close(frame::close_frame(payload)?),
    })
}
