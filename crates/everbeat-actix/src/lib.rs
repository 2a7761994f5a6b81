//! Supervised WebSockets inside an actix-web application: a route turns its request into a connection
//! that beats, is expired when its peer falls silent, is known to a registry, and is told when the
//! server stops.
//!
//! ```
//! use actix_web::HttpResponse;
//! use everbeat_actix::{Connection, Upgrade};
//!
//! async fn echo(mut connection: Connection) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//!     while let Some(message) = connection.recv().await? { connection.send(message).await?; }
//!     Ok(())
//! }
//!
//! async fn route(upgrade: Upgrade) -> HttpResponse { upgrade.on_connection(echo).await }
//! # _ = route;
//! ```
//!
//! [`Sockets`] is everbeat's server, with the heartbeat, rules, limits, registry and drain that it has
//! everywhere. It is made once, outside of the closure that actix calls for each worker, and is a part
//! of the application's data (`web::Data`); connections of all workers are in one registry. Who may
//! connect is decided as for any other route, by extractors and layers in front of [`Upgrade`]; what
//! they found out is the connection's principal ([`Upgrade::on_connection_as`]). The handler runs in
//! the span of its request.
//!
//! # Where it runs, and what it does not know
//!
//! actix hands over no socket: an upgrade is a request's payload and a response's body, which belong
//! to a worker. Connections and their handlers run where [`Sockets`] was made, under `#[tokio::main]`
//! on all of its threads; a channel with room for little leads each way, and whoever is slow holds up
//! the other end.
//!
//! So the kernel cannot be asked about the road, for what actix has in its buffer would seem to be lost
//! on it: death is noticed by the Ping alone, and is `Silent`. A flush is done when actix has taken the
//! bytes, of which it may keep 32 KiB and a piece of up to 64 KiB more.
//!
//! [`on_connect`] keeps a second descriptor of each socket. With it TCP's options are set, and a
//! connection that everbeat has ended is ended, whatever actix is about; without it actix keeps the
//! socket of a peer that takes nothing for as long as its peer's kernel answers; if that is gone too, a
//! quarter of an hour.
//!
//! # Stopping
//!
//! actix's own shutdown waits for connections that were upgraded, and tells them nothing. So they are
//! stopped first, and each is told 1001, or what
//! [`shutdown_with`](server::ServerBuilder::shutdown_with) says:
//!
//! ```no_run
//! # async fn signal() {}
//! # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//! use actix_web::{App, HttpServer, web};
//! use everbeat_actix::Sockets;
//!
//! let sockets: Sockets = Sockets::new()?;
//! let data = web::Data::new(sockets.clone());
//! HttpServer::new(move || App::new().app_data(data.clone()))
//!     .on_connect(everbeat_actix::on_connect)
//!     .shutdown_signal(async move {
//!         sockets.stop_on(signal()).await; // from here on upgrades are answered 503
//!         println!("{}", sockets.closed().await); // each was told, and had its time
//!     })
//!     .bind("127.0.0.1:3000")?
//!     .run()
//!     .await?;
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod socket;
mod stream;
mod upgrade;
mod worker;

pub use everbeat_hosted::{Handle, core, server};
pub use everbeat_ws::Settings;
pub use everbeat_ws::upgrade::Origins;

pub use socket::on_connect;
pub use stream::Stream;
pub use upgrade::{Rejection, Upgrade};

/// The server behind an application's routes, everbeat's own
pub type Sockets<P = ()> = everbeat_hosted::Sockets<Stream, P>;

/// How such a server is set up
pub type Requests<P = ()> = everbeat_hosted::Requests<Stream, P>;

/// What a handler is given
pub type Connection = everbeat_hosted::Connection<Stream>;
