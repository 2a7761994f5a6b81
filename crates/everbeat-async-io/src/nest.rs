//! What a nest needs of the reactor: its descriptor watched, and a task for its turns.

use std::future::Future;
use std::io;
use std::pin::Pin;

use everbeat_nest::Nest;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A nest whose turns are made by a task that `spawn` starts
///
/// # Errors
///
/// There are no nests here, or the reactor cannot watch one.
#[cfg(target_os = "linux")]
pub fn nest(spawn: impl FnOnce(Task)) -> io::Result<Nest> {
    use std::future::poll_fn;
    use std::task::{Poll, ready};

    let (nest, turns) = Nest::new()?;
    let turns = async_io::Async::new(turns)?;
    spawn(Box::pin(poll_fn(move |cx| {
        let nest = turns.get_ref();
        while nest.poll_over(cx).is_pending() && ready!(turns.poll_readable(cx)).is_ok() {
            match nest.turn() {
                Ok(()) => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => break,
            }
        }
        Poll::Ready(())
    })));
    Ok(nest)
}

/// There is none
///
/// # Errors
///
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn nest(_: impl FnOnce(Task)) -> io::Result<Nest> {
    Nest::new().map(|(nest, _)| nest)
}
