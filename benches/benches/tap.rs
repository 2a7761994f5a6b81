//! What does a message cost between a socket and a connection: the tap that counts bytes, frames, the
//! mask, and the codec that is put to sleep behind it?
//!
//! Both ends are ours, over a pipe in memory: a client sends, a server receives.

#[path = "../instructions/pipe.rs"]
mod pipe;

use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use everbeat_core::Message;
use everbeat_core::transport::{Incoming, Outgoing, Transport};
use everbeat_ws::{Role, Settings, WebSocket};

use crate::pipe::{End, duplex};

const SIZES: [usize; 3] = [64, 1 << 10, 64 << 10];

type Side = Pin<Box<WebSocket<End>>>;

fn pair() -> [Side; 2] {
    let [client, server] = duplex();
    let over =
        |end, role| Box::pin(WebSocket::from_upgraded(end, role, Settings::default(), Vec::new()));
    [over(client, Role::Client), over(server, Role::Server)]
}

fn send(side: &mut Side, message: Message) {
    let cx = &mut Context::from_waker(Waker::noop());
    let Poll::Ready(Ok(())) = side.as_mut().poll_ready(cx) else { panic!("the pipe has room") };
    let Ok(()) = side.as_mut().start_send(Outgoing::Message(message)) else {
        panic!("the pipe takes everything");
    };
    assert!(side.as_mut().poll_flush(cx).is_ready(), "and at once");
}

fn recv(side: &mut Side) -> Message {
    let cx = &mut Context::from_waker(Waker::noop());
    loop {
        match side.as_mut().poll_recv(cx) {
            Poll::Ready(Some(Ok(Incoming::Message(message)))) => return message,
            Poll::Ready(Some(Ok(_))) => {}
            _ => panic!("what was sent is there"),
        }
    }
}

/// One message after the other, as in a conversation
fn one_way(c: &mut Criterion) {
    through(c, "tap/one way", |_| {});
}

/// And asleep between them, as a connection is that seldom hears something
fn woken(c: &mut Criterion) {
    through(c, "tap/one way, asleep in between", |server| {
        black_box(server.as_mut().release());
    });
}

fn through(c: &mut Criterion, name: &str, between: fn(&mut Side)) {
    let mut group = c.benchmark_group(name);
    for size in SIZES {
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |b| {
            let [mut client, mut server] = pair();
            let message = Message::Binary(Bytes::from(vec![7; size]));
            b.iter(|| {
                send(&mut client, message.clone());
                black_box(recv(&mut server));
                between(&mut server);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, one_way, woken);
criterion_main!(benches);
