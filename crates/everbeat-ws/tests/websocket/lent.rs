//! A socket that others may write to: when, what comes of it at the peer's, and what the WebSocket
//! knows of it afterwards.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use everbeat_core::Message;
use everbeat_core::transport::{Hatch, Hatches, Incoming, Outgoing, Transport};
use everbeat_ws::accept::frame_passed;
use everbeat_ws::{Role, Settings, Socket, WebSocket};
use futures_util::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use crate::support::{End, duplex, flush, now, ready, recv, run, start};

fn lend<S: Socket + Unpin>(ws: &mut WebSocket<S>) -> bool {
    Pin::new(ws).lend()
}

fn on(end: End) -> WebSocket<End> {
    WebSocket::from_upgraded(end, Role::Server, Settings::default(), Vec::new())
}

#[test]
fn what_others_write_is_a_frame_like_any_other_and_its_rest_goes_first() {
    for len in [0, 1, 125, 126, 30_000, 65_535, 65_536] {
        run(async {
            let message = Message::from("x".repeat(len));
            let frame = frame_passed(&message).unwrap();
            let (near, far) = duplex(1 << 20, None);
            let mut server = on(near);
            let mut client =
                WebSocket::from_upgraded(far, Role::Client, Settings::default(), Vec::new());
            assert!(lend(&mut server));
            // As if others had written the rest of a frame's first half, which is nothing
            let before = server.sent();
            Pin::new(&mut server).take_back(0, Some(frame.clone()));
            assert!(!lend(&mut server), "something waits");
            ready(&mut server).await.unwrap();
            start(&mut server, Outgoing::Message("behind it".into())).unwrap();
            flush(&mut server).await.unwrap();
            assert!(lend(&mut server));
            assert!(server.sent() >= before + frame.len() as u64);
            for expected in [message, "behind it".into()] {
                let heard = recv(&mut client).await;
                assert!(matches!(heard, Some(Ok(Incoming::Message(heard))) if heard == expected));
            }
            let before = server.sent();
            Pin::new(&mut server).take_back(5, None);
            assert_eq!(server.sent(), before + 5);
        });
    }
    assert_eq!(frame_passed(&Message::from(vec![0; 65_537])), None);
}

#[test]
fn a_socket_is_not_lent_while_anything_waits_or_once_it_closes() {
    run(async {
        let (near, mut far) = duplex(64, None);
        let mut server = on(near);
        assert!(lend(&mut server));
        ready(&mut server).await.unwrap();
        start(&mut server, Outgoing::Message("x".repeat(100).into())).unwrap();
        assert!(!lend(&mut server), "a message");
        assert!(now(flush(&mut server)).is_none());
        assert!(!lend(&mut server), "half of a message");
        let mut heard = [0; 102];
        let read = futures_util::io::AsyncReadExt::read_exact(&mut far, &mut heard);
        let (flushed, read) = futures_util::future::join(flush(&mut server), read).await;
        flushed.unwrap();
        read.unwrap();
        assert!(lend(&mut server));
        start(&mut server, Outgoing::Ping([0; 8])).unwrap();
        assert!(!lend(&mut server), "a Ping");
        flush(&mut server).await.unwrap();
        assert!(lend(&mut server));
        far.write_all(&[0x88, 0x80, 0, 0, 0, 0]).await.unwrap();
        assert!(matches!(recv(&mut server).await, Some(Ok(Incoming::Close(_)))));
        assert!(!lend(&mut server), "the peer has closed");

        let (near, _far) = duplex(64, None);
        let mut server = on(near);
        start(&mut server, Outgoing::Close(None)).unwrap();
        flush(&mut server).await.unwrap();
        assert!(!lend(&mut server), "we have");
        let (near, _far) = duplex(64, None);
        let mut server = on(near);
        Pin::new(&mut server).abort();
        assert!(!lend(&mut server), "there is none");
    });
}

/// A socket with a hatch
struct Open(End);

impl AsyncRead for Open {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read(cx, into)
    }
}

impl AsyncWrite for Open {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_close(cx)
    }
}

struct Nobody;

impl Hatches for Nobody {
    fn frame(&self, _: &Message) -> Option<Bytes> {
        None
    }

    fn pass(&self, _: u8, _: &[u8]) -> usize {
        0
    }
}

impl Socket for Open {
    fn hatch(&self) -> Option<Hatch> {
        Some(Hatch::new(Arc::new(Nobody), 3))
    }
}

#[test]
fn only_a_servers_socket_whose_frames_are_not_cut_has_a_way_past_its_task() {
    let seat = |role, settings| {
        let socket = Open(duplex(64, None).0);
        WebSocket::from_upgraded(socket, role, settings, Vec::new()).hatch().map(|hatch| hatch.seat)
    };
    assert_eq!(seat(Role::Server, Settings::default()), Some(3));
    assert_eq!(seat(Role::Client, Settings::default()), None, "it masks");
    let cut = Settings::default().fragment(Some(1_000));
    assert_eq!(seat(Role::Server, cut), None);
}
