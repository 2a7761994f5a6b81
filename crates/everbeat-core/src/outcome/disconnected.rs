//! The end of a connection, whole: why, on what evidence, and what became of its messages.

use core::fmt;
use core::time::Duration;

use alloc::vec::Vec;

use super::Unconfirmed;
use crate::cause::{Cause, Evidence, Span};
use crate::message::Message;

/// How a connection ended, and what became of its messages
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Disconnected {
    /// Why
    pub cause: Cause,
    /// What was known when it ended
    pub evidence: Evidence,
    /// Messages that were accepted and never written; empty while a client means to send them later
    pub unsent: Vec<Message>,
    /// Messages that were written without proof of delivery
    pub unconfirmed: Unconfirmed,
    /// When the next attempt is made, from now; `None` if there is none
    pub retry_in: Option<Duration>,
    /// The endpoint that it was to, of a client of several: see
    /// [`Event::Connecting`](crate::Event::Connecting); otherwise 0
    pub endpoint: usize,
}

impl Disconnected {
    pub(crate) fn new(cause: Cause) -> Self {
        Self {
            cause,
            evidence: Evidence::default(),
            unsent: Vec::new(),
            unconfirmed: Unconfirmed::default(),
            retry_in: None,
            endpoint: 0,
        }
    }
}

/// `dead: nothing heard for 2.3 s, 1 Ping unanswered; 3 messages unconfirmed; retry in 74 ms`
impl fmt::Display for Disconnected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.cause)?;
        match self.unconfirmed.count {
            0 => {}
            1 => f.write_str("; 1 message unconfirmed")?,
            many => write!(f, "; {many} messages unconfirmed")?,
        }
        match self.unsent.len() {
            0 => {}
            1 => f.write_str("; 1 message unsent")?,
            many => write!(f, "; {many} messages unsent")?,
        }
        match self.retry_in {
            Some(delay) => write!(f, "; retry in {}", Span(delay)),
            None => Ok(()),
        }
    }
}
