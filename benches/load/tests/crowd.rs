//! A crowd against a server of threads, over real sockets.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failed helper fails its test")]
#![expect(clippy::disallowed_methods, reason = "it waits for real sockets")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use everbeat_load::crowd::{self, AT_ONCE, Orders, Settings, Told};
use everbeat_load::frames::{self, BINARY, PING, PONG};
use everbeat_load::order::Order;
use everbeat_load::{payload, upgrade};

const PATIENCE: Duration = Duration::from_secs(20);

/// Says frames back, after `spoil` had them; a Ping goes before each
fn serve(spoil: fn(&mut Vec<u8>)) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        while let Ok(stream) = upgrade::grant(&listener) {
            thread::spawn(move || echo(stream, spoil));
        }
    });
    address
}

fn echo(mut stream: TcpStream, spoil: fn(&mut Vec<u8>)) {
    let (mut heard, mut room) = (Vec::new(), [0; 4_096]);
    while let Ok(count @ 1..) = stream.read(&mut room) {
        heard.extend_from_slice(&room[..count]);
        while let Some(frame) = frames::first(&heard) {
            let mut message = frame.payload.to_vec();
            frames::unmask(&mut message, frame.key.unwrap());
            let (code, length) = (frame.code, frame.length);
            heard.drain(..length);
            if code == PONG {
                continue;
            }
            spoil(&mut message);
            let mut out = Vec::new();
            frames::head(PING, 0, 0, &mut out);
            frames::head(BINARY, message.len(), 0, &mut out);
            out.extend_from_slice(&message);
            _ = stream.write_all(&out);
        }
    }
}

struct Run {
    orders: Orders,
    told: Receiver<Told>,
}

fn run(address: SocketAddr, connections: usize, back: Option<Duration>) -> Run {
    let settings = Settings {
        address,
        connections,
        first: 0,
        together: 8,
        back,
        within: None,
        seed: 7,
        raw: false,
    };
    let (sender, told) = channel();
    let orders = crowd::start(settings, move |told| _ = sender.send(told)).unwrap();
    Run { orders, told }
}

impl Run {
    fn order(&self, line: &str) {
        self.orders.give(Order::parse(line).unwrap()).unwrap();
    }

    /// The first of what is told that `pick` picks
    fn until<T>(&self, pick: impl Fn(&Told) -> Option<T>) -> T {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let told = self.told.recv_timeout(left).expect("it is told in time");
            if let Some(picked) = pick(&told) {
                return picked;
            }
        }
    }

    fn number(&self, name: &str, wanted: impl Fn(f64) -> bool) -> f64 {
        self.until(|told| match told {
            Told::Object(object) => object[name].as_f64().filter(|number| wanted(*number)),
            Told::Lost(error) => panic!("{error:#}"),
            Told::Connected => None,
        })
    }
}

#[test]
fn all_say_what_they_are_told_to_and_it_comes_back() {
    let run = run(serve(|_| {}), 20, None);
    run.order("echo 70000 times 3");
    run.order("echo 64 for 50");
    assert_eq!(run.number("messages", |_| true), 60.0);
    assert!(run.number("messages", |_| true) >= 20.0);
    let (pings, answered) = (run.number("pings", |_| true), run.number("answered", |_| true));
    assert!(pings >= 80.0 && answered >= 80.0, "{pings} {answered}");
    run.order("forget");
    run.until(|told| {
        matches!(told, Told::Object(object) if object["done"] == "forget").then_some(())
    });
}

#[test]
fn what_the_kernel_has_no_room_for_is_said_later() {
    let run = run(serve(|_| {}), 2, None);
    run.order("echo 12000000 times 1");
    assert_eq!(run.number("messages", |_| true), 2.0);
}

#[test]
fn one_wrong_byte_is_a_loss() {
    let run = run(serve(|message| message[40] ^= 1), 1, None);
    run.order("echo 64 times 1");
    let lost = run.until(|told| match told {
        Told::Lost(error) => Some(error.to_string()),
        _ => None,
    });
    assert!(lost.contains("not what was said"), "{lost}");
    assert_eq!(run.number("errors", |errors| errors > 0.0), 1.0);
}

