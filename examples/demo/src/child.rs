//! What the roles share in which the demo starts itself again: orders, commands from the parent, and
//! a clock of whichever runtime.

use std::future::poll_fn;
use std::io::{BufRead, stdin};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::thread;
use std::time::Duration;

use everbeat_core::time::{Sleep, Timer};
use futures_util::future::{Either, select};
use tokio::sync::mpsc;

use crate::args::Mechanism;
use crate::certificates::Certificates;
use crate::lateness;
use crate::note::Who;
use crate::runtimes::{Everbeat, Part, Runtime};
use crate::{client, crowd, server};

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
        self.orders.runtime.play(self)
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

/// The parent's commands; `None` once it has closed our stdin
///
/// A thread reads them, for not every runtime has a stdin.
pub(crate) fn commands() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(16);
    thread::spawn(move || {
        for line in stdin().lock().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// A steady beat; who is late waits a whole turn again
#[derive(Debug)]
pub(crate) struct Ticker<K: Timer> {
    timer: K,
    every: Duration,
    sleep: K::Sleep,
}

impl<K: Timer<Sleep: Unpin>> Ticker<K> {
    pub(crate) fn new(timer: K, every: Duration) -> Self {
        Self { sleep: timer.sleep_until(timer.now()), timer, every }
    }

    /// Cancel safe: a tick that is not waited for comes later
    pub(crate) async fn tick(&mut self) {
        poll_fn(|cx| Pin::new(&mut self.sleep).poll(cx)).await;
        Pin::new(&mut self.sleep).reset(self.timer.now() + self.every);
    }
}
