//! Handshakes that stop: the peer's flight ends after every number of bytes, either role.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use everbeat_core::cause::{Cause, Cut};
use everbeat_ws::connect::Request;
use everbeat_ws::tls::TlsError;
use everbeat_ws::upgrade::UpgradeError;
use everbeat_ws::{Settings, Socket, WebSocket};
use futures_util::future::join;
use futures_util::io::{AsyncRead, AsyncWrite};

use crate::support::{End, duplex, run};

/// A stream from which no more than so many bytes come before it ends
pub(crate) struct Stops {
    stream: End,
    left: usize,
}

impl Stops {
    pub(crate) const fn after(left: usize, stream: End) -> Self {
        Self { stream, left }
    }
}

impl AsyncRead for Stops {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let most = self.left.min(into.len());
        if most == 0 {
            return Poll::Ready(Ok(0));
        }
        let polled = Pin::new(&mut self.stream).poll_read(cx, &mut into[..most]);
        if let Poll::Ready(Ok(count)) = polled {
            self.left -= count;
        }
        polled
    }
}

impl AsyncWrite for Stops {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }
}

impl Socket for Stops {}

/// Stops a handshake ever later until it succeeds; how many bytes it needed
pub(crate) fn until_whole(attempt: impl Fn(usize) -> Result<(), UpgradeError>) -> usize {
    for bytes in 0..8_192 {
        match attempt(bytes) {
            Ok(()) => return bytes,
            Err(error) => {
                let typed = matches!(error, UpgradeError::End | UpgradeError::Tls(TlsError::End));
                assert!(typed, "after {bytes} bytes: {error:?}");
                let cause = error.classify();
                assert!(
                    matches!(cause, Cause::Cut { how: Cut::End, .. }),
                    "after {bytes} bytes: {cause:?}"
                );
            }
        }
    }
    panic!("it never succeeds")
}

fn request() -> Request {
    Request::to("ws://localhost/").build().unwrap()
}

#[test]
fn a_server_bears_a_request_that_stops_at_every_byte() {
    let whole = until_whole(|bytes| {
        let (near, far) = duplex(1 << 16, None);
        run(async {
            let server = async {
                WebSocket::accept(Stops::after(bytes, near), Settings::default()).await.map(drop)
            };
            join(server, WebSocket::connect(far, &request(), Settings::default())).await.0
        })
    });
    assert!(whole > 100, "{whole}");
}

#[test]
fn a_client_bears_an_answer_that_stops_at_every_byte() {
    let whole = until_whole(|bytes| {
        let (near, far) = duplex(1 << 16, None);
        run(async {
            let client = async {
                let stream = Stops::after(bytes, near);
                WebSocket::connect(stream, &request(), Settings::default()).await.map(drop)
            };
            join(client, WebSocket::accept(far, Settings::default())).await.0
        })
    });
    assert!(whole > 100, "{whole}");
}
