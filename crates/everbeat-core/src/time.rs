//! Time as data: an integer [`Instant`], the [`Timer`] that makes and awaits it, and the alarm
//! that moves a sleep as rarely as possible. Nothing here reads an operating system's clock.

mod alarm;
mod instant;
mod timer;

pub(crate) use alarm::Alarm;
pub use instant::Instant;
pub use timer::{Sleep, Timer};
