//! The examples are in the folders beside this file; this crate only holds them.
//!
//! The README's and the book's code is compiled here, and run where it is no `no_run`; `cargo xtask
//! tidy` looks for a page that is not.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../docs/start.md")]
struct Start;

#[cfg(doctest)]
#[doc = include_str!("../docs/axum.md")]
struct Axum;

#[cfg(doctest)]
#[doc = include_str!("../docs/hyper.md")]
struct Hyper;

#[cfg(doctest)]
#[doc = include_str!("../docs/actix.md")]
struct Actix;

#[cfg(doctest)]
#[doc = include_str!("../docs/client.md")]
struct Client;

#[cfg(doctest)]
#[doc = include_str!("../docs/server.md")]
struct Server;

#[cfg(doctest)]
#[doc = include_str!("../docs/numbers.md")]
struct Numbers;

#[cfg(doctest)]
#[doc = include_str!("../docs/messages.md")]
struct Messages;

#[cfg(doctest)]
#[doc = include_str!("../docs/deploys.md")]
struct Deploys;

#[cfg(doctest)]
#[doc = include_str!("../docs/security.md")]
struct Security;

#[cfg(doctest)]
#[doc = include_str!("../docs/observability.md")]
struct Observability;

#[cfg(doctest)]
#[doc = include_str!("../docs/testing.md")]
struct Testing;

#[cfg(doctest)]
#[doc = include_str!("../docs/transport.md")]
struct Transport;

#[cfg(doctest)]
#[doc = include_str!("../docs/from-a-loop.md")]
struct FromALoop;

#[cfg(doctest)]
#[doc = include_str!("../docs/from-ezsockets.md")]
struct FromEzsockets;

#[cfg(doctest)]
#[doc = include_str!("../docs/from-reconnecting-websocket.md")]
struct FromReconnectingWebsocket;

#[cfg(doctest)]
#[doc = include_str!("../crates/everbeat-tokio/README.md")]
struct TokioCrate;

#[cfg(doctest)]
#[doc = include_str!("../crates/everbeat-smol/README.md")]
struct SmolCrate;

#[cfg(doctest)]
#[doc = include_str!("../crates/everbeat-async-std/README.md")]
struct AsyncStdCrate;

#[cfg(doctest)]
#[doc = include_str!("../crates/everbeat-core/README.md")]
struct CoreCrate;

#[cfg(doctest)]
#[doc = include_str!("../crates/everbeat-server/README.md")]
struct ServerCrate;

#[cfg(doctest)]
#[doc = include_str!("../crates/everbeat-axum/README.md")]
struct AxumCrate;

#[cfg(doctest)]
#[doc = include_str!("../crates/everbeat-hyper/README.md")]
struct HyperCrate;

#[cfg(doctest)]
#[doc = include_str!("../crates/everbeat-actix/README.md")]
struct ActixCrate;

#[cfg(doctest)]
#[doc = include_str!("../crates/everbeat-watch/README.md")]
struct WatchCrate;

#[cfg(doctest)]
#[doc = include_str!("../crates/everbeat-metrics/README.md")]
struct MetricsCrate;

#[cfg(doctest)]
#[doc = include_str!("../crates/everbeat-sim/README.md")]
struct SimCrate;
