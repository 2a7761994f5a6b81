//! A transport of one's own: messages over a Unix socket, framed by a protocol that is no WebSocket,
//! with everbeat's heartbeat, its verdicts and its account of every message. Unix only.
//!
//! ```sh
//! cargo run --example custom-transport
//! ```
//!
//! [`wire::Wire`] implements `Transport`, and a `Connection` stands on it in either role. A client
//! talks to a server and closes politely; then somebody connects who never answers, and somebody who
//! speaks another protocol. The server tells them apart.
//!
//! If all you have is a stream and sink of messages, take `FromStream` instead: `docs/api.rs` has it.

#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

#[cfg(unix)]
mod frame;
#[cfg(unix)]
mod story;
#[cfg(unix)]
mod wire;

#[cfg(unix)]
#[tokio::main]
async fn main() -> story::Result {
    tokio::time::timeout(story::PATIENCE, story::play()).await?
}

#[cfg(not(unix))]
fn main() {
    println!("there are no Unix sockets here");
}
