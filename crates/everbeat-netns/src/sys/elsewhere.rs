//! Where there is no Linux there are no networks of one's own.

use std::io;

fn no() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "it wants Linux")
}

pub(crate) fn leave() -> io::Result<()> {
    Err(no())
}

/// Not here
///
/// # Errors
///
/// Always: it wants Linux.
pub fn stop(_: u32) -> io::Result<()> {
    Err(no())
}

/// Not here
///
/// # Errors
///
/// Always: it wants Linux.
pub fn resume(_: u32) -> io::Result<()> {
    Err(no())
}
