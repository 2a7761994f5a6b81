//! What belongs to a [`Client`](crate::Client): its builder, its queue, its errors, and how it
//! connects.

pub use everbeat_core::client::*;
pub use everbeat_ws::connect::{ConnectError as AttemptError, Dial, Direct, RequestBuilder};

/// Connects to a URL on async-std
pub type Connector<D = Direct> = everbeat_ws::Connector<crate::AsyncStd, D>;

/// What a [dial hook](Connector::dial) is told, and what it is lent
pub type Dialing = everbeat_ws::connect::Dialing<crate::AsyncStd>;

/// Dials by a function of the application's, which gives streams of the type `S`
pub type Hooked<S> = everbeat_ws::connect::Hooked<crate::AsyncStd, S>;
