//! What the programs among the examples share: the runtimes by their names, how late a process is,
//! a steady beat, which message met which fate, a timeline for people, rows for machines, and what
//! the studies run and show their jobs with.

#![forbid(unsafe_code)]

pub mod exit;
mod fates;
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

pub use fates::{Fate, Fates};
pub use lateness::{STEP, overslept};
pub use number::number;
pub use options::{milliseconds, options};
pub use percentile::percentile;
pub use progress::Progress;
pub use runtime::Runtime;
pub use ticker::Ticker;
pub use timeline::{Mood, Timeline, seconds, span};