#[test]
fn what_is_sent_to_all_is_heard_by_all() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let run = run(listener.local_addr().unwrap(), 3, None);
    let mut streams = (0..3).map(|_| upgrade::grant(&listener).unwrap()).collect::<Vec<_>>();
    run.order("hear 1000 times 2");
    run.until(|told| {
        matches!(told, Told::Object(object) if object["begun"] == "hear").then_some(())
    });
    for number in 1..=2 {
        for stream in &mut streams {
            let mut out = Vec::new();
            frames::head(BINARY, 1_000, 0, &mut out);
            out.extend_from_slice(&payload::broadcast(number, 1_000));
            stream.write_all(&out).unwrap();
        }
    }
    run.until(|told| {
        matches!(told, Told::Object(object) if object["done"] == "hear").then_some(())
    });
}

#[test]
fn whoever_is_let_go_comes_back() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let run = run(listener.local_addr().unwrap(), 1, Some(Duration::from_millis(10)));
    drop(upgrade::grant(&listener).unwrap());
    let _again = upgrade::grant(&listener).unwrap();
    assert_eq!(run.number("connected", |connected| connected > 1.0), 2.0);
    assert_eq!(run.number("standing", |standing| standing > 0.0), 1.0);
}

/// The message that has come, if one has; it stays where it is
fn heard(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let (mut room, mut message) = ([0; 4_096], None);
    let count = stream.peek(&mut room).unwrap_or_default();
    let mut rest = &room[..count];
    while let Some(frame) = frames::first(rest) {
        if frame.code == BINARY {
            let mut payload = frame.payload.to_vec();
            frames::unmask(&mut payload, frame.key.unwrap());
            message = Some(payload);
        }
        rest = &rest[frame.length..];
    }
    message
}

#[test]
fn only_so_many_speak_at_a_time_and_a_ping_is_answered_meanwhile() {
    const MORE: usize = 20;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let run = run(listener.local_addr().unwrap(), AT_ONCE + MORE, None);
    let mut streams = Vec::new();
    for _ in 0..AT_ONCE + MORE {
        let stream = upgrade::grant(&listener).unwrap();
        stream.set_nonblocking(true).unwrap();
        streams.push(stream);
    }
    let messages = |streams: &mut [TcpStream]| streams.iter_mut().map(heard).collect::<Vec<_>>();
    let (mut news, mut events) = (mio::Poll::new().unwrap(), mio::Events::with_capacity(64));
    let watched = streams.iter().map(|stream| {
        let mut watched = mio::net::TcpStream::from_std(stream.try_clone().unwrap());
        news.registry().register(&mut watched, mio::Token(0), mio::Interest::READABLE).unwrap();
        watched
    });
    let _watched = watched.collect::<Vec<_>>();
    // Who speaks once this many do
    let mut speaking = |streams: &mut [TcpStream], count: usize| {
        loop {
            let said = messages(streams);
            if said.iter().flatten().count() >= count {
                return said;
            }
            news.poll(&mut events, Some(PATIENCE)).unwrap();
            assert!(!events.is_empty(), "too few speak");
        }
    };
    run.order("echo 64 times 1");
    let said = speaking(&mut streams, AT_ONCE);
    let waits = said.iter().position(Option::is_none).expect("somebody waits");
    let mut ping = Vec::new();
    frames::head(PING, 0, 0, &mut ping);
    streams[waits].write_all(&ping).unwrap();
    run.number("answered", |answered| answered == 1.0);
    assert_eq!(messages(&mut streams).iter().flatten().count(), AT_ONCE);
    // Whoever has his own back makes room for another.
    for (stream, said) in streams.iter_mut().zip(said) {
        if let Some(said) = said {
            let mut out = Vec::new();
            frames::head(BINARY, said.len(), 0, &mut out);
            out.extend_from_slice(&said);
            stream.write_all(&out).unwrap();
        }
    }
    speaking(&mut streams, AT_ONCE + MORE);
}
