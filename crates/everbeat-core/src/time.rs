//! Time as data: an integer [`Instant`], the [`Timer`] that makes and awaits it, the alarm that
//! moves a sleep as rarely as possible, and the wheel, one timer for many deadlines. Nothing here
//! reads an operating system's clock.

mod alarm;
mod instant;
mod timer;
mod wake;
mod wheel;

pub use alarm::Alarm;
pub use instant::Instant;
pub use timer::{Sleep, Timer};
pub(crate) use wake::Wake;
pub use wheel::{DeadlineKey, Deadlines};
#[cfg(feature = "std")]
pub use wheel::{Slot, Turn, Wheel};
