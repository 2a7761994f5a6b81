//! Why a simulation stopped before its time, with what is needed to run it again.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use everbeat_core::time::Instant;

use crate::trace::Trace;

/// A simulation that did not get where it should
///
/// Prints the seed, with which the same happens again, and the last events of the trace; so does
/// its `Debug`, for `unwrap` prints that one.
#[derive(Clone)]
pub struct SimError {
    pub(crate) stop: Stop,
    pub(crate) seed: u64,
    pub(crate) at: Instant,
    pub(crate) trace: Trace,
}

/// What stopped a simulation
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// So many polls and arrivals within one instant: something wakes itself for ever
    ///
    /// [`Sim::set_step_limit`](crate::Sim::set_step_limit) moves the limit.
    Livelock {
        /// The limit on steps within one instant
        limit: u64,
    },
    /// The future of `block_on` was not ready in time
    TimedOut {
        /// The limit it was given
        limit: Duration,
    },
    /// The future of `block_on` waits, and nothing is scheduled that could wake it
    Stuck,
}

impl SimError {
    /// What stopped it
    #[must_use]
    pub const fn stop(&self) -> Stop {
        self.stop
    }

    /// The seed to run it again with
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// When it stopped, in virtual time
    #[must_use]
    pub const fn at(&self) -> Instant {
        self.at
    }

    /// The history until then
    #[must_use]
    pub const fn trace(&self) -> &Trace {
        &self.trace
    }
}

impl fmt::Display for SimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stop, seed, at, trace } = self;
        write!(f, "{stop} at {at:?}, seed {seed} (EVERBEAT_SEED={seed} runs it again)")?;
        if trace.events() > 0 {
            write!(f, "; the last events:\n{trace}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for SimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for SimError {}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Livelock { limit } => {
                write!(f, "livelock: over {limit} steps within one instant (`set_step_limit`)")
            }
            Self::TimedOut { limit } => write!(f, "not ready within {limit:?}"),
            Self::Stuck => f.write_str("stuck: not ready, and nothing is scheduled"),
        }
    }
}
