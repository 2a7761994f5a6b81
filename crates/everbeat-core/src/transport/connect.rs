//! Making a connection: [`Connect`], what an [`Attempt`] is, [`Several`], which more URLs can be added
//! to, and [`Endpoint`], a connector that a URL is enough for.

use core::error::Error;
use core::future::Future;

use super::Transport;
use crate::cause::Cause;
use crate::config::ConfigError;
use crate::time::Timer;

/// Makes transports, one for each attempt
///
/// The deadline over an attempt is the [`Client`](crate::Client)'s; a connector needs no timer.
///
/// # Contract
///
/// Dropping the future abandons the attempt and frees what it held.
pub trait Connect {
    /// What a successful attempt yields
    type Transport: Transport;
    /// Why an attempt failed
    type Error: Error + 'static;
    /// One attempt
    type Future: Future<Output = Result<Self::Transport, Self::Error>>;

    /// Begins an attempt
    fn connect(&mut self, attempt: Attempt) -> Self::Future;

    /// How many endpoints it has, in order of preference; asked once, before the first attempt
    ///
    /// With more than one, the client chooses one for each attempt
    /// ([`Endpoints`](crate::reconnect::Endpoints)).
    fn endpoints(&self) -> usize {
        1
    }

    /// What is wrong with the settings; asked once, before the first attempt
    ///
    /// # Errors
    ///
    /// A setting cannot be. The default has no settings.
    fn check(&self) -> Result<(), ConfigError> {
        Ok(())
    }

    /// The error as data, which verdicts are made from
    ///
    /// The default calls it unreachable, with the error's own words: retried.
    fn classify(error: &Self::Error) -> Cause {
        Cause::unreachable(error)
    }
}

/// Which attempt this is, and what ended the one before
///
/// A request made from it can choose another host, or fetch a fresh token.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Attempt {
    /// 1 for the first attempt after a connection was lost, or after the start
    pub number: u32,
    /// Why this attempt is made; `None` at the start
    pub after: Option<Cause>,
    /// Which of the connector's endpoints it is to go to, from 0 on
    pub endpoint: usize,
}

impl Attempt {
    /// The attempt at the start
    #[must_use]
    pub const fn first() -> Self {
        Self { number: 1, after: None, endpoint: 0 }
    }
}

/// A connector to which more URLs can be added, whatever it was told besides
///
/// [`ClientBuilder::endpoint`](crate::client::ClientBuilder::endpoint) rests on it.
pub trait Several: Connect + Sized {
    /// Another URL, less preferred than those before it
    ///
    /// # Errors
    ///
    /// The URL is not one that can be connected to, or there are [too
    /// many](crate::reconnect::Endpoints::MOST).
    fn and(self, url: &str) -> Result<Self, ConfigError>;
}

/// A connector that a URL is enough for, with its runtime's timer and randomness
///
/// Runtime crates implement it; [`Client::connect`](crate::Client::connect) rests on it.
pub trait Endpoint: Several {
    /// The runtime's timer
    type Timer: Timer + Clone;

    /// A connector to `url`
    ///
    /// # Errors
    ///
    /// The URL is not one that can be connected to.
    fn from_url(url: &str) -> Result<Self, ConfigError>;

    /// A timer of the runtime; it may be a new one each time, whose instants compare with no other's
    fn timer(&self) -> Self::Timer;

    /// A seed for jitter, from the operating system: a fixed one would march a fleet in step
    fn seed(&self) -> u64;
}
