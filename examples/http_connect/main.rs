//! Through a proxy: clients for `ws` and `wss` that reach their servers by HTTP CONNECT (RFC 9110,
//! section 9.3.6), which is a dial hook of forty lines.
//!
//! ```sh
//! cargo run --example http-connect
//! ```
//!
//! [`tunnel`] is what you take home. [`proxy`] is a proxy of our own on loopback, with a password; the
//! [`story`] is two servers behind it, a client for each, a client with the wrong password, and a
//! proxy that goes down under them.

#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

mod proxy;
mod story;
mod tunnel;

#[tokio::main]
async fn main() -> story::Result {
    tokio::time::timeout(story::PATIENCE, story::play()).await?
}
