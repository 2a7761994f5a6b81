//! What everbeat's clients and servers do, as numbers, through the [`metrics`] facade.
//!
//! Nothing here is called by a connection: what is counted comes from the events that the
//! application is told anyway, and from what a server's registry and a client's account know anyway.
//! Who does not use this crate pays nothing for it; who does pays for each event, and for each look.
//!
//! Two kinds of calls, for both roles:
//!
//! - **Events count.** A client's go to [`ClientMetrics::event`]. A server's handler is wrapped by
//!   [`ServerMetrics::observe`], which sees each connection come and go; what its messages became
//!   is counted if the handler hands on its events ([`ServerMetrics::event`]).
//! - **Looks sample.** [`ClientMetrics::sample`] and [`ServerMetrics::sample`], every ten seconds or
//!   so, and before a scrape, read round trips, bytes and accounts.
//!
//! Names, units and labels are stable, as any API of ours: [`METRICS`] is the table, and
//! `docs/observability.md` has it for people. Labels are of fixed sets ([`REASONS`] is the largest);
//! an address, a path or a user is never one.
//!
//! The recorder is installed first, for handles are taken when the objects here are made:
//!
//! ```
//! use everbeat_metrics::{ClientMetrics, describe};
//! use everbeat_core::Event;
//!
//! // metrics_exporter_prometheus::PrometheusBuilder::new().install_recorder()?;
//! describe();
//! let mut metrics = ClientMetrics::new();
//! // while let Some(event) = client.next().await {
//! metrics.event(&Event::Connecting { attempt: 1, endpoint: 0 });
//! // }
//! ```

#![forbid(unsafe_code)]

mod bytes;
mod client;
mod counts;
mod names;
mod reason;
mod server;

pub use client::ClientMetrics;
pub use names::{Kind, METRICS, Metric, describe};
pub use reason::REASONS;
pub use server::{Observed, Observing, ServerMetrics};
