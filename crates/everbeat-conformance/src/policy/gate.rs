//! The hook of these servers: what it does, the request's path says.

use std::future::{Future, pending};
use std::pin::Pin;

use everbeat_ws::upgrade::{Hook, Reject, Upgrade, UpgradeRequest};

/// Lets in whoever asks for a path that says nothing else; the path's name is the principal
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "it has nothing to tell")]
pub struct Gate;

impl Hook for Gate {
    type Principal = String;
    type Future = Pin<Box<dyn Future<Output = Result<Upgrade<String>, Reject>> + Send>>;

    fn call(&self, request: UpgradeRequest) -> Self::Future {
        Box::pin(async move {
            let name = request.path().trim_start_matches('/').to_owned();
            match name.as_str() {
                "rejected" => {
                    let reject = Reject::status(401).header("WWW-Authenticate", "Bearer");
                    Err(reject.body("who are you?"))
                }
                "endless" => pending().await,
                "panicking" => panic!("as it was asked to"),
                "chat" => Ok(Upgrade::accept(name).subprotocol("chat.v1").header("X-Seat", "7")),
                _ => Ok(Upgrade::accept(name)),
            }
        })
    }
}
