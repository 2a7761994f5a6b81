//! Our side of a stream: it sends back what it hears, reads on while it writes, and sends Pings of
//! its own in the midst of it.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use everbeat_core::Message;
use everbeat_core::transport::{Incoming, Outgoing, Transport};
use fastrand::Rng;

/// How many messages it holds before it reads no more
const HELD: usize = 8;

/// Echoes until the peer closes; how many Pings were answered, of which there are none without `rng`
pub(super) async fn echo<T: Transport + Unpin>(
    ws: &mut T,
    rng: Option<Rng>,
) -> Result<u64, String> {
    let mut echo = Echo { held: VecDeque::new(), rng, pings: 0, answered: None, pongs: 0 };
    poll_fn(|cx| echo.poll(Pin::new(&mut *ws), cx)).await?;
    let closed = poll_fn(|cx| Pin::new(&mut *ws).poll_close(cx)).await;
    closed.map_err(|error| format!("closing: {error:?}"))?;
    Ok(echo.pongs)
}

struct Echo {
    held: VecDeque<Message>,
    /// Draws when a Ping is sent
    rng: Option<Rng>,
    pings: u64,
    /// The newest of our Pings that was answered
    answered: Option<u64>,
    pongs: u64,
}

impl Echo {
    /// Ready when the peer has closed
    fn poll<T: Transport>(
        &mut self,
        mut ws: Pin<&mut T>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), String>> {
        loop {
            while !self.held.is_empty() && ws.as_mut().poll_ready(cx).map_err(told)?.is_ready() {
                if let Some(message) = self.held.pop_front() {
                    ws.as_mut().start_send(Outgoing::Message(message)).map_err(told)?;
                }
                if self.rng.as_mut().is_some_and(|rng| rng.u8(..4) == 0) {
                    let payload = self.pings.to_be_bytes();
                    ws.as_mut().start_send(Outgoing::Ping(payload)).map_err(told)?;
                    self.pings += 1;
                }
            }
            let flushed = ws.as_mut().poll_flush(cx).map_err(told)?.is_ready();
            if self.held.len() >= HELD {
                if flushed {
                    continue;
                }
                return Poll::Pending;
            }
            match ws.as_mut().poll_recv(cx).map_err(told)? {
                Poll::Ready(Some(incoming)) => {
                    if self.take(incoming)? {
                        return Poll::Ready(Ok(()));
                    }
                }
                Poll::Ready(None) => return Poll::Ready(Err("an end without a Close".into())),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Whether it was the end
    fn take(&mut self, incoming: Incoming) -> Result<bool, String> {
        match incoming {
            Incoming::Message(message) => self.held.push_back(message),
            Incoming::Ping(_) => {}
            Incoming::Pong(payload) => {
                // Others nobody has asked for
                if let Ok(payload) = <[u8; 8]>::try_from(&payload[..]) {
                    let answered = u64::from_be_bytes(payload);
                    if answered != u64::MAX {
                        self.pong(answered)?;
                    }
                }
            }
            Incoming::Close(_) if self.held.is_empty() => return Ok(true),
            other => return Err(format!("{other:?}, and {} are held", self.held.len())),
        }
        Ok(false)
    }

    fn pong(&mut self, answered: u64) -> Result<(), String> {
        if answered >= self.pings || self.answered.is_some_and(|before| before >= answered) {
            return Err(format!("a Pong to {answered} of {}, out of turn", self.pings));
        }
        self.answered = Some(answered);
        self.pongs += 1;
        Ok(())
    }
}

fn told<E: std::error::Error>(error: E) -> String {
    // With what it is made of
    format!("{error:?}")
}
