//! What a nest needs of tokio: its descriptor watched, and a task for its turns.

use std::io;

use everbeat_nest::Nest;

/// A nest whose turns are made by the current runtime
#[cfg(target_os = "linux")]
pub(crate) fn nest() -> io::Result<Nest> {
    use std::{future::poll_fn, task::Poll, task::ready};
    use tokio::io::{Interest, unix::AsyncFd};

    let (nest, turns) = Nest::new()?;
    #[expect(deprecated, reason = "its successor is unsafe, and newer than the oldest tokio")]
    let turns = AsyncFd::with_interest(turns, Interest::READABLE)?;
    drop(tokio::spawn(poll_fn(move |cx| {
        while turns.get_ref().poll_over(cx).is_pending() {
            let Ok(mut readable) = ready!(turns.poll_read_ready(cx)) else { break };
            match readable.try_io(|turns| turns.get_ref().turn()) {
                Ok(Ok(())) => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Ok(Err(_)) => break,
                Err(_that_was_all) => {}
            }
        }
        Poll::Ready(())
    })));
    Ok(nest)
}

/// There is none
#[cfg(not(target_os = "linux"))]
pub(crate) fn nest() -> io::Result<Nest> {
    Nest::new().map(|(nest, _)| nest)
}
