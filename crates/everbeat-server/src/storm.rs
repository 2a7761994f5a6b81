//! What keeps a crowd from coming all at once: the two machines by which a server sends its clients
//! to the next one ([`Restart`]) and tells those for whom it has no time now when to come back
//! ([`Slots`]).
//!
//! They are pure, and the server's own. They are public for servers that are not built on this
//! crate, and because the study of storms runs them as they are.

mod restart;
mod slots;

pub use restart::{Leave, Plan, Restart};
pub use slots::{Slots, Turn};
