//! The chat on tokio: see `story`, which is the same on every runtime.
//!
//! ```sh
//! cargo run --example chat-tokio
//! ```

mod member;
mod native;
mod path;
mod room;
mod story;

use everbeat_tokio::Tokio;

#[tokio::main]
async fn main() -> story::Result {
    native::play::<Tokio>().await
}
