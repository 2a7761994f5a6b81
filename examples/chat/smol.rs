//! The chat on smol: see `story`, which is the same on every runtime.
//!
//! ```sh
//! cargo run --example chat-smol
//! ```

mod member;
mod native;
mod path;
mod room;
mod story;

use everbeat_smol::Smol;

fn main() -> story::Result {
    smol::block_on(native::play::<Smol>())
}
