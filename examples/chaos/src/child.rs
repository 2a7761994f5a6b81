//! What both roles share in which the program starts itself again: commands from the parent, and that
//! they tell how late they are.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;

use everbeat_core::time::Timer;
use everbeat_support::{Runtime, STEP, overslept, rows::millis};
use futures_util::future::select;

use crate::note::Note;
use crate::runtimes::{Everbeat, Part};
use crate::{client, runtimes, server};

/// A role at an address
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Child {
    pub(crate) role: Role,
    pub(crate) runtime: Runtime,
    pub(crate) address: SocketAddr,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// With this seed; and whether it is told of its host's addresses and links
    Client {
        seed: u64,
        watches: bool,
    },
    Server,
}

impl Child {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        runtimes::play(self.runtime, self)
    }
}

impl Part for Child {
    async fn play<R: Everbeat>(self) -> anyhow::Result<()> {
        let timer = R::default().timer();
        let role = async {
            match self.role {
                Role::Client { seed, watches } => {
                    client::run::<R>(self.address, seed, watches).await
                }
                Role::Server => server::run::<R>(self.address).await,
            }
        };
        select(pin!(role), pin!(tell_lateness(timer))).await.factor_first().0
    }
}

/// Sleeps, and tells of every sleep that was too long by more than its own length
async fn tell_lateness<T>(timer: impl Timer) -> T {
    let endless: Infallible = async {
        loop {
            let late = overslept(&timer).await;
            if late > STEP {
                Note::Late(millis(late)).write();
            }
        }
    }
    .await;
    match endless {}
}

/// What the parent says on a child's stdin
pub(crate) mod command {
    /// Send nothing but what keeps the connection alive
    pub(crate) const QUIET: &str = "quiet";
    /// Send again
    pub(crate) const TALK: &str = "talk";
    /// Send a lot, at once
    pub(crate) const UPLOAD: &str = "upload";
    /// End politely, and tell the account
    pub(crate) const CLOSE: &str = "close";
}
