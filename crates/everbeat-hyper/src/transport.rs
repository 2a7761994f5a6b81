//! What is below a connection: the WebSocket over what hyper hands over, what is known of its peer, and
//! how a request becomes one.

pub use everbeat_hosted::{Asked, Asking, Facts, Run, Upgrading};
pub use everbeat_tokio::transport::TokioTimer;
pub use everbeat_ws::upgrade::{RequestHead, UpgradeError};

pub use crate::stream::Stream;

/// One WebSocket over a stream that hyper has upgraded
pub type WebSocket = everbeat_ws::WebSocket<Stream>;
