//! What a nest needs of smol: its descriptor watched, and a task for its turns.

use std::io;

use everbeat_nest::Nest;

/// A nest whose turns are made by smol's own threads
pub(crate) fn nest() -> io::Result<Nest> {
    everbeat_async_io::nest(|turns| smol::spawn(turns).detach())
}
