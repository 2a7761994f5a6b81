//! What the roles share in which the demo starts itself again: orders, and commands from the parent.

use std::net::SocketAddr;
use std::pin::pin;

use futures_util::future::{Either, select};

use crate::args::Mechanism;
use crate::certificates::Certificates;
use crate::lateness;
use crate::note::Who;
use crate::runtimes::{Everbeat, Part, Runtime};
use crate::{client, crowd, runtimes, server};

/// What a child process is told when it is started
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Orders {
    pub(crate) runtime: Runtime,
    pub(crate) broken: Option<Mechanism>,
    /// With TLS, by these certificates
    pub(crate) tls: Option<Certificates>,
}

/// A role at an address
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Child {
    pub(crate) who: Who,
    pub(crate) address: SocketAddr,
    pub(crate) orders: Orders,
}

impl Child {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        runtimes::play(self.orders.runtime, self)
    }
}

impl Part for Child {
    async fn play<R: Everbeat>(self) -> anyhow::Result<()> {
        let timer = R::default().timer();
        let Self { who, address, orders } = self;
        let role = async {
            match who {
                Who::Server => server::run::<R>(address, &orders).await,
                Who::Crowd => crowd::run::<R>(address, &orders).await,
                _ => client::run::<R>(who, address, &orders).await,
            }
        };
        match select(pin!(role), pin!(lateness::report(timer))).await {
            Either::Left((ended, _)) => ended,
            // The parent is gone.
            Either::Right(((), _)) => Ok(()),
        }
    }
}

/// What the parent says on a child's stdin
pub(crate) mod command {
    /// Send nothing but what keeps the connection alive
    pub(crate) const QUIET: &str = "quiet";
    /// Send again
    pub(crate) const TALK: &str = "talk";
    /// Close, and exit
    pub(crate) const CLOSE: &str = "close";
}
