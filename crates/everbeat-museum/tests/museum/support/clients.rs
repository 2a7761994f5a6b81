//! Clients that come back, naive ones and everbeat's, and the server that they come back to.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use everbeat_core::client::ClientBuilder;
use everbeat_core::config::ConnectionConfig;
use everbeat_core::time::Instant;
use everbeat_core::transport::{Attempt, Connect};
use everbeat_core::{Cause, Client, Connection, Event};
use everbeat_museum::rules::{Rule, Watch, run};
use everbeat_sim::net::{ConnectError, Connecting};
use everbeat_sim::{Host, Sim, SimConnector, SimHandle, SimTimer};
use futures_core::Stream;

use super::quiet;

/// When somebody tried to connect
pub(crate) type Attempts = Rc<RefCell<Vec<Instant>>>;

/// A connector that notes when it is used
#[derive(Clone)]
pub(crate) struct Noting {
    connector: SimConnector,
    sim: SimHandle,
    attempts: Attempts,
}

impl Noting {
    pub(crate) fn new(sim: &Sim, from: &Host, attempts: Attempts) -> Self {
        Self { connector: from.connector("them"), sim: sim.handle(), attempts }
    }
}

impl Connect for Noting {
    type Transport = <SimConnector as Connect>::Transport;
    type Error = ConnectError;
    type Future = Connecting;

    fn connect(&mut self, attempt: Attempt) -> Connecting {
        self.attempts.borrow_mut().push(self.sim.now());
        self.connector.connect(attempt)
    }

    fn classify(error: &ConnectError) -> Cause {
        SimConnector::classify(error)
    }
}

/// How a naive client comes back
pub(crate) struct Comeback<R> {
    /// By which it lives while it is connected
    pub(crate) rule: R,
    /// How long it waits before the attempt of this number, 1 being the first after a success
    pub(crate) delay: fn(u32) -> Duration,
    /// Whether it begins anew as soon as a connection stands
    pub(crate) resets_on_open: bool,
    /// Whether it never comes back after this
    pub(crate) gives_up: fn(&ConnectError) -> bool,
}

impl<R: Rule + Clone + 'static> Comeback<R> {
    pub(crate) fn new(rule: R, delay: fn(u32) -> Duration) -> Self {
        Self { rule, delay, resets_on_open: true, gives_up: |_| false }
    }

    /// Starts it on the host `from`; when it tried
    pub(crate) fn start(self, sim: &Sim, from: &str) -> Attempts {
        let (host, attempts) = (sim.host(from), Attempts::default());
        let mut connector = Noting::new(sim, &host, attempts.clone());
        let (timer, handle) = (host.timer(), sim.handle());
        host.spawn(async move {
            let mut failed = 0;
            loop {
                match connector.connect(Attempt::first()).await {
                    Ok(pipe) => {
                        if self.resets_on_open {
                            failed = 0;
                        }
                        let (rule, timer) = (self.rule.clone(), timer.clone());
                        run(rule, pipe, timer, quiet(), Watch::default()).await;
                    }
                    Err(error) if (self.gives_up)(&error) => return,
                    Err(_) => {}
                }
                failed += 1;
                handle.sleep((self.delay)(failed)).await;
            }
        });
        attempts
    }
}

/// Starts everbeat's client on the host `from`; when it tried
pub(crate) fn everbeat(
    sim: &Sim,
    from: &str,
    plan: impl FnOnce(ClientBuilder<Noting, SimTimer>) -> ClientBuilder<Noting, SimTimer>,
) -> Attempts {
    everbeat_told(sim, from, plan, Duration::MAX)
}

/// As [`everbeat`], but at that time it is told to look whether its connection still stands
pub(crate) fn everbeat_told(
    sim: &Sim,
    from: &str,
    plan: impl FnOnce(ClientBuilder<Noting, SimTimer>) -> ClientBuilder<Noting, SimTimer>,
    when: Duration,
) -> Attempts {
    let (host, attempts) = (sim.host(from), Attempts::default());
    let connector = Noting::new(sim, &host, attempts.clone());
    let builder = Client::over(connector, host.timer(), sim.random()).retry_first(true);
    let mut client = plan(builder).build().unwrap();
    // By the simulation's clock, for the host's may stop.
    let mut told = Some(Box::pin(sim.sleep(when)));
    host.spawn(poll_fn(move |cx| {
        if told.as_mut().is_some_and(|told| told.as_mut().poll(cx).is_ready()) {
            told = None;
            client.probe();
        }
        while let Poll::Ready(event) = Pin::new(&mut client).poll_next(cx) {
            match event {
                Some(Event::GaveUp(end)) => panic!("everbeat gave up: {end}"),
                Some(_) => {}
                None => return Poll::Ready(()),
            }
        }
        Poll::Pending
    }));
    attempts
}

/// A server of everbeat's on the host `them`, which reads what comes
pub(crate) fn serve(sim: &Sim) {
    let (host, handle) = (sim.host("them"), sim.handle());
    let mut listener = host.listen();
    let spawner = host.clone();
    host.spawn(async move {
        loop {
            let (pipe, _) = listener.accept().await;
            let (timer, seed) = (spawner.timer(), handle.random());
            let mut connection = Connection::new(pipe, timer, ConnectionConfig::server(), seed);
            spawner.spawn(async move { while let Ok(Some(_)) = connection.recv().await {} });
        }
    });
}
