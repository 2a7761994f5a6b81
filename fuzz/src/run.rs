//! Runs what a target asks for to its end, without a thread or a clock, and hands up what was said.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use everbeat_core::transport::{Incoming, Transport};
use everbeat_ws::{Error, Role, Settings, WebSocket};

use crate::wire::{Cuts, Wire};

/// Runs a future to its end
///
/// # Panics
///
/// It waits, and nobody will wake it.
pub(crate) fn run<F: Future>(future: F) -> F::Output {
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        assert!(woken.0.swap(false, Ordering::Relaxed), "it waits for ever");
    }
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What a WebSocket said until its Close or its error: each with the bytes read by then
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) incoming: Vec<(Incoming, u64)>,
    /// Why there was no more; `None` after a Close
    pub(crate) error: Option<Error>,
    /// How many bytes were read when it ended
    pub(crate) at: u64,
}

impl Said {
    /// What must not depend on how the bytes were cut
    pub(crate) fn whole(&self) -> (Vec<&Incoming>, String) {
        let incoming = self.incoming.iter().map(|(incoming, _)| incoming).collect();
        (incoming, format!("{:?}", self.error))
    }
}

/// What `bytes` say to a WebSocket whose upgrade is long past
pub(crate) fn read_alone(bytes: &[u8], role: Role, settings: Settings) -> Said {
    let wire = Wire::new(bytes, Cuts::Whole);
    read_all(&mut WebSocket::from_upgraded(wire, role, settings, Vec::new()))
}

/// Reads a WebSocket to its end, and flushes what it owes
pub(crate) fn read_all(websocket: &mut WebSocket<Wire>) -> Said {
    let mut incoming = Vec::new();
    let error = loop {
        match run(poll_fn(|cx| Pin::new(&mut *websocket).poll_recv(cx))) {
            Some(Ok(said)) => incoming.push((said, websocket.received())),
            Some(Err(error)) => break Some(error),
            None => break None,
        }
    };
    _ = run(poll_fn(|cx| Pin::new(&mut *websocket).poll_flush(cx)));
    Said { incoming, error, at: websocket.received() }
}
