//! smol's clock, which is the system's.

pub use everbeat_async_io::{Sleep as SmolSleep, Timer as SmolTimer};
