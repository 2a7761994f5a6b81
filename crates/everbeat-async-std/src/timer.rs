//! async-std's clock, which is the system's.

pub use everbeat_async_io::{Sleep as AsyncStdSleep, Timer as AsyncStdTimer};
