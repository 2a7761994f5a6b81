//! How a connection ended, in the words that programs judge by.

use everbeat_core::Cause;
use serde::{Deserialize, Serialize};

/// How a connection ended, or why an attempt failed
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(clippy::exhaustive_enums, reason = "programs judge each")]
pub enum How {
    /// The heartbeat's verdict
    Dead,
    /// The stream ended without a Close
    Cut,
    /// As agreed
    Closed,
    /// Anything else, such as an attempt that failed
    Other,
}

impl From<&Cause> for How {
    fn from(cause: &Cause) -> Self {
        match cause {
            Cause::Dead { .. } => Self::Dead,
            Cause::Cut { .. } => Self::Cut,
            cause if cause.is_polite() => Self::Closed,
            _ => Self::Other,
        }
    }
}
