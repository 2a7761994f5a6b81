//! The chat on async-std: see `story`, which is the same on every runtime.
//!
//! ```sh
//! cargo run --example chat-async-std
//! ```

mod member;
mod native;
mod path;
mod room;
mod story;

use everbeat_async_std::AsyncStd;

fn main() -> story::Result {
    async_std::task::block_on(native::play::<AsyncStd>())
}
