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

    /// How many turns one poll makes before others run
    const BUDGET: usize = 16;

    let (nest, turns) = Nest::new()?;
    let turns = async_io::Async::new(turns)?;
    spawn(Box::pin(poll_fn(move |cx| {
        let nest = turns.get_ref();
        for _ in 0..BUDGET {
            if nest.poll_over(cx).is_ready() {
                return Poll::Ready(());
            }
            match nest.turn() {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if ready!(turns.poll_readable(cx)).is_err() {
                        return Poll::Ready(());
                    }
                }
                Err(_) => return Poll::Ready(()),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
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
