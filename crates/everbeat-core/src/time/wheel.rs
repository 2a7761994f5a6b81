//! One timer for many deadlines: the pure table, and the sharded [`Wheel`] that makes a [`Timer`]
//! of it. A server's connections all sleep on one wheel, and the wheel on a handful of the
//! runtime's sleeps.

mod deadlines;
#[cfg(feature = "std")]
mod shard;
#[cfg(feature = "std")]
mod shared;
mod slab;
#[cfg(feature = "std")]
mod slot;
#[cfg(feature = "std")]
mod task;
#[cfg(feature = "std")]
mod turn;

#[cfg(test)]
#[cfg(feature = "std")]
mod crowd_tests;
#[cfg(test)]
#[cfg(feature = "std")]
mod hand_timer;
#[cfg(test)]
mod model_tests;
#[cfg(test)]
#[cfg(feature = "std")]
mod shard_tests;
#[cfg(test)]
mod slab_tests;
#[cfg(test)]
#[cfg(feature = "std")]
mod slot_tests;
#[cfg(test)]
#[cfg(feature = "std")]
mod tests;
#[cfg(test)]
#[cfg(feature = "std")]
mod thread_tests;

pub use deadlines::{DeadlineKey, Deadlines};
#[cfg(feature = "std")]
pub use shared::Wheel;
#[cfg(feature = "std")]
pub use slot::Slot;
#[cfg(feature = "std")]
pub use turn::Turn;
