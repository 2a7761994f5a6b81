//! What belongs to a [`Client`](crate::Client): its builder, its queue, its errors, and how it
//! connects.

pub use everbeat_core::client::*;
pub use everbeat_ws::connect::{ConnectError as AttemptError, RequestBuilder};

/// Connects to a URL on async-std
pub type Connector = everbeat_ws::Connector<crate::AsyncStd>;
