//! A server that is replaced by a new version, twice, while its client goes on sending.
//!
//! ```sh
//! cargo run --example graceful-restart
//! ```
//!
//! The supervisor holds the listening socket and gives it to each generation as its standard input.
//! The new one is started first and takes connections from the same backlog; then the old one is told
//! SIGTERM, tells each client in its turn to go to the new one, and ends when they are gone. Nobody is
//! ever refused, and what the client has sent adds up at the end: every message was received, or the
//! client knows that it may not have been.
//!
//! Unix only: it is a file descriptor that is inherited.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it talks to whoever runs it")]

#[cfg(unix)]
mod client;
#[cfg(unix)]
mod server;
#[cfg(unix)]
mod supervisor;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[cfg(unix)]
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    match std::env::args().nth(1).as_deref() {
        Some("serve") => server::run().await,
        _ => supervisor::run().await,
    }
}

#[cfg(not(unix))]
fn main() {
    println!("there is no descriptor to inherit here");
}
