//! What one end of a wire is doing: what it has taken to write, in which order that goes out, and
//! who waits for it. Decides the order of frames; the way decides how many bytes go.

use std::task::Waker;

use bytes::Bytes;
use everbeat_core::Message;
use everbeat_core::cause::CloseFrame;
use everbeat_core::transport::Outgoing;

use super::error::PipeError;
use super::frame::{Cutting, Frame};
use super::host::Reply;

/// Who is at an end
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// Nobody yet: the upgrade is under way
    Nobody,
    /// A pipe, or a client that waits for its upgrade
    Pipe,
    /// The host itself, which swallows everything
    Host,
    /// A pipe that has been closed: bytes that arrive are answered with a reset
    Closed,
    /// Nobody any more, and likewise
    Gone,
    /// Nobody, for the host has lost its power: it knows nothing of the connection
    Lost,
}

impl Holder {
    /// Whether nobody is there who could care for the wire
    pub(crate) const fn is_gone(self) -> bool {
        matches!(self, Self::Gone | Self::Host | Self::Lost)
    }
}

/// One end of a wire
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) holder: Holder,
    /// The host's answer to the upgrade, until the client takes it
    pub(crate) reply: Option<Reply>,
    pub(crate) failed: Option<PipeError>,
    pub(crate) received: u64,
    /// Bytes read of a message that is not whole, in frames that are
    pub(crate) unfinished: u64,
    /// Bytes read of a frame that is not whole
    pub(crate) partial: u64,
    pub(crate) sent: u64,
    /// The peer's Close was read
    pub(crate) close_read: bool,
    /// The stream's end was read
    pub(crate) ended: bool,
    /// The frame that is being written, and how much of it is left
    writing: Option<(Frame, usize)>,
    /// The message that has been taken, or what is left of it
    message: Option<Cutting>,
    /// The message has begun only in so far as its first frame is promised to go before any Ping
    promised: bool,
    pong: Option<Bytes>,
    ping: Option<[u8; 8]>,
    close: Closing,
    pub(crate) reader: Option<Waker>,
    pub(crate) writer: Option<Waker>,
}

#[derive(Debug)]
enum Closing {
    No,
    Due(Option<CloseFrame>),
    Written,
}

/// A control frame's payload and its header with a mask (RFC 6455, sections 5.2 and 5.5)
const LONGEST_CONTROL: u64 = 125 + 6;

impl End {
    pub(crate) const fn new(holder: Holder) -> Self {
        Self {
            holder,
            reply: None,
            failed: None,
            received: 0,
            unfinished: 0,
            partial: 0,
            sent: 0,
            close_read: false,
            ended: false,
            writing: None,
            message: None,
            promised: false,
            pong: None,
            ping: None,
            close: Closing::No,
            reader: None,
            writer: None,
        }
    }

    /// Bytes read of a message that is not whole; what may be a control frame's is none
    pub(crate) const fn unfinished(&self) -> u64 {
        let partial = if self.partial > LONGEST_CONTROL { self.partial } else { 0 };
        self.unfinished + partial
    }

    /// Whether the message before has been written, so that another can be taken
    pub(crate) const fn is_ready(&self) -> bool {
        self.message.is_none()
            && !matches!(self.writing, Some((Frame::Part(_) | Frame::Last(..), _)))
    }

    /// Whether a Close was taken, or written
    pub(crate) const fn is_closing(&self) -> bool {
        !matches!(self.close, Closing::No)
    }

    /// Whether nothing is to be written, and no Close was
    pub(crate) const fn is_said(&self) -> bool {
        let waits = self.writing.is_some() || self.message.is_some() || self.promised;
        let owes = self.ping.is_some() || self.pong.is_some();
        !waits && !owes && !self.is_closing()
    }

    /// Whether the peer may still say something
    pub(crate) const fn is_open(&self) -> bool {
        self.failed.is_none() && !self.close_read && !self.ended
    }

    /// A frame is to be written now, where there is none
    pub(crate) fn begin(&mut self, frame: Frame) {
        let size = frame.size(false);
        self.writing = Some((frame, size));
    }

    /// Takes something to send
    pub(crate) fn take(&mut self, outgoing: Outgoing) -> Result<(), PipeError> {
        if self.is_closing() {
            return Err(PipeError::AfterClose);
        }
        match outgoing {
            Outgoing::Message(message) => self.take_message(message)?,
            Outgoing::Ping(payload) => self.ping = Some(payload),
            Outgoing::Close(frame) => self.close = Closing::Due(frame),
            // A kind that is newer than this simulator: it has no frame for it.
            _ => {}
        }
        Ok(())
    }

