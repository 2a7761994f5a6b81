//! The contracts that core's docs make with a timer, a transport, a connector, an acceptor and a
//! spawner: each sentence a line, each line a check that any implementation can be put to.
//!
//! A [`Host`] lends a place to run in, a [`Subject`] what is put to the test. On real clocks a timer
//! is held to "never early" and to order only.

mod ends;
mod meeting;
mod native;
#[cfg(target_os = "linux")]
mod nests;
#[cfg(any(target_os = "android", target_os = "linux"))]
mod road;
mod sockets;
mod spawn;
mod timer;
mod tools;
mod transport;
#[cfg(any(target_os = "android", target_os = "linux"))]
mod verdicts;

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::time::Duration;

use everbeat_core::time::Timer;
use everbeat_core::transport::{Accept, Connect, Transport};

use crate::line::side_by_side;

pub use native::Native;
#[cfg(target_os = "linux")]
pub use nests::nests;
#[cfg(any(target_os = "android", target_os = "linux"))]
pub use road::road_lines;
pub use sockets::socket_lines;

/// A future that stays on its thread
pub type Local<T> = Pin<Box<dyn Future<Output = T>>>;
/// A task for a spawner, which may ask for `Send`
pub type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What is put to the test
pub trait Subject: Clone + 'static {
    /// The clock
    type Timer: Timer<Sleep: Unpin + Send> + Clone;
    /// One WebSocket
    type Transport: Transport + Unpin;
    /// What makes them for a client
    type Connector: Connect<Transport = Self::Transport>;
    /// What makes them for a server
    type Acceptor: Accept<Transport = Self::Transport> + Unpin;

    /// A clock that starts now
    fn timer(&self) -> Self::Timer;
    /// How long something may take before it is said to hang
    fn patience(&self) -> Duration {
        tools::PATIENCE
    }
    /// Time that passes whether the timer under test works or not
    fn wait(&self, time: Duration) -> Local<()>;
    /// Starts a task
    fn spawn(&self, job: Job);
    /// An acceptor, and a connector that leads to it
    fn listen(&self) -> Local<(Self::Acceptor, Self::Connector)>;
    /// A connector to where nobody listens
    fn refused(&self) -> Local<Self::Connector>;
}

/// A place for checks to run in
pub trait Host {
    /// What it puts to the test
    type Subject: Subject;

    /// Runs a check to its end; its panic goes through
    fn run(&self, check: fn(Self::Subject) -> Local<()>);
}

/// One sentence of a contract, and its check
pub struct Line<S> {
    /// The sentence, behind the name of what promises it
    pub name: &'static str,
    check: fn(S) -> Local<()>,
}

impl<S> fmt::Debug for Line<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Line").field(&self.name).finish()
    }
}

macro_rules! table {
    ($($name:literal => $check:path),+ $(,)?) => {
        vec![$(Line { name: $name, check: |subject| Box::pin($check(subject)) }),+]
    };
}
use table;

/// Every line of every contract
#[must_use]
pub fn lines<S: Subject>() -> Vec<Line<S>> {
    let mut lines = timer::lines();
    lines.extend(spawn::lines());
    lines.extend(transport::lines());
    lines.extend(ends::lines());
    lines.extend(meeting::lines());
    lines
}

/// Those of `lines` that do not hold, each with what was seen instead
pub fn broken<H: Host + Sync>(
    host: &H,
    lines: Vec<Line<H::Subject>>,
) -> Vec<(&'static str, String)> {
    let verdict = |line: &Line<H::Subject>| {
        let panic = catch_unwind(AssertUnwindSafe(|| host.run(line.check))).err()?;
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Some((line.name, text.unwrap_or_else(|| "a panic without words".to_owned())))
    };
    side_by_side(&lines, verdict).into_iter().flatten().collect()
}

/// Puts a runtime to these lines
///
/// # Panics
///
/// A line does not hold: its name is in the message.
pub fn hold<H: Host + Sync>(host: &H, lines: Vec<Line<H::Subject>>) {
    let broken = broken(host, lines);
    assert!(broken.is_empty(), "{} lines do not hold: {broken:#?}", broken.len());
}
