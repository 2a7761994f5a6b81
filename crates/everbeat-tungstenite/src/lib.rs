//! A `WebSocketStream` that is there already, of `tokio-tungstenite` or `async-tungstenite`, as a
//! transport of everbeat's: a supervised connection over it, in either role, without another upgrade.
//!
//! ```no_run
//! use everbeat_tokio::config::ConnectionConfig;
//! use everbeat_tokio::transport::TokioTimer;
//! use everbeat_tokio::{Connection, Tokio};
//! use everbeat_tungstenite::Tungstenite;
//!
//! # async fn feed() -> Result<(), Box<dyn std::error::Error>> {
//! let (stream, _) = tokio_tungstenite::connect_async("ws://127.0.0.1:9001/feed").await?;
//! let config = ConnectionConfig::client(); // or `server()`, over what `accept_async` gave
//! let (timer, seed) = (TokioTimer::new(), Tokio.seed());
//! let mut connection = Connection::new(Tungstenite::new(stream), timer, config, seed);
//! while let Some(message) = connection.recv().await? {
//!     println!("{message}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What is kept, and what is lost
//!
//! The stream's own codec is kept, and so is all that it holds: bytes that came glued to the answer
//! of the upgrade, half of a frame, half of a message, a Pong that is owed. Its limits and its role
//! stay its own.
//!
//! A message stream cannot tell what goes on below it, so that a connection over it knows less than
//! one over everbeat's own WebSocket:
//!
//! - *Heard* means whole messages: give the heartbeat a `timeout` that the largest one fits into.
//! - There is no evidence of the road: a death is `Silent`, never `Path`, `App` or `OneWay`.
//! - A Ping waits behind the message that is being written, for the codec writes messages whole.
//! - An abort closes the socket plainly, not by a reset; and what a peer that broke the protocol had
//!   still to say is not read, so that it may not hear why.
//! - A codec with its buffers stays for as long as the connection lives, idle or not.
//!
//! # Without its codec
//!
//! `into_inner` gives up the socket, and throws away what the codec had read and not handed out. No
//! call tells whether there was anything; so this crate does not use it, and who does has to know:
//!
//! - Right behind `accept_async` a server's codec is empty, for a client may not speak before it has
//!   the answer, and one that does is refused. Then
//!   `WebSocket::from_upgraded(adopt(stream.into_inner()), Role::Server, settings, Vec::new())` of a
//!   runtime's `transport` module loses nothing, and a TCP stream (`Stream::new` in place of `adopt`)
//!   has its evidence again.
//! - Behind `connect_async` it is not: a server may send its first message with its answer, and many
//!   do. A client that wants more than messages connects its stream itself and hands it to
//!   `WebSocket::connect`.
//! - Once the stream was read from, there may be anything in it.

#![forbid(unsafe_code)]

mod error;
mod messages;
mod transport;

pub use error::Error;
/// The version of tungstenite whose messages these are
pub use tungstenite;

pub use transport::Tungstenite;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
