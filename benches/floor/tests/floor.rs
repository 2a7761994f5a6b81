//! The floors do what they are for: everything comes back as it was said, Pings go out once a beat, and
//! what is sent to all reaches all.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failed helper fails its test")]
#![expect(clippy::disallowed_methods, reason = "it waits for real sockets")]

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use everbeat_load::crowd::{self, Orders, Settings, Told};
use everbeat_load::order::Order;
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(20);
const CONNECTIONS: usize = 30;

struct Floor {
    child: Child,
    address: SocketAddr,
}

impl Floor {
    fn start(words: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_everbeat-floor"));
        command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening ").unwrap().parse().unwrap();
        Self { child, address }
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

struct Load {
    orders: Orders,
    told: Receiver<Told>,
}

impl Load {
    fn on(floor: &Floor, raw: bool) -> Self {
        let settings = Settings {
            address: floor.address,
            connections: CONNECTIONS,
            first: 0,
            together: 8,
            back: None,
            within: None,
            seed: 7,
            raw,
        };
        let (sender, told) = channel();
        let orders = crowd::start(settings, move |told| _ = sender.send(told)).unwrap();
        Self { orders, told }
    }

    fn order(&self, line: &str) {
        self.orders.give(Order::parse(line).unwrap()).unwrap();
    }

    fn until(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.told.recv_timeout(left).expect("it is told in time") {
                Told::Object(object) if wanted(&object) => return object,
                Told::Lost(error) => panic!("{error:#}"),
                Told::Object(_) | Told::Connected => {}
            }
        }
    }
}

#[test]
fn everything_comes_back() {
    for (words, raw) in [(&["tcp"][..], true), (&["web", "--beat", "20"], false)] {
        let floor = Floor::start(words);
        let load = Load::on(&floor, raw);
        for bytes in [1, 64, 125, 126, 1_024, 65_535, 65_536, 1 << 20] {
            load.order(&format!("echo {bytes} times 3"));
            let done = load.until(|object| object["done"] == "echo");
            assert_eq!(done["messages"], 3 * CONNECTIONS, "{words:?} {bytes}");
        }
    }
}

#[test]
fn everybody_is_pinged_once_a_beat() {
    let floor = Floor::start(&["web", "--beat", "100"]);
    let load = Load::on(&floor, false);
    let begun = Instant::now();
    let enough = (10 * CONNECTIONS) as f64;
    let told = load.until(|object| object["answered"].as_f64().is_some_and(|sum| sum >= enough));
    let beats = begun.elapsed().as_secs_f64() * 10.0 + 1.0;
    assert!(told["answered"].as_f64().unwrap() <= beats * CONNECTIONS as f64, "{told}");
}

#[test]
fn what_is_sent_to_all_reaches_all() {
    let mut floor = Floor::start(&["web"]);
    let load = Load::on(&floor, false);
    load.order("hear 100000 times 5");
    load.until(|object| object["begun"] == "hear");
    let stdin = floor.child.stdin.as_mut().unwrap();
    for _ in 0..5 {
        writeln!(stdin, "broadcast 100000").unwrap();
    }
    let done = load.until(|object| object["done"] == "hear");
    assert_eq!(done["errors"], 0);
}
