//! The transport over in-memory streams: contents and order, bytes on the wire, memory.

#![expect(clippy::unwrap_used, reason = "a failed helper fails its test")]

mod allocations;
#[cfg(feature = "tls")]
#[path = "../../../everbeat-conformance/src/certificates.rs"]
#[expect(unreachable_pub, reason = "it is a library's module too")]
mod certificates;
mod counting;
mod courtesy;
mod cuts;
mod hook;
mod hook_panics;
mod large;
mod lent;
mod logged;
mod memory;
mod rejections;
mod round_trip;
mod stops;
mod support;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "tls")]
mod tls_at_rest;
#[cfg(feature = "tls")]
mod tls_clients;
mod upgrade;
mod violations;
mod waited;
mod wire;
