//! What the programs among the examples share: the runtimes by their names, how late a process is,
//! a steady beat, which message met which fate and whether both ends say the same, how connections end,
//! a timeline for people, rows for machines, and what
//! the studies run and show their jobs with.

#![forbid(unsafe_code)]

pub mod account;
mod commands;
pub mod exit;
mod fates;
mod how;
pub mod jobs;
mod lateness;
mod number;
mod options;
mod percentile;
mod progress;
pub mod rows;
mod runtime;
mod ticker;
mod timeline;

pub use commands::commands;
pub use fates::{Fate, Fates};
pub use how::How;
pub use lateness::{STEP, overslept};
pub use number::number;
pub use options::{milliseconds, options};
pub use percentile::percentile;
pub use progress::Progress;
pub use runtime::Runtime;
pub use ticker::Ticker;
pub use timeline::{Mood, Timeline, seconds, span};
