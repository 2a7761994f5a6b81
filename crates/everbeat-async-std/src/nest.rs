//! What a nest needs of async-std: its descriptor watched, and a task for its turns.

use std::io;

use everbeat_nest::Nest;

/// A nest whose turns are made by async-std's own threads
pub(crate) fn nest() -> io::Result<Nest> {
    everbeat_async_io::nest(|turns| drop(async_std::task::spawn(turns)))
}
