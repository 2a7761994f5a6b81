//! A loop written by hand over the machines alone: `Heartbeat` says when to ping and what a silence
//! means, `Reconnect` says when to try again. No runtime, no async, no WebSocket: blocking sockets of
//! the standard library, and a protocol of four kinds of frames.
//!
//! ```sh
//! cargo run --example sans-io
//! ```
//!
//! The server answers for a while, hangs with its socket open, is then not there at all, and comes
//! back. The client notices the silence within the time it promises, tries again with growing
//! delays, and says which of its messages are proven to have arrived.
//!
//! [`client`] is the loop, and what you would write; [`server`] is who breaks.

#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

mod client;
mod clock;
mod frame;
mod server;

use std::net::TcpListener;
use std::time::Duration;

use everbeat_core::config::HeartbeatConfig;

use client::Client;
use clock::Clock;

/// Within how long a silence is noticed
const PROMISE: Duration = Duration::from_secs(1);
/// What a busy machine may add to it
const LATENESS: Duration = Duration::from_secs(5);
/// How long nobody listens
const OUTAGE: Duration = Duration::from_millis(1_500);
/// Far more than all of it takes
const PATIENCE: Duration = Duration::from_secs(20);
/// After so many messages of the first connection the server hangs
const UNTIL_IT_HANGS: u64 = 3;
/// What the client wants to hear back on one connection before it is content
const ENOUGH: u64 = 5;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Result {
    let clock = Clock::start();
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let server = std::thread::spawn(move || server::run(listener, clock));

    let lives = Client::new(address, clock)?.run()?;
    server.join().map_err(|_| "the server panicked")??;
    let [dead, content] = &lives[..] else {
        return Err(format!("two connections, and not these: {lives:?}").into());
    };
    let timeout = HeartbeatConfig::CLIENT.detect_within(PROMISE)?.timeout();
    if !dead.is_dead || !(timeout..=PROMISE + LATENESS).contains(&dead.silent_for) {
        return Err(format!("the silence was not noticed in time: {dead:?}").into());
    }
    if content.attempts < 2 {
        return Err("nobody was refused, so nothing shows that it backs off".into());
    }
    if content.delivered != content.said {
        return Err(format!("a message is not accounted for: {content:?}").into());
    }
    Ok(())
}
