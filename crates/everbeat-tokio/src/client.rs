//! What belongs to a [`Client`](crate::Client): its builder, queue and errors, and how it connects.

pub use everbeat_core::client::*;
pub use everbeat_ws::connect::{ConnectError as AttemptError, Dial, Direct, RequestBuilder};

/// Connects to a URL on tokio
pub type Connector<D = Direct> = everbeat_ws::Connector<crate::Tokio, D>;

/// What a [dial hook](Connector::dial) is told, and what it is lent
pub type Dialing = everbeat_ws::connect::Dialing<crate::Tokio>;

/// Dials by a function of the application's, which gives streams of the type `S`
pub type Hooked<S> = everbeat_ws::connect::Hooked<crate::Tokio, S>;