    fn take_message(&mut self, message: Message) -> Result<(), PipeError> {
        if !self.is_ready() {
            return Err(PipeError::NotReady);
        }
        self.message = Some(Cutting::new(message));
        self.promised = true;
        Ok(())
    }

    /// Owes the peer a Pong; a newer one replaces one that was not written yet
    pub(crate) fn owe_pong(&mut self, payload: Bytes) {
        self.pong = Some(payload);
    }

    /// Owes the peer a Close, unless it has one
    pub(crate) fn owe_close(&mut self, frame: Option<CloseFrame>) {
        if !self.is_closing() {
            self.close = Closing::Due(frame);
        }
    }

    /// How many bytes of which frame are to be written next; `None` if nothing is left to write
    pub(crate) fn next_frame(&mut self, masked: bool) -> Option<(&Frame, usize)> {
        if self.writing.is_none() {
            let frame = self.choose()?;
            let size = frame.size(masked);
            self.writing = Some((frame, size));
        }
        self.writing.as_ref().map(|(frame, left)| (frame, *left))
    }

    /// Notes that bytes of that frame were written; the frame, once it is whole
    pub(crate) fn wrote(&mut self, bytes: usize) -> Option<Frame> {
        self.sent += bytes as u64;
        let (frame, left) = self.writing.take()?;
        if bytes < left {
            self.writing = Some((frame, left - bytes));
            return None;
        }
        Some(frame)
    }

    /// A message's first frame keeps its place; after it, whatever is short goes first
    fn choose(&mut self) -> Option<Frame> {
        if matches!(self.close, Closing::Written) {
            return None;
        }
        if !std::mem::take(&mut self.promised) {
            if let Some(payload) = self.pong.take() {
                return Some(Frame::Pong(payload));
            }
            if let Some(payload) = self.ping.take() {
                return Some(Frame::Ping(payload.to_vec().into()));
            }
            if let Closing::Due(frame) = &mut self.close {
                let frame = frame.take();
                self.close = Closing::Written;
                self.message = None;
                return Some(Frame::Close(frame));
            }
        }
        let (frame, rest) = self.message.take()?.next();
        self.message = rest;
        Some(frame)
    }

    /// Forgets what was to be written: nobody will write it
    pub(crate) fn forget(&mut self) {
        self.writing = None;
        self.message = None;
        self.promised = false;
        self.pong = None;
        self.ping = None;
    }
}

#[cfg(test)]
mod tests {
    use everbeat_core::transport::Incoming;

    use super::*;

    fn drain(end: &mut End) -> Vec<&'static str> {
        let mut labels = Vec::new();
        while let Some((_, left)) = end.next_frame(true) {
            labels.extend(end.wrote(left).map(|frame| frame.label()));
        }
        labels
    }

    #[test]
    fn a_ping_goes_behind_the_frame_that_was_taken_and_before_the_next_one() {
        let mut end = End::new(Holder::Pipe);
        end.take(Outgoing::Message(vec![0; 200_000].into())).unwrap();
        end.take(Outgoing::Ping([1; 8])).unwrap();
        end.owe_pong(Bytes::from_static(b"x"));
        assert_eq!(
            drain(&mut end),
            ["fragment", "Pong", "Ping", "fragment", "fragment", "message"]
        );
    }

    #[test]
    fn a_newer_ping_replaces_the_one_that_waits() {
        let mut end = End::new(Holder::Pipe);
        end.take(Outgoing::Ping([1; 8])).unwrap();
        end.take(Outgoing::Ping([2; 8])).unwrap();
        let (frame, _) = end.next_frame(true).unwrap();
        let ping = Incoming::Ping(vec![2; 8].into());
        assert_eq!(frame.clone().into_incoming(), Some(ping));
        assert_eq!(drain(&mut end), ["Ping"]);
    }

    #[test]
    fn nothing_goes_behind_a_close() {
        let mut end = End::new(Holder::Pipe);
        end.take(Outgoing::Message("last".into())).unwrap();
        end.take(Outgoing::Close(None)).unwrap();
        assert_eq!(end.take(Outgoing::Ping([0; 8])), Err(PipeError::AfterClose));
        end.owe_pong(Bytes::new());
        assert_eq!(drain(&mut end), ["message", "Pong", "Close"]);
        end.owe_pong(Bytes::new());
        assert_eq!(drain(&mut end), [""; 0]);
    }

    #[test]
    fn a_second_message_needs_readiness() {
        let mut end = End::new(Holder::Pipe);
        end.take(Outgoing::Message("one".into())).unwrap();
        let two = Outgoing::Message("two".into());
        assert_eq!(end.take(two.clone()), Err(PipeError::NotReady));
        drain(&mut end);
        assert_eq!(end.take(two), Ok(()));
    }
}
