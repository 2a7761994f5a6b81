//! Frames as bytes (RFC 6455, section 5.2): the header, the rules that a header alone can break,
//! control frames, masks. No socket, no buffer of its own.

mod control;
mod header;
mod mask;
mod tracker;

pub(crate) use control::{close_frame, close_payload};
pub(crate) use header::{Header, Opcode, Parsed};
pub(crate) use mask::{LONG, Mask, apply, behind, copy, strides};
pub(crate) use tracker::Tracker;
