//! What travels: parcels of a stream's bytes, and packets that carry them and acknowledgements.

use everbeat_core::time::Instant;

use crate::net::error::{ConnectError, PipeError};
use crate::net::frame::Frame;
use crate::net::host::Reply;

/// Some bytes in a row, and what they complete
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) bytes: usize,
    pub(crate) cargo: Cargo,
}

/// What a parcel's last byte completes
#[derive(Debug)]
pub(crate) enum Cargo {
    /// Bytes of a frame that ends in a later parcel
    Part,
    /// The frame's last byte
    Frame(Frame),
    /// The end of the stream
    Fin,
    /// What the reader cannot but take as an error
    Broken(PipeError),
    /// A client asks to be upgraded
    Request,
    /// A host's answer to it
    Reply(Reply),
}

impl Cargo {
    /// For the trace
    pub(crate) const fn label(&self) -> &'static str {
        match self {
            Self::Part => "part",
            Self::Frame(frame) => frame.label(),
            Self::Fin => "end of stream",
            Self::Broken(_) => "violation",
            Self::Request => "upgrade request",
            Self::Reply(Reply::Upgraded) => "101",
            Self::Reply(Reply::Failed(ConnectError::Refused)) => "refusal",
            Self::Reply(Reply::Failed(_)) => "rejection",
        }
    }

    /// A hash of what it carries
    pub(crate) fn mark(&self) -> u64 {
        if let Self::Frame(frame) = self { frame.mark() } else { 0 }
    }
}

/// What one kernel tells the other about the bytes that it was sent
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ack {
    /// The number of the first piece that is missing
    pub(crate) next: u64,
    /// The newest transmission that arrived: what was sent before it and is missing is lost, for
    /// nothing overtakes
    pub(crate) newest: u64,
    /// When that one was sent, as TCP's timestamps echo it (RFC 7323, section 3); `None` if this
    /// answers no transmission
    pub(crate) echo: Option<Instant>,
    /// How many bytes of the whole stream there is room for
    pub(crate) edge: u64,
}

/// One packet, with the acknowledgement that each of a kernel carries
#[derive(Debug)]
pub(crate) struct Packet {
    /// What a reset and what befalls a wire do not carry
    pub(crate) ack: Option<Ack>,
    pub(crate) load: Load,
}

#[derive(Debug)]
pub(crate) enum Load {
    /// Nothing but the acknowledgement
    Ack,
    /// A piece of the stream; its bytes stay with the sender until they are acknowledged
    Piece { number: u64, transmission: u64, bytes: usize, sent: Instant },
    /// Asks for an acknowledgement while there is no room
    Probe,
    /// The connection is broken, or unknown here
    Reset,
    /// What befalls the reader from outside of the stream
    Strike(Parcel),
}

impl Load {
    /// How long it occupies a road with a rate
    pub(crate) const fn bytes(&self) -> usize {
        match self {
            Self::Piece { bytes, .. } | Self::Strike(Parcel { bytes, .. }) => *bytes,
            // Headers weigh nothing, here as for all the others.
            Self::Ack | Self::Probe | Self::Reset => 0,
        }
    }
}
