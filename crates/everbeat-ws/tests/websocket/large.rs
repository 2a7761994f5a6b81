//! Large messages, one behind the other: each is read at once, into room as large as the last one
//! wanted, and whatever else a read brings keeps its order.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use everbeat_core::Message;
use everbeat_core::transport::Transport;
use everbeat_ws::{Role, Settings, Socket, WebSocket};
use futures_util::io::{AsyncRead, AsyncWrite};

use crate::counting::LIVE;
use crate::support::{message, now, recv, run};
use crate::wire::masked;

/// A peer that has said all that it will, of which each read gives one piece, or what fits of it
struct Told {
    pieces: VecDeque<Vec<u8>>,
    reads: Rc<Cell<usize>>,
}

impl AsyncRead for Told {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.reads.set(self.reads.get() + 1);
        let Some(mut piece) = self.pieces.pop_front() else {
            return Poll::Pending;
        };
        let count = piece.len().min(into.len());
        into[..count].copy_from_slice(&piece[..count]);
        if count < piece.len() {
            self.pieces.push_front(piece.split_off(count));
        }
        Poll::Ready(Ok(count))
    }
}

/// Nobody says anything to it
impl AsyncWrite for Told {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Pending
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Socket for Told {}

/// A server whose client says these pieces, and how often it was read
fn server(pieces: impl IntoIterator<Item = Vec<u8>>) -> (WebSocket<Told>, Rc<Cell<usize>>) {
    let reads = Rc::new(Cell::new(0));
    let told = Told { pieces: pieces.into_iter().collect(), reads: reads.clone() };
    (WebSocket::from_upgraded(told, Role::Server, Settings::default(), Vec::new()), reads)
}

/// No two of its neighbouring bytes are the same, nor what is a power of two further on
fn payload(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i % 251) as u8).collect()
}

fn frame(len: usize) -> Vec<u8> {
    masked(0x82, &payload(len))
}

fn heard(ws: &mut WebSocket<Told>) -> Bytes {
    match run(message(ws)) {
        Message::Binary(bytes) => bytes,
        other @ Message::Text(_) => panic!("{other:?}"),
    }
}

#[test]
fn behind_the_first_each_is_one_read() {
    for len in [16 << 10, 65_536, 100_000, 160_000] {
        let (mut ws, reads) = server([frame(len), frame(len), frame(len), frame(len)]);
        assert_eq!(heard(&mut ws), payload(len));
        for _ in 0..3 {
            reads.set(0);
            assert_eq!(heard(&mut ws), payload(len));
            assert_eq!(reads.get(), 1, "{len}");
        }
    }
}

#[test]
fn what_comes_with_it_keeps_its_order() {
    let lens = [60_000, 60_000, 5, 300, 0, 20_000, 130_000, 17_000, 1, 130_000, 70_000, 70_000];
    for cut in [1_000, 16_384, 50_000, 66_000, 100_000, usize::MAX] {
        let all: Vec<u8> = lens.into_iter().flat_map(frame).collect();
        let (mut ws, _) = server(all.chunks(cut).map(<[u8]>::to_vec));
        for len in lens {
            assert_eq!(heard(&mut ws), payload(len), "{len} in pieces of {cut}");
        }
        assert!(now(recv(&mut ws)).is_none());
    }
}

#[test]
fn one_in_two_pieces_stays_where_its_first_was_read() {
    const LEN: usize = 65_536;
    for cut in [1, 2, 13, 14, 15, 1_000, 16_383, 16_640, 40_000, 65_483, LEN + 13] {
        let [mut first, whole] = [frame(LEN), frame(LEN)];
        let rest = first.split_off(cut);
        let (mut ws, reads) = server([whole.clone(), whole.clone(), first, rest, whole]);
        assert_eq!([heard(&mut ws), heard(&mut ws)], [payload(LEN), payload(LEN)]);
        reads.set(0);
        assert_eq!(heard(&mut ws), payload(LEN), "cut at {cut}");
        if cut > LEN / 4 + 200 {
            assert_eq!(reads.get(), 2, "cut at {cut}");
        }
        assert_eq!(heard(&mut ws), payload(LEN), "behind a cut at {cut}");
    }
}

#[test]
fn a_large_one_is_no_promise_of_the_next() {
    const LEN: usize = 65_536;
    const CROWD: usize = 20;
    let mut stalled: Vec<_> = (0..CROWD)
        .map(|_| server([frame(LEN), frame(LEN), frame(LEN)[..100].to_vec()]).0)
        .collect();
    for ws in &mut stalled {
        drop([heard(ws), heard(ws)]);
    }
    let before = LIVE.get();
    for ws in &mut stalled {
        assert!(now(recv(ws)).is_none());
        assert_eq!(Transport::unfinished(ws), 100);
    }
    let each = (LIVE.get() - before) / CROWD as i64;
    assert!(each < 6_000, "{each} bytes for 100");
}

#[test]
fn one_behind_a_small_one_is_whole_as_well() {
    const LEN: usize = 60_000;
    // The block has room for 408 bytes besides
    for (small, cut) in [(200, 40_000), (200, LEN), (300, 59_000), (1_000, 40_000), (2_000, 60_400)]
    {
        let mut both = [frame(small), frame(LEN), frame(7)].concat();
        let rest = both.split_off(cut);
        let (mut ws, _) = server([frame(LEN), frame(LEN), both, rest]);
        for len in [LEN, LEN, small, LEN, 7] {
            assert_eq!(heard(&mut ws), payload(len), "{len} of {small}, cut at {cut}");
        }
    }
}

#[test]
fn who_keeps_one_keeps_not_twice_as_much() {
    const LEN: usize = 20_000;
    const CROWD: usize = 20;
    let mut crowd: Vec<_> =
        (0..CROWD).map(|_| server([150_000, 150_000, LEN].map(frame)).0).collect();
    for ws in &mut crowd {
        drop([heard(ws), heard(ws)]);
    }
    let before = LIVE.get();
    let kept: Vec<_> = crowd.iter_mut().map(heard).collect();
    let each = (LIVE.get() - before) / CROWD as i64;
    assert!(each < 2 * LEN as i64, "{each} bytes for {LEN}");
    assert!(kept.iter().all(|kept| *kept == payload(LEN)));
}
